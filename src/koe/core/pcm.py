"""PCM as Koe carries it: 16-bit little-endian mono bytes; the sample rate travels beside them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BYTES_PER_SAMPLE = 2

_SILENCE_BYTES = 16_384
"""At once."""


def duration(pcm_bytes: int, sample_rate: int) -> float:
    """Seconds of audio in so many bytes."""
    return pcm_bytes / (BYTES_PER_SAMPLE * sample_rate)


def silence(seconds: float, sample_rate: int) -> Iterator[bytes]:
    """In pieces, so that a long pause costs no memory and can be cancelled or cut off."""
    left = BYTES_PER_SAMPLE * round(seconds * sample_rate)
    while left > 0:
        yield bytes(min(left, _SILENCE_BYTES))
        left -= _SILENCE_BYTES


def amplified(pcm: bytes, gain: float) -> bytes:
    """Louder by so many dB; what would be too loud is clipped."""
    if not gain:
        return pcm
    samples = np.frombuffer(pcm, dtype="<i2") * 10.0 ** (gain / 20.0)
    raised: bytes = np.clip(samples.round(), -32768, 32767).astype("<i2").tobytes()
    return raised


def to_int16(samples: NDArray[np.floating]) -> bytes:
    """Float samples in [-1, 1] as PCM; what lies outside is clipped, never wrapped."""
    pcm: bytes = (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()
    return pcm


def to_float(pcm: bytes) -> NDArray[np.float32]:
    """PCM as float samples in [-1, 1]."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32767.0
