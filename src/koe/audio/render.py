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
            self.factor = yield from self._peak() if self._loudness is None else self._loudness_of_all(self._loudness)
        factor = np.float32(self.factor)
        for piece in self._mix.summed(first, end):
            yield piece * factor

    def _peak(self) -> Generator[Samples, None, float]:
        peak = 0.0
        for piece in self._mix.summed():
            peak = max(peak, float(np.abs(piece).max()))
            yield _NOTHING
        return min(1.0, float(10.0 ** (MOST_PEAK / 20.0)) / max(peak, 1e-9))

    def _loudness_of_all(self, target: float) -> Generator[Samples, None, float]:
        meter = LoudnessMeter(self._mix.sample_rate)
        for piece in self._mix.summed():
            meter.feed(piece)
            yield _NOTHING
        return float(10.0 ** (gain_to(meter.finish(), target) / 20.0))
