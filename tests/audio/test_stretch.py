"""Speech gets shorter or longer by the factor asked for, and keeps its pitch."""

import numpy as np
import pytest

from koe.audio.stretch import StreamStretcher
from koe.core.pcm import duration, to_float, to_int16

RATE = 24000


def hum(seconds: float, hertz: float = 200.0) -> bytes:
    time = np.arange(int(seconds * RATE)) / RATE
    harmonics = np.arange(1, 8)[:, None]
    return to_int16(0.2 * (np.sin(2 * np.pi * hertz * harmonics * time) / harmonics).sum(0))


def pitch(pcm: bytes) -> float:
    """Hz: the first peak of the autocorrelation."""
    samples = to_float(pcm)[RATE // 2 : RATE]
    likeness = np.correlate(samples, samples, "full")[len(samples) :]
    return RATE / (60 + 1 + int(likeness[60:400].argmax()))


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
@pytest.mark.parametrize("chunk", [1920, 7777])
def test_the_length_changes_and_the_pitch_does_not(speed: float, chunk: int) -> None:
    pcm = hum(4.0)
    stretcher = StreamStretcher(RATE, speed)
    heard = b"".join(stretcher.feed(pcm[start : start + 2 * chunk]) for start in range(0, len(pcm), 2 * chunk))
    heard += stretcher.finish()
    assert duration(len(heard), RATE) == pytest.approx(4.0 / speed, abs=0.03)
    assert pitch(heard) == pytest.approx(200, rel=0.02)


@pytest.mark.parametrize("semitones", [-7.0, 5.0])
def test_the_pitch_changes_and_the_length_does_not(semitones: float) -> None:
    stretcher = StreamStretcher(RATE, pitch=semitones)
    heard = stretcher.feed(hum(4.0)) + stretcher.finish()
    assert duration(len(heard), RATE) == pytest.approx(4.0, abs=0.03)
    assert pitch(heard) == pytest.approx(200 * 2 ** (semitones / 12), rel=0.02)


def test_it_comes_while_it_is_fed() -> None:
    stretcher = StreamStretcher(RATE, 1.5)
    assert duration(len(stretcher.feed(hum(1.0))), RATE) > 0.6


def test_an_empty_stream_is_empty() -> None:
    stretcher = StreamStretcher(RATE, 1.5)
    assert stretcher.feed(b"") == b""
    assert stretcher.finish() == b""
