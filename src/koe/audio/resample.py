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


class SteadyRate:
    """Sound of changing rates at that of its beginning; what has that rate stays as it is."""

    def __init__(self) -> None:
        self.sample_rate = 0
        """Hz; known from the first piece on."""

        self._source = 0
        self._resampler: StreamResampler | None = None

    def feed(self, pcm: bytes, sample_rate: int) -> bytes:
        """What is ready so far; may be empty."""
        self.sample_rate = self.sample_rate or sample_rate
        rest = b""
        if sample_rate != self._source:
            rest = self.finish()
            self._source = sample_rate
            if sample_rate != self.sample_rate:
                self._resampler = StreamResampler(sample_rate, self.sample_rate)
        return rest + (self._resampler.feed(pcm) if self._resampler is not None else pcm)

    def finish(self) -> bytes:
        """What was held back; more may follow."""
        resampler, self._resampler, self._source = self._resampler, None, 0
        return resampler.finish() if resampler is not None else b""
