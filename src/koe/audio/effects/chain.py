"""Effects one after the other."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from koe.audio.effects.board import Board
from koe.audio.effects.stage import Samples, Stage, joined
from koe.audio.effects.stretch import PitchShift, Stretch
from koe.core.effects import MOST_EFFECTS, Effect, Gain, HighShelf, LowShelf, Pitch, Reverb, Speed
from koe.core.errors import LimitExceeded, UnsupportedAbility

RATES = (8_000, 48_000)
"""Hz, the lowest and the highest."""


class EffectChain:
    """`feed` float samples (mono, full scale 1.0, pieces of any size) and get what is ready; `finish` gives the rest.

    What comes out, joined, is the same however the samples were cut; it begins where they begin and has exactly
    `length` samples. It may go beyond full scale.
    """

    def __init__(self, effects: Sequence[Effect], sample_rate: int) -> None:
        """Raises UnsupportedAbility for what this rate can't have or what isn't installed; LimitExceeded."""
        if not RATES[0] <= sample_rate <= RATES[1]:
            raise UnsupportedAbility(f"effects at {sample_rate} Hz: {RATES[0]} to {RATES[1]} Hz are possible")
        if len(effects) > MOST_EFFECTS:
            raise LimitExceeded(f"{len(effects)} effects: a chain has no more than {MOST_EFFECTS}")
        self._stages = list(_stages(effects, sample_rate))

    def feed(self, samples: Samples) -> Samples:
        for stage in self._stages:
            samples = stage.feed(samples)
        return samples

    def finish(self) -> Samples:
        samples = np.zeros(0, np.float32)
        for stage in self._stages:
            samples = joined([stage.feed(samples), stage.finish()])
        return samples

    def process(self, samples: Samples) -> Samples:
        """All at once; nothing may follow."""
        return joined([self.feed(samples), self.finish()])

    def length(self, samples: int) -> int:
        """How many samples become of so many: speed changes it, and a reverb rings on."""
        for stage in self._stages:
            samples = stage.length(samples)
        return samples


class _Amplifier:
    def __init__(self, db: float) -> None:
        self._factor = np.float32(10.0 ** (db / 20.0))

    def feed(self, samples: Samples) -> Samples:
        return samples * self._factor

    def finish(self) -> Samples:
        return np.zeros(0, np.float32)

    def length(self, samples: int) -> int:
        return samples


def _stages(effects: Sequence[Effect], sample_rate: int) -> Iterable[Stage]:
    """Neighbours of pedalboard's share one board, and so wait for their pieces only once."""
    for on_board, group in groupby(effects, lambda effect: isinstance(effect, Reverb | LowShelf | HighShelf)):
        if on_board:
            board = [effect for effect in group if isinstance(effect, Reverb | LowShelf | HighShelf)]
            _check_shelves(board, sample_rate)
            yield Board(sample_rate, board)
        else:
            yield from (stage for effect in group if (stage := _stage(effect, sample_rate)) is not None)


def _stage(effect: Effect, sample_rate: int) -> Stage | None:
    """None: it changes nothing."""
    if isinstance(effect, Pitch) and effect.semitones:
        return PitchShift(sample_rate, effect.semitones, keep_formants=effect.keep_formants)
    if isinstance(effect, Speed) and effect.factor != 1.0:
        return Stretch(sample_rate, effect.factor)
    return _Amplifier(effect.db) if isinstance(effect, Gain) and effect.db else None


def _check_shelves(effects: Iterable[Reverb | LowShelf | HighShelf], sample_rate: int) -> None:
    for effect in effects:
        if not isinstance(effect, Reverb) and effect.hertz >= sample_rate / 2:
            raise UnsupportedAbility(
                f"a shelf at {effect.hertz:g} Hz in sound of {sample_rate} Hz: choose one below {sample_rate / 2:g} Hz"
            )
