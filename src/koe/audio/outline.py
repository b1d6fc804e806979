"""What a sound looks like."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from koe.audio.sound import Sound
from koe.core.errors import KoeError


def outline(
    sound: Sound, points: int, first: int = 0, end: int | None = None, stopped: Callable[[], bool] = lambda: False
) -> list[tuple[float, float]]:
    """The lowest and the highest sample of so many slices of equal length (of fewer, where there are fewer samples),
    however long the sound is.

    `first`, `end`: in samples, the part that is looked at. `stopped`: whether nobody waits for it any more; KoeError
    then.
    """
    count = max(0, min(sound.frames, sound.frames if end is None else end) - first)
    points = min(points, count)
    if points == 0:
        return []
    starts = np.arange(points) * count // points
    lows, highs = np.full(points, np.inf), np.full(points, -np.inf)
    place = 0
    for piece in sound.pieces(first, count):
        if stopped():
            raise KoeError("nobody waits for this any more")
        if len(piece) == 0:
            continue
        # The slices that the piece touches: the one in which it begins, and those that begin in it.
        touched = np.arange(starts.searchsorted(place, "right") - 1, starts.searchsorted(place + len(piece)))
        cuts = np.maximum(starts[touched] - place, 0)
        lows[touched] = np.minimum(lows[touched], np.minimum.reduceat(piece, cuts))
        highs[touched] = np.maximum(highs[touched], np.maximum.reduceat(piece, cuts))
        place += len(piece)
    return list(zip(lows.tolist(), highs.tolist(), strict=True))


def waveform(samples: NDArray[np.float32], points: int = 400) -> list[tuple[float, float]]:
    """The lowest and the highest sample of so many slices of equal length (of fewer, where there are fewer samples),
    of samples in memory."""
    points = min(points, len(samples))
    if points == 0:
        return []
    starts = np.arange(points) * len(samples) // points
    lows, highs = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    return list(zip(lows.tolist(), highs.tolist(), strict=True))
