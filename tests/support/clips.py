"""A clip as a user would record it."""

import functools
import io

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 24_000


@functools.cache
def speech_like(seconds: float = 4.0, hertz: float = 120.0) -> NDArray[np.float32]:
    """Voiced sound in syllables, with short pauses: passes every check of a reference. float32 [n], 24 kHz."""
    time = np.arange(int(seconds * RATE)) / RATE
    voiced = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 2.0 * time), 0.0, None) ** 0.5
    noise = np.random.default_rng(0).normal(0, 1e-4, len(time))
    return (0.1 * voiced * syllables + noise).astype(np.float32)


def speech_wav(seconds: float = 4.0, hertz: float = 120.0) -> bytes:
    encoded = io.BytesIO()
    soundfile.write(encoded, speech_like(seconds, hertz), RATE, format="WAV", subtype="PCM_16")
    return encoded.getvalue()
