"""What is prepared for cloning: its form, what is refused and what is warned of, at both sides of each limit."""

import asyncio
import io
import itertools

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from koe.audio.decode import Decoded, read_audio
from koe.audio.outline import waveform
from koe.audio.reference import PEAK_LIMIT, TARGET_RMS, from_wav, joined, prepare, to_wav
from koe.audio.reference_checks import MAX_SECONDS
from koe.audio.reference_speech import MARGIN
from koe.core.errors import LimitExceeded, MalformedInput
from koe.core.pcm import to_float, to_int16
from koe.core.profile import REFERENCE_RATE
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine

Samples = NDArray[np.float32]

SPEECH_RATE = 22050
TEXT = "The old lighthouse stood at the edge of the world, and every evening its keeper lit the lamp."


@pytest.fixture(scope="module")
def speech() -> Samples:
    """About five seconds of English at 22050 Hz, with silence only between its words."""
    samples = to_float(asyncio.run(_spoken(TEXT)))
    sounding = np.flatnonzero(np.abs(samples) > 1e-3)
    return samples[sounding[0] : sounding[-1]]


async def _spoken(text: str) -> bytes:
    engine = EspeakEngine()
    await engine.start()
    try:
        assert engine.sample_rate == SPEECH_RATE
        voice = next(voice for voice in engine.voices() if voice.id == "espeak-en-us")
        stream = engine.open(voice, SpeechOptions())
        stream.feed(text)
        stream.finish()
        pcm = b"".join([chunk async for chunk in stream])
        await stream.aclose()
        return pcm
    finally:
        await engine.stop()


def recording(samples: NDArray[np.floating], sample_rate: int = SPEECH_RATE) -> Decoded:
    """Of samples [n] or [n, channels]."""
    return Decoded(samples.reshape(len(samples), -1).astype(np.float32), sample_rate)


def voiced(seconds: float, sample_rate: int = REFERENCE_RATE) -> Samples:
    """A tone with the loudness of syllables, and loud at both ends, so that its length is exact: RMS 0.19, peak 0.5."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    syllables = np.cos(np.pi * round(3 * seconds) / seconds * time) ** 2
    return (0.5 * (0.03 + 0.97 * syllables) * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


def silence(seconds: float, sample_rate: int = REFERENCE_RATE) -> Samples:
    return np.zeros(round(seconds * sample_rate), np.float32)


def noise(count: int, rms: float) -> Samples:
    return np.random.default_rng(1).normal(0, rms, count).astype(np.float32)


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def at_rms(samples: Samples, level: float) -> Samples:
    return samples * np.float32(level / rms(samples))


def close(these: Samples, those: Samples, within: float) -> bool:
    return these.shape == those.shape and bool(np.abs(these - those).max() <= within)


def frequency(samples: Samples) -> float:
    """Hz, of the strongest."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * REFERENCE_RATE / len(samples))


# --- its form


def test_clean_speech_is_prepared_without_complaint(speech: Samples) -> None:
    prepared = prepare(recording(speech))
    assert prepared.warnings == ()
    assert prepared.samples.dtype == np.float32
    assert prepared.samples.ndim == 1
    assert prepared.sample_rate == SPEECH_RATE
    assert prepared.duration == len(prepared.samples) / REFERENCE_RATE
    assert prepared.duration == pytest.approx(len(speech) / SPEECH_RATE, abs=0.02)
    assert prepared.rms == pytest.approx(rms(speech), rel=0.01)
    assert prepared.peak == pytest.approx(np.abs(speech).max(), rel=0.05)


@pytest.mark.parametrize("level", [0.012, 0.05, 0.1, 0.25])
def test_the_level_is_20_dbfs_or_as_much_as_the_peak_allows(speech: Samples, level: float) -> None:
    for samples in (at_rms(speech, level), at_rms(voiced(5, SPEECH_RATE), level)):
        prepared = prepare(recording(np.clip(samples, -0.98, 0.98)))
        peak = float(np.abs(prepared.samples).max())
        assert rms(prepared.samples) == pytest.approx(prepared.rms * peak / prepared.peak, rel=1e-4)
        assert peak <= PEAK_LIMIT + 1e-6
        if peak < PEAK_LIMIT - 1e-3:
            assert rms(prepared.samples) == pytest.approx(TARGET_RMS, rel=1e-4)
        else:
            assert rms(prepared.samples) <= TARGET_RMS + 1e-6


def test_a_tone_comes_to_20_dbfs_and_a_lone_peak_lowers_it() -> None:
    samples = voiced(5)
    assert rms(prepare(recording(samples, REFERENCE_RATE)).samples) == pytest.approx(0.1, rel=1e-4)
    samples *= 0.1
    samples[60000] = 0.9
    prepared = prepare(recording(samples, REFERENCE_RATE)).samples
    assert np.abs(prepared).max() == pytest.approx(PEAK_LIMIT, rel=1e-4)
    assert rms(prepared) < 0.03


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 24_000, 44_100, 48_000, 192_000])
def test_another_rate_keeps_length_and_pitch(sample_rate: int) -> None:
    samples = voiced(4, sample_rate)
    prepared = prepare(recording(samples, sample_rate))
    assert prepared.duration == pytest.approx(4, abs=0.001)
    assert frequency(prepared.samples) == pytest.approx(220, abs=1)
    assert rms(prepared.samples) == pytest.approx(0.1, rel=0.001)


def test_what_is_above_half_the_rate_does_not_come_down() -> None:
    time = np.arange(4 * 48000) / 48000
    prepared = prepare(recording(voiced(4, 48000) + 0.1 * np.sin(2 * np.pi * 14_000 * time), 48000))
    spectrum = np.abs(np.fft.rfft(prepared.samples))
    assert spectrum[4 * 9_900 : 4 * 10_100].max() < 1e-3 * spectrum.max()


def test_an_offset_is_removed(speech: Samples) -> None:
    prepared = prepare(recording(speech * 0.5 + 0.2)).samples
    assert abs(prepared.mean()) < 1e-6
    assert close(prepared, prepare(recording(speech * 0.5)).samples, 0.003)


@pytest.mark.parametrize("snr", [None, 40, 25, 17])
def test_silence_is_trimmed_and_speech_is_not(speech: Samples, snr: float | None) -> None:
    samples = np.concatenate([silence(1.5, SPEECH_RATE), speech, silence(2.5, SPEECH_RATE)])
    if snr is not None:
        samples = samples + noise(len(samples), rms(speech) / 10 ** (snr / 20))
    prepared = prepare(recording(samples))
    spoken = len(speech) / SPEECH_RATE
    # What the noise covers anyway may go.
    assert spoken - (0 if snr is None else 0.15) <= prepared.duration <= spoken + 2 * MARGIN + 0.02
    energy = np.sum(soxr.resample(speech, SPEECH_RATE, REFERENCE_RATE).astype(np.float64) ** 2)
    assert prepared.rms**2 * len(prepared.samples) >= 0.9995 * energy


def test_speech_that_fills_the_clip_is_not_trimmed(speech: Samples) -> None:
    words = speech + noise(len(speech), 1e-4)
    assert prepare(recording(words)).duration == pytest.approx(len(speech) / SPEECH_RATE, abs=0.03)


@pytest.mark.parametrize("offset", [0.0, 0.05])
@pytest.mark.parametrize("background", [0.0, 1e-4, 1e-3, 1e-2, 2e-2])
@pytest.mark.parametrize("around", [0.0, 0.013, 2.0])
def test_what_is_prepared_stays_as_it_is(speech: Samples, around: float, background: float, offset: float) -> None:
    edge = silence(around, SPEECH_RATE)
    samples = np.concatenate([edge, speech * 0.5, edge])
    once = prepare(recording(samples + noise(len(samples), background) + offset)).samples
    twice = prepare(recording(once, REFERENCE_RATE)).samples
    assert close(twice, once, 1e-5)
    kept = from_wav(to_wav(once))
    assert close(prepare(recording(kept, REFERENCE_RATE)).samples, once, 2e-4)


# --- what is refused and what is warned of


def prepared_warnings(samples: NDArray[np.floating], sample_rate: int = REFERENCE_RATE) -> str:
    return "\n".join(prepare(recording(samples, sample_rate)).warnings)


@pytest.mark.parametrize("seconds", [0.3, 1.95, 30.05, 40])
def test_too_short_and_too_long_clips_are_refused(seconds: float) -> None:
    expected = rf"the clip has {seconds:.2f} s of speech; record 3 to 10 seconds \(2 to 30 are possible\)"
    with pytest.raises(MalformedInput, match=expected):
        prepare(recording(voiced(seconds), REFERENCE_RATE))


@pytest.mark.parametrize("seconds", [2.05, 2.95, 10.05, 29.95])
def test_lengths_that_are_not_ideal_are_warned_of(seconds: float) -> None:
    assert prepared_warnings(voiced(seconds)) == f"the clip has {seconds:.2f} s of speech: best record 3 to 10 seconds"


@pytest.mark.parametrize("seconds", [3.05, 6, 9.95])
def test_ideal_lengths_pass(seconds: float) -> None:
    assert prepared_warnings(voiced(seconds)) == ""


def test_silence_around_does_not_make_a_clip_long_enough() -> None:
    with pytest.raises(MalformedInput, match=r"1\.90 s of speech"):
        prepare(recording(np.concatenate([silence(5), voiced(1.8), silence(5)]), REFERENCE_RATE))
    assert prepared_warnings(np.concatenate([silence(30), voiced(5), silence(30)])) == ""


def test_too_quiet_is_refused_and_a_little_more_is_not() -> None:
    with pytest.raises(MalformedInput, match=r"too quiet .* nearer to the microphone"):
        prepare(recording(at_rms(voiced(5), 0.0095), REFERENCE_RATE))
    assert prepared_warnings(at_rms(voiced(5), 0.0105)) == ""


@pytest.mark.parametrize("samples", [silence(5), silence(5) + 0.3, silence(5)[:1], noise(120_000, 1e-6)])
def test_silence_is_refused(samples: Samples) -> None:
    with pytest.raises(MalformedInput, match="silent: choose the right microphone"):
        prepare(recording(samples, REFERENCE_RATE))


def test_a_telephone_is_refused_and_16_khz_are_not() -> None:
    with pytest.raises(MalformedInput, match="15999 Hz, which is too dull: record at 16000 Hz or more"):
        prepare(recording(voiced(5, 15_999), 15_999))
    assert prepared_warnings(voiced(5, 16_000), 16_000) == ""


def flattened(runs: int, length: int, sample_rate: int = REFERENCE_RATE, seconds: float = 5.0) -> Samples:
    """So many flat tops of so many samples each."""
    samples = voiced(seconds, sample_rate)
    for start in np.linspace(0, len(samples) - length, runs).astype(int):
        samples[start : start + length] = 1.0
    return samples


def test_a_few_flat_tops_are_warned_of() -> None:
    # Of the 120000 samples 24 are few, and 600 are many.
    assert prepared_warnings(flattened(7, 3)) == ""
    assert "a few sounds are clipped (0.02% of the speech" in prepared_warnings(flattened(9, 3))
    assert "a few sounds are clipped (0.50% of the speech" in prepared_warnings(flattened(199, 3))


def test_many_flat_tops_are_refused() -> None:
    with pytest.raises(MalformedInput, match=r"clipped \(0\.5% of it is too loud\): lower the microphone's level"):
        prepare(recording(flattened(201, 3), REFERENCE_RATE))


def test_tops_that_only_touch_full_scale_are_not_clipped() -> None:
    assert "clipped" not in prepared_warnings(flattened(300, 1))
    assert "clipped" not in prepared_warnings(flattened(300, 2))
    # A tenth of a millisecond counts, however many samples that is.
    assert "clipped" not in prepared_warnings(flattened(300, 9, 96_000), 96_000)
    assert "clipped" in prepared_warnings(flattened(100, 10, 96_000), 96_000)


@pytest.mark.parametrize("format", ["WAV", "MP3", "OGG"])
def test_speech_at_full_scale_is_not_clipped_even_after_lossy_encoding(speech: Samples, format: str) -> None:
    for rate in (SPEECH_RATE, 48000):
        samples = soxr.resample(speech, SPEECH_RATE, rate)
        stream = io.BytesIO()
        soundfile.write(stream, samples / np.abs(samples).max(), rate, format=format)
        decoded = read_audio(stream.getvalue(), most_seconds=20)
        assert np.abs(decoded.samples).max() > 0.95
        assert prepare(decoded).warnings == ()


def test_speech_that_is_far_too_loud_is_refused(speech: Samples) -> None:
    for rate in (SPEECH_RATE, 48000):
        samples = soxr.resample(speech, SPEECH_RATE, rate)
        loud = np.clip(samples / np.abs(samples).max() * 10 ** (10 / 20), -1, 1)
        with pytest.raises(MalformedInput, match="clipped"):
            prepare(recording(loud, rate))


def test_clipping_in_one_channel_is_found_though_the_sum_hides_it() -> None:
    samples = flattened(201, 3)
    with pytest.raises(MalformedInput, match="clipped"):
        prepare(recording(np.stack([samples, samples * 0.6], axis=1), REFERENCE_RATE))


def test_equal_channels_are_one(speech: Samples) -> None:
    mono = prepare(recording(speech))
    hiss = noise(2 * len(speech), 1e-3).reshape(-1, 2)
    for stereo in (np.stack([speech, speech], axis=1), np.stack([speech, 0.7 * speech], axis=1)):
        prepared = prepare(recording(stereo))
        assert prepared.warnings == ()
        assert close(prepared.samples, mono.samples, 1e-5)
        assert prepare(recording(stereo + hiss)).warnings == ()


@pytest.mark.parametrize("empty", [0.0, 5e-4])
def test_a_silent_channel_does_not_count(speech: Samples, empty: float) -> None:
    other = noise(len(speech), empty)
    for stereo in (np.stack([speech, other], axis=1), np.stack([other, speech], axis=1)):
        prepared = prepare(recording(stereo))
        assert prepared.warnings == ()
        assert close(prepared.samples, prepare(recording(speech)).samples, 1e-5)


def test_of_channels_that_differ_the_louder_is_used_with_a_warning(speech: Samples) -> None:
    for stereo in (np.stack([speech[::-1] * 0.5, speech], axis=1), np.stack([-0.9 * speech, speech], axis=1)):
        prepared = prepare(recording(stereo))
        assert prepared.warnings == (
            "the channels differ, so only the louder one (channel 2) was used: record in mono",
        )
        assert close(prepared.samples, prepare(recording(speech)).samples, 1e-5)


@pytest.mark.parametrize("correlation", [0.87, 0.93])
def test_how_much_channels_may_differ(speech: Samples, correlation: float) -> None:
    level = rms(speech) * np.sqrt(1 / correlation - 1)
    stereo = speech[:, None] + noise(2 * len(speech), level).reshape(-1, 2)
    assert ("the channels differ" in prepared_warnings(stereo, SPEECH_RATE)) == (correlation < 0.9)


def test_a_long_pause_is_warned_of_with_its_place() -> None:
    for seconds in (0.5, 0.95):
        assert prepared_warnings(np.concatenate([voiced(2), silence(seconds), voiced(2)])) == ""
    samples = np.concatenate([silence(0.5), voiced(2.07), silence(1.1), voiced(2), silence(2), voiced(2)])
    assert prepared_warnings(samples + noise(len(samples), 1e-4)).splitlines() == [
        # Counted from the margin before the first sound.
        "there is a pause of 1.1 s at 2.1 s: cut it, or the voice may pause as long",
        "there is a pause of 2.0 s at 5.2 s: cut it, or the voice may pause as long",
    ]


@pytest.mark.parametrize(("snr", "warned"), [(5, True), (11, True), (15, False), (30, False)])
@pytest.mark.parametrize("around", [0.3, 2.0])
def test_noise_in_the_background_is_warned_of(speech: Samples, snr: float, warned: bool, around: float) -> None:
    edge = silence(around, SPEECH_RATE)
    samples = np.concatenate([edge, speech, edge]) * 0.5
    prepared = prepare(recording(samples + noise(len(samples), 0.5 * rms(speech) / 10 ** (snr / 20))))
    assert ("much noise in the background" in "".join(prepared.warnings)) == warned
    # The loud parts of speech are about 4 dB above its mean.
    assert prepared.snr_db == pytest.approx(snr + 4, abs=2)


def test_muted_pauses_hide_no_noise(speech: Samples) -> None:
    noisy = speech * 0.5 + noise(len(speech), 0.5 * rms(speech) / 10 ** (8 / 20))
    muted = np.concatenate([silence(2, SPEECH_RATE), noisy, silence(2, SPEECH_RATE)])
    assert "much noise" in prepared_warnings(muted, SPEECH_RATE)


# --- several clips, files, pictures


def test_clips_are_joined_in_order_with_half_a_second_of_silence_after_them() -> None:
    first, second = voiced(3), -voiced(2)
    clip = joined([first, second])
    assert clip.dtype == np.float32
    assert np.array_equal(clip, np.concatenate([first, second, silence(0.5)]))


def test_more_than_30_seconds_together_are_refused() -> None:
    assert len(joined([silence(10), silence(20)])) == (MAX_SECONDS + 0.5) * REFERENCE_RATE
    with pytest.raises(LimitExceeded, match=r"30\.1 s together, and 30 are possible"):
        joined([silence(10), silence(10), silence(10.1)])


@given(arrays.arrays(np.float32, st.integers(1, 200), elements=st.floats(-1, 1, width=32)))
def test_a_file_gives_back_what_was_put_in(samples: Samples) -> None:
    data = to_wav(samples)
    assert data == to_wav(samples)
    assert np.abs(from_wav(data) - samples).max() <= 0.5001 / 32767
    assert to_wav(from_wav(data)) == data


def test_a_file_is_what_every_player_plays() -> None:
    samples, rate = soundfile.read(io.BytesIO(to_wav(voiced(2))), dtype="int16")
    assert rate == REFERENCE_RATE
    assert samples.tobytes() == to_int16(voiced(2))


def test_samples_from_a_file_are_within_full_scale() -> None:
    data = bytearray(to_wav(voiced(2)))
    data[44:46] = b"\x00\x80"
    assert from_wav(bytes(data)).min() == -1.0


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT", "PCM_16"])
def test_recordings_put_there_by_hand_are_prepared(speech: Samples, subtype: str) -> None:
    stream = io.BytesIO()
    soundfile.write(stream, speech, SPEECH_RATE, format="WAV", subtype=subtype)
    assert close(from_wav(stream.getvalue()), prepare(recording(speech)).samples, 1e-3)


@pytest.mark.parametrize("data", [b"", b"hello", to_wav(silence(0)), to_wav(voiced(2))[:-1], to_wav(voiced(2))[:20000]])
def test_files_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        from_wav(data)


@given(st.integers(0, 3000), st.integers(1, 500))
def test_a_waveform_has_the_extremes_of_every_slice(count: int, points: int) -> None:
    samples = noise(count, 0.1)
    shape = waveform(samples, points)
    assert len(shape) == min(points, count)
    assert all(isinstance(value, float) for pair in shape for value in pair)
    if count:
        assert min(low for low, _ in shape) == samples.min()
        assert max(high for _, high in shape) == samples.max()
        starts = [index * count // len(shape) for index in range(len(shape) + 1)]
        slices = [samples[start:end] for start, end in itertools.pairwise(starts)]
        assert shape == [(float(each.min()), float(each.max())) for each in slices]
