"""A mix made to be heard: measured first, then given piece by piece, in steps that each take a moment.

So whoever waits for it can give up in between, however long it is.
"""

from collections.abc import Generator, Iterator

import numpy as np

from koe.audio.loudness import LoudnessMeter, gain_to
from koe.audio.mix import MOST_PEAK, Mix
from koe.audio.sound import Samples

_NOTHING = np.zeros(0, np.float32)


class Rendering:
    """Of a whole mix, or of a part that is as loud as it is in the whole."""

    def __init__(self, mix: Mix, *, loudness: float | None = None, factor: float | None = None) -> None:
        """`loudness`: LUFS to come to, as `loudness.gain_to` does it; None: as it is, lowered where its peak would be
        beyond MOST_PEAK. `factor`: that of an earlier rendering of the same mix, which then needn't be measured."""
        self.factor = factor
        """By which all of it is multiplied; None until it is known."""

        self._mix, self._loudness = mix, loudness

    def pieces(self, first: int = 0, end: int | None = None) -> Iterator[Samples]:
        """`first`, `end`: in samples. The pieces are empty while it is measured."""
        if self.factor is None:
            self.factor = yield from self._measured(0, None)
        yield from self._made(first, end, self.factor)

    def draft(self, first: int, end: int | None) -> Iterator[Samples]:
        """Without waiting for the whole: measured is only what is heard, which may then be louder than in the whole."""
        factor = self.factor if self.factor is not None else (yield from self._measured(first, end))
        yield from self._made(first, end, factor)

    def _made(self, first: int, end: int | None, factor: float) -> Iterator[Samples]:
        for piece in self._mix.summed(first, end):
            yield piece * np.float32(factor)

    def _measured(self, first: int, end: int | None) -> Generator[Samples, None, float]:
        peak, target = 0.0, self._loudness
        meter = LoudnessMeter(self._mix.sample_rate) if target is not None else None
        for piece in self._mix.summed(first, end):
            if meter is None:
                peak = max(peak, float(np.abs(piece).max()))
            else:
                meter.feed(piece)
            yield _NOTHING
        if meter is None or target is None:
            return min(1.0, float(10.0 ** (MOST_PEAK / 20.0)) / max(peak, 1e-9))
        return float(10.0 ** (gain_to(meter.finish(), target) / 20.0))
