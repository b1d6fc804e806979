"""Another sample rate, chunk by chunk."""

import numpy as np
import soxr


class StreamResampler:
    """PCM in, PCM at another rate out; the chunks together are what one call on the whole would give."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz."""
        self._stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="int16")

    def feed(self, pcm: bytes) -> bytes:
        """What is ready so far; may be empty, for the filter looks ahead."""
        return self._resample(pcm, last=False)

    def finish(self) -> bytes:
        """What the filter still held."""
        return self._resample(b"", last=True)

    def _resample(self, pcm: bytes, *, last: bool) -> bytes:
        resampled: bytes = self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2"), last=last).tobytes()
        return resampled
