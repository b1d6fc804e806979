"""Effects by Spotify's pedalboard.

Its plug-ins keep their state from call to call, but start anew whenever a piece is longer than all before (measured
with 0.9.26: filters and the reverb then jump). So they get pieces of one size only, and what they give is the same for
a stream and a whole. Its PitchShift gave something else for each size of piece, and less than it got: not used.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from koe.audio.effects.stage import Queue, Samples, joined
from koe.core.effects import HighShelf, LowShelf, Reverb
from koe.core.errors import UnsupportedAbility
from koe.core.installation import install

_PIECE = 512
"""Samples: 21 ms at 24 kHz."""

_COMB = 0.0367
"""Seconds: how often the sound comes round in the longest of the reverb's delay lines."""


class Board:
    def __init__(self, sample_rate: int, effects: Sequence[Reverb | LowShelf | HighShelf]) -> None:
        """Raises UnsupportedAbility where pedalboard isn't installed."""
        pedalboard = _pedalboard()
        self._sample_rate = sample_rate
        self._board = pedalboard.Pedalboard([_plugin(pedalboard, effect) for effect in effects])
        self._tail = round(sum(map(_tail, effects)) * sample_rate)
        self._queue, self._place = Queue(), 0

    def feed(self, samples: Samples) -> Samples:
        self._queue.add(samples)
        pieces = []
        while self._place + _PIECE <= self._queue.end:
            pieces.append(self._board.process(self._piece(), self._sample_rate, buffer_size=_PIECE, reset=False))
            self._place += _PIECE
            self._queue.forget(self._place)
        return joined(pieces)

    def finish(self) -> Samples:
        rest = self.length(self._queue.end) - self._place
        pieces = [self.feed(np.zeros(_PIECE, np.float32)) for _ in range(-(-rest // _PIECE))]
        return joined(pieces)[:rest]

    def length(self, samples: int) -> int:
        return samples + self._tail if samples else 0

    def _piece(self) -> Samples:
        return self._queue.between(self._place, self._place + _PIECE)


def _plugin(pedalboard: Any, effect: Reverb | LowShelf | HighShelf) -> Any:
    if isinstance(effect, Reverb):
        # Its levels are those of a mixing desk: at 0.5 the voice itself is as loud as it was.
        return pedalboard.Reverb(
            room_size=effect.size,
            damping=effect.damping,
            wet_level=effect.wet,
            dry_level=(1.0 - effect.wet) / 2.0,
        )
    plugin = pedalboard.LowShelfFilter if isinstance(effect, LowShelf) else pedalboard.HighShelfFilter
    return plugin(cutoff_frequency_hz=effect.hertz, gain_db=effect.gain, q=effect.q)


def _tail(effect: Reverb | LowShelf | HighShelf) -> float:
    """Seconds until what rings on is 60 dB softer."""
    if not isinstance(effect, Reverb):
        return 0.0
    # JUCE's reverb, which is Freeverb: what comes round is weaker by this factor.
    return _COMB * math.log(1000.0) / -math.log(0.28 * effect.size + 0.7)


def _pedalboard() -> Any:
    try:
        import pedalboard
    except ImportError as error:
        raise UnsupportedAbility(f"reverb and shelves need the pedalboard library: run {install('effects')}") from error
    return pedalboard
