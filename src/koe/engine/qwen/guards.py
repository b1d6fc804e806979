"""What keeps a generation from running away: the model forgets to stop in about 0.3 % of requests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 12.5

_SLOWEST_FRAMES_PER_TOKEN = 12
"""A token is a third of a second at the most patient pace seen; this is three times that."""

_ROOM = 40
"""Frames that any text may take: breath before and after it."""

_SILENCE_RMS = 0.002
_SILENCE_SECONDS = 3.0


def frame_cap(tokens: int) -> int:
    """The most frames that a text of so many tokens may take."""
    return _ROOM + _SLOWEST_FRAMES_PER_TOKEN * tokens


class SilenceGuard:
    """Notices speech that has died away without an end, or never began."""

    def __init__(self) -> None:
        self._silent = 0.0

    def hear(self, samples: NDArray[np.float32], sample_rate: int) -> None:
        quiet = bool(np.sqrt(np.mean(samples**2)) < _SILENCE_RMS)
        self._silent = self._silent + len(samples) / sample_rate if quiet else 0.0

    @property
    def quiet(self) -> bool:
        """Whether the last that was heard was silence."""
        return self._silent > 0

    @property
    def dead(self) -> bool:
        """Whether it has been silent for longer than any speaker would be."""
        return self._silent >= _SILENCE_SECONDS


@dataclass(slots=True)
class Counters:
    """What the engine has done since it started."""

    generations: int = 0
    frames: int = 0
    capped: int = 0
    """Generations that the cap ended."""
    silenced: int = 0
    """Generations that the silence guard ended."""
    retried: int = 0
    prompts: int = 0
    """Clips that were listened to: neither memory nor a file had what the model keeps of them."""
    primed: int = 0
    """References that were pushed through the codec."""
    designs: int = 0
    """Generations in a voice made up from a description."""
