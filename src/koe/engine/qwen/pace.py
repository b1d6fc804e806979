"""How fast this machine makes speech, by its own measurements, and what must be ready before playback begins.

A stream whose second of sound takes r > 1 seconds falls behind by r - 1 with each; what is played from its beginning
without a gap needs so much of a head start that it runs out just at the end.
"""

import statistics
import time
from collections import deque

from koe.engine.qwen.guards import FRAMES_PER_SECOND

_KNOWN, _KEPT = 8, 32
"""Steps after which the pace is known, and of which it is the mean: the longest chunk of sound comes every 8."""

_SLOW = 1.05
_SECONDS_PER_TOKEN = 1 / 3
"""At the most patient pace seen."""

_OF_LATE = 600.0
"""Seconds."""

_PATIENCE = 8.0
"""Seconds that a head start may take, whatever is still to come: a room waits no longer for its first word."""


class Pace:
    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=_KEPT)
        self.noted_at = time.monotonic()

    def note(self, seconds: float, times: int = 1) -> None:
        """A step took so long: one frame of each stream that could go on."""
        self._steps.extend([seconds] * times)
        self.noted_at = time.monotonic()

    @property
    def real_time(self) -> float | None:
        """Seconds of work for a second of each stream's sound; None: not known yet."""
        return statistics.fmean(self._steps) * FRAMES_PER_SECOND if len(self._steps) >= _KNOWN else None

    @property
    def slow(self) -> bool:
        """Whether it falls behind."""
        return (self.real_time or 0.0) > _SLOW

    @property
    def slow_of_late(self) -> bool:
        """The same, where that was measured a moment ago: what made it slow may be over."""
        return self.slow and time.monotonic() - self.noted_at < _OF_LATE

    def head_start(self, tokens: int) -> float:
        """Seconds of sound to have before a text of so many tokens is begun to be played."""
        work = self.real_time
        if work is None or work <= _SLOW:
            return 0.0
        return min(tokens * _SECONDS_PER_TOKEN * (1 - 1 / work), _PATIENCE / work)
