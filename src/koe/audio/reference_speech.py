"""Where in a recording somebody speaks, and how loud that and its background are.

All samples are float32, mono, 24 kHz, within +-1.
"""

import numpy as np
from numpy.typing import NDArray

from koe.core.errors import MalformedInput
from koe.core.profile import REFERENCE_RATE

FRAME = 0.01
"""Seconds. Trimming and pauses are counted in these."""

MARGIN = 0.05
"""Seconds of silence that stay before and after the speech, for sounds too soft to be told from silence."""

_LOUD = 0.1
"""Seconds over which the loudest passage is measured: longer than a click, shorter than a syllable."""

_SOFTEST, _LOUDEST_SILENCE = 10**-4.5, 10**-2
"""Powers against the loudest passage: what is 45 dB below is silent, what is less than 20 dB below is not. Between
them the noise of the recording decides."""

_NOISE_PERCENTILE = 3
"""Of the powers of the frames: where speech fills the clip, only the gaps within its words are so soft."""

_OVER_NOISE = 5.0
"""7 dB: by how much more power than the noise a frame must have to be speech."""

_DIGITAL_SILENCE = 1e-9
"""Power of the least bit of 16: what is below was never recorded."""


def spoken(samples: NDArray[np.float32]) -> tuple[int, int]:
    """From where to where somebody speaks, with the margin. Raises MalformedInput where nobody does."""
    start, end = 0, len(samples)
    # Until nothing changes, because the noise is measured anew without what was cut off: else a clip that is prepared
    # twice would lose more the second time.
    while True:
        active = np.flatnonzero(loud_frames(samples[start:end]))
        if active.size == 0:
            raise MalformedInput("the recording is silent: choose the right microphone and record again")
        frame, margin = _count(FRAME), _count(MARGIN)
        first, last = int(active[0]), int(active[-1]) + 1
        trimmed = start + max(0, first * frame - margin), min(end, start + last * frame + margin)
        if trimmed == (start, end):
            return trimmed
        start, end = trimmed


def loud_frames(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the frames are louder than silence."""
    powers = _powers(samples, FRAME)
    if powers.size == 0:
        return np.zeros(0, np.bool_)
    smoothed = np.convolve(powers, np.full(round(_LOUD / FRAME), FRAME / _LOUD), "same")
    loud = smoothed.max()
    noise = np.percentile(powers, _NOISE_PERCENTILE)
    threshold = np.clip(_OVER_NOISE * noise, _SOFTEST * loud, _LOUDEST_SILENCE * loud)
    active: NDArray[np.bool_] = powers > max(threshold, _DIGITAL_SILENCE)
    return active


def snr_of(samples: NDArray[np.float32]) -> float:
    """dB. The loud frames are speech and background, the soft ones background alone; what is digitally silent was cut
    or gated and tells nothing of the room."""
    powers = _powers(samples, 0.02)
    powers = powers[powers > _DIGITAL_SILENCE]
    if powers.size == 0:
        return 0.0
    background, loud = np.percentile(powers, [5, 90])
    return float(10 * np.log10(max(loud - background, background) / background))


def rms_of(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _powers(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float64]:
    """The mean square of each whole frame of so many seconds, around its own mean, so that an offset is no sound."""
    length = _count(seconds)
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    powers: NDArray[np.float64] = frames.var(axis=1, dtype=np.float64)
    return powers


def _count(seconds: float) -> int:
    """Samples."""
    return round(seconds * REFERENCE_RATE)
