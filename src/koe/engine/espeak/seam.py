"""Joining a sentence to its own opening.

espeak-ng can't pause in a sentence. So that many requests at once all begin to sound early, each is first spoken up
to its opening and broken off there; later it is spoken whole, and what follows the opening is joined on. Two readings
of one sentence differ by a flutter of the pitch, which moves them against each other by a few samples: they are laid
over each other where they fit best, and cross-faded. With 50 requests at once the first audio comes three times sooner.
"""

import numpy as np
from numpy.typing import NDArray

from koe.core.pcm import BYTES_PER_SAMPLE

FADE = 110
"""Samples over which one reading fades into the other: 5 ms at espeak-ng's 22050 Hz."""

REACH = 66
"""Samples by which the second reading may be early or late. Seen: up to 13."""


class Seam:
    """Takes the second reading from its beginning and gives what is to follow the opening."""

    def __init__(self, opening: bytes) -> None:
        """The opening as it was spoken: all of it but the last FADE samples counts as sent."""
        self.sent = opening[: -FADE * BYTES_PER_SAMPLE]
        self._tail = _samples(opening[len(self.sent) :])
        self._begin = len(self.sent) // BYTES_PER_SAMPLE
        self._waiting = b""
        self._joined = not opening

    def feed(self, pcm: bytes) -> bytes:
        """More of the second reading; empty until the place of the seam has been reached."""
        if self._joined:
            return pcm
        self._waiting += pcm
        needed = self._begin + len(self._tail) + REACH
        return self._join() if len(self._waiting) >= needed * BYTES_PER_SAMPLE else b""

    def finish(self) -> bytes:
        """The rest, where the second reading ended near the seam."""
        return b"" if self._joined else self._join()

    def _join(self) -> bytes:
        self._joined = True
        samples = _samples(self._waiting)
        begin = self._best_fit(samples)
        overlap = samples[begin : begin + len(self._tail)]
        tail = self._tail[: len(overlap)]
        fade = np.linspace(0.0, 1.0, len(overlap), dtype=np.float32)
        faded = tail * (1.0 - fade) + overlap * fade
        joined = np.concatenate((faded.round(), samples[begin + len(overlap) :]))
        pcm: bytes = joined.astype("<i2").tobytes()
        return pcm

    def _best_fit(self, samples: NDArray[np.float32]) -> int:
        first, last = max(0, self._begin - REACH), self._begin + REACH + len(self._tail)
        region = samples[first:last]
        if len(samples) < last:
            # It ends near the seam: the right place may lie behind its end.
            return self._begin
        windows = np.lib.stride_tricks.sliding_window_view(region, len(self._tail))
        likeness = windows @ self._tail / (np.linalg.norm(windows, axis=1) + 1.0)
        # In silence every place fits: stay where the opening ended.
        return first + int(likeness.argmax()) if likeness.max() > 0 else self._begin


def _samples(pcm: bytes) -> NDArray[np.float32]:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32)
