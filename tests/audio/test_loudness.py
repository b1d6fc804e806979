"""Loudness is what BS.1770 and EBU R 128 say it is, however the recording arrives."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koe.audio.loudness import MOST_DBTP, SPEECH_LUFS, Loudness, LoudnessMeter, gain_to, levelled
from koe.audio.loudness import measured as measured_sound
from koe.audio.sound import ArraySound, Samples

RATES = [8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]


def measured(samples: Samples, rate: int, piece: int = 10_000) -> Loudness:
    meter = LoudnessMeter(rate)
    for start in range(0, len(samples), piece):
        meter.feed(samples[start : start + piece])
    return meter.finish()


def sine(dbfs: float, seconds: float, rate: int, hertz: float = 997.0) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def programme(seconds: float, rate: int) -> Samples:
    """Noise that comes and goes, with more bass than treble."""
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * rate) + 7)
    bass = np.convolve(noise, np.ones(8) / 8, "valid")
    return (bass * np.abs(np.sin(np.arange(len(bass)) / rate))).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("dbfs", [0.0, -20.0, -40.0])
def test_a_sine_of_997_hz_is_3_lu_below_its_peak(rate: int, dbfs: float) -> None:
    # BS.1770: at 0 dBFS in one channel -3.01 LUFS.
    loudness = measured(sine(dbfs, 5, rate), rate)
    assert loudness.lufs == pytest.approx(dbfs - 3.01, abs=0.05)
    assert loudness.true_peak == pytest.approx(dbfs, abs=0.1)


# EBU Tech 3341, cases 1 to 5, whose sines are in two channels: in one, each is 3.01 dB louder for the same figure.
@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
)
def test_the_cases_of_the_ebu(levels: list[tuple[float, float]], expected: float) -> None:
    rate = 16_000
    samples = np.concatenate([sine(level + 3.01, seconds, rate, 1000) for level, seconds in levels])
    assert measured(samples, rate).lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_another_implementation_agrees(rate: int) -> None:
    loudness = pytest.importorskip("loudness")
    samples = programme(12.0, rate)
    other = loudness.integrated_loudness(samples[:, None], rate)
    assert measured(samples, rate).lufs == pytest.approx(other, abs=0.05)


def test_peaks_between_the_samples_are_found() -> None:
    # A quarter of the rate, between the samples' phases: none is higher than -3 dB.
    rate = 24_000
    samples = np.sin(np.pi / 2 * np.arange(rate) + np.pi / 4).astype(np.float32)
    assert 20 * math.log10(np.abs(samples).max()) < -3
    assert measured(samples, rate).true_peak == pytest.approx(0, abs=0.4)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30_000), max_size=8), st.integers(0, 30_000))
def test_where_a_recording_is_cut_never_changes_its_loudness(cuts: list[int], length: int) -> None:
    samples = programme(2.0, 16_000)[:length]
    whole, meter = measured(samples, 16_000, 40_000), LoudnessMeter(16_000)
    for piece in np.split(samples, sorted(cuts)):
        meter.feed(piece)
    cut = meter.finish()
    assert cut.lufs == pytest.approx(whole.lufs, abs=1e-6) if whole.lufs is not None else cut.lufs is None
    assert cut.true_peak == pytest.approx(whole.true_peak, abs=1e-4)
    assert cut.seconds == length / 16_000


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.2, 0.399, 0.4, 0.41])
def test_a_short_sound_has_a_loudness(seconds: float) -> None:
    assert measured(sine(-20, seconds, 24_000), 24_000).lufs == pytest.approx(-23, abs=1.0)


@pytest.mark.parametrize("length", [0, 1, 9599, 9600, 100_000])
def test_silence_has_none_and_stays_as_it_is(length: int) -> None:
    loudness = measured(np.zeros(length, np.float32), 24_000)
    assert loudness == Loudness(None, -math.inf, length / 24_000)
    assert gain_to(loudness) == 0.0


@pytest.mark.parametrize("rate", RATES)
def test_the_gain_brings_speech_to_the_target(rate: int) -> None:
    samples = programme(5.0, rate)
    gain = gain_to(measured(samples, rate), target=-30.0)
    assert measured(samples * np.float32(10 ** (gain / 20)), rate).lufs == pytest.approx(-30.0, abs=0.05)


def test_no_gain_lifts_a_peak_beyond_what_is_allowed() -> None:
    click = programme(5.0, 24_000) * np.float32(0.01)
    click[30_000:30_010] = 0.5
    loudness = measured(click, 24_000)
    gain = gain_to(loudness)
    assert loudness.true_peak + gain == pytest.approx(MOST_DBTP)
    assert loudness.lufs is not None
    assert loudness.lufs + gain < SPEECH_LUFS


def test_a_sound_is_levelled_in_two_passes() -> None:
    sound = ArraySound(programme(8.0, 24_000), 24_000)
    pieces = np.concatenate(list(levelled(sound, target=-30.0)))
    assert len(pieces) == sound.frames
    assert measured_sound(ArraySound(pieces, 24_000)).lufs == pytest.approx(-30.0, abs=0.05)
