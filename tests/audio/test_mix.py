"""A mix is the sum that plain arithmetic gives, never clips, and needs no more memory for being long."""

import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from koe.audio.mix import MOST_AT_ONCE, Clip, Mix, Track, crossfaded, join, joined_length
from koe.audio.sound import ArraySound, FileSound, Samples, Sound, resampled
from koe.core.errors import LimitExceeded, MalformedInput

RATE = 24_000


def noise(seconds: float, seed: int = 0, rate: int = RATE) -> ArraySound:
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * rate)).astype(np.float32)
    return ArraySound(samples, rate)


def heard(pieces: Iterator[Samples]) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *pieces])


def part(sound: ArraySound, first: int, end: int) -> Samples:
    """At RATE, as it is in the whole."""
    rate = sound.sample_rate
    if rate == RATE:
        return sound.samples[first:end]
    # Where samples of both rates meet.
    step = rate // math.gcd(rate, RATE)
    before = first // step
    made: Samples = soxr.resample(sound.samples[first - before * step :], rate, RATE)[before * step * RATE // rate :]
    count = round((end - first) * RATE / rate)
    return np.pad(made[:count], (0, max(0, count - len(made))))


def expected(tracks: list[Track], length: int) -> Samples:
    """The whole mix in plain numpy."""
    total = np.zeros(length)
    for track in tracks:
        for clip in track.clips:
            sound = clip.sound
            assert isinstance(sound, ArraySound)
            first = round(clip.trim_start * sound.sample_rate)
            end = sound.frames - round(clip.trim_end * sound.sample_rate)
            samples = part(sound, first, end).astype(np.float64)
            rise, fall = round(clip.fade_in * RATE), round(clip.fade_out * RATE)
            samples[:rise] *= np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise) if rise else 1
            if fall:
                samples[-fall:] *= np.cos(np.pi / 2 * (np.arange(fall) + 0.5) / fall)
            start = round(clip.offset * RATE)
            total[start : start + len(samples)] += samples * 10 ** ((clip.volume + track.volume) / 20)
    return total.astype(np.float32)


clips = st.builds(
    Clip,
    sound=st.builds(noise, st.floats(0.5, 2), st.integers(0, 5), st.sampled_from([8000, 22_050, RATE, 48_000])),
    offset=st.floats(0, 3),
    volume=st.floats(-30, 6),
    fade_in=st.floats(0, 0.2),
    fade_out=st.floats(0, 0.2),
    trim_start=st.floats(0, 0.05),
    trim_end=st.floats(0, 0.05),
)
tracks = st.lists(st.builds(Track, st.lists(clips, max_size=4), st.floats(-20, 0)), max_size=3)


@settings(max_examples=40)
@given(tracks)
def test_a_mix_is_the_sum_of_its_clips(tracks: list[Track]) -> None:
    mix = Mix(tracks, RATE)
    total = heard(mix.pieces(most_peak=None))
    assert len(total) == mix.length
    np.testing.assert_allclose(total, expected(tracks, mix.length), atol=1e-4)
    assert mix.peak() == pytest.approx(float(np.abs(total).max(initial=0)))
    assert np.abs(heard(mix.pieces())).max(initial=0) < 0.9


@given(
    st.sampled_from([(22_050, RATE), (RATE, 48_000), (16_000, RATE), (44_100, RATE), (RATE, 44_100), (RATE, RATE)]),
    st.data(),
)
@settings(max_examples=30)
def test_parts_that_follow_each_other_sound_as_the_whole(rates: tuple[int, int], data: st.DataObject) -> None:
    of, to = rates
    sound = noise(1.0, rate=of)
    first, end = data.draw(st.integers(0, of // 4)), data.draw(st.integers(of * 3 // 4, of))
    # 20 ms are whole samples at all of these rates.
    cut = first + of // 50 * data.draw(st.integers(0, 24))
    whole = heard(resampled(sound, first, end - first, to))
    halves = heard(resampled(sound, first, cut - first, to)), heard(resampled(sound, cut, end - cut, to))
    np.testing.assert_allclose(np.concatenate(halves), whole, atol=2e-6)


def test_only_a_mix_that_is_too_loud_is_lowered_and_as_a_whole() -> None:
    loud = Mix([Track([Clip(noise(1.0), volume=9), Clip(noise(1.0, 1), offset=0.5, volume=9)])], RATE)
    lowered, plain = heard(loud.pieces()), heard(loud.pieces(None))
    assert np.abs(lowered).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4)
    np.testing.assert_allclose(lowered / lowered.std(), plain / plain.std(), atol=1e-4)
    soft = Mix([Track([Clip(noise(1.0))])], RATE)
    assert heard(soft.pieces()).tobytes() == noise(1.0).samples.tobytes()


def test_a_crossfade_keeps_the_power_even() -> None:
    sounds: list[Sound] = [noise(4.0, seed) for seed in range(3)]
    mix = Mix([crossfaded(sounds, 2.0, RATE)], RATE)
    assert mix.length == 8 * RATE
    tenths = heard(mix.pieces()).reshape(-1, RATE // 10).std(axis=1)
    assert tenths.min() == pytest.approx(tenths.max(), rel=0.08)


def test_a_mix_of_nothing_is_empty() -> None:
    assert heard(Mix([Track()], RATE).pieces()).size == 0
    assert heard(Mix([Track([Clip(noise(0))])], RATE).pieces()).size == 0


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (Clip(noise(1.0), offset=-1), "0 or more"),
        (Clip(noise(1.0), fade_in=float("nan")), "0 or more"),
        (Clip(noise(1.0), trim_start=0.6, trim_end=0.6), "trim it less"),
        (Clip(noise(1.0), fade_in=0.6, fade_out=0.6), "shorten them"),
    ],
)
def test_times_that_do_not_fit_are_refused(clip: Clip, message: str) -> None:
    with pytest.raises(MalformedInput, match=message):
        Mix([Track([clip])], RATE)


def test_only_so_many_clips_sound_at_once() -> None:
    at_once, after = [Clip(noise(0.1))] * MOST_AT_ONCE, Clip(noise(0.1), offset=5.0)
    assert Mix([Track([*at_once, after])], RATE).length == round(5.1 * RATE)
    with pytest.raises(LimitExceeded, match="mix some of them first"):
        Mix([Track([*at_once, Clip(noise(0.1))])], RATE)


class Tone:
    """An hour in no memory."""

    sample_rate, frames = 8000, 8000 * 3600

    def pieces(self, start: int, count: int) -> Iterator[Samples]:
        for place in range(0, count, 16_384):
            yield np.full(min(16_384, count - place), 0.4, np.float32)


def test_an_hour_needs_little_memory() -> None:
    mix = Mix([Track([Clip(Tone()), Clip(Tone(), offset=1.0)])], 8000)
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in mix.pieces()) == 8000 * 3601
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


class TestJoining:
    @settings(max_examples=30)
    @given(
        st.lists(st.tuples(st.integers(0, 40_000), st.sampled_from([8000, 22_050, RATE, 48_000])), max_size=5),
        st.floats(0, 2),
    )
    def test_the_length_is_that_of_parts_and_gaps_to_the_sample(self, parts: list[tuple[int, int]], gap: float) -> None:
        sounds: list[Sound] = [ArraySound(np.full(length, 0.1, np.float32), rate) for length, rate in parts]
        joined = heard(join(sounds, gap, RATE))
        lengths = [round(length * RATE / rate) for length, rate in parts]
        assert len(joined) == sum(lengths) + max(0, len(parts) - 1) * round(gap * RATE)
        assert len(joined) == joined_length(sounds, gap, RATE)

    def test_parts_are_where_they_should_be(self) -> None:
        first, second, third = noise(0.5), noise(0.3, 1), noise(0.2, 2)
        joined = heard(join([first, second, third], [0.25, 1.0], RATE))
        silence = [np.zeros(round(seconds * RATE), np.float32) for seconds in (0.25, 1.0)]
        pieces = [first.samples, silence[0], second.samples, silence[1], third.samples]
        assert joined.tobytes() == np.concatenate(pieces).tobytes()

    @pytest.mark.parametrize("gaps", [[], [1.0, 1.0], [-1.0], [float("inf")]])
    def test_gaps_that_do_not_fit_are_refused(self, gaps: list[float]) -> None:
        with pytest.raises(MalformedInput):
            heard(join([noise(0.1), noise(0.1)], gaps, RATE))


class TestFiles:
    @pytest.mark.parametrize("extension", ["wav", "flac"])
    def test_a_file_sounds_like_its_samples(self, tmp_path: Path, extension: str) -> None:
        path = tmp_path / f"sound.{extension}"
        samples = noise(2.0).samples
        soundfile.write(path, samples, RATE, subtype="PCM_24")
        sound = FileSound(path)
        assert (sound.sample_rate, sound.frames) == (RATE, 2 * RATE)
        np.testing.assert_allclose(heard(sound.pieces(0, 2 * RATE)), samples, atol=1e-6)
        np.testing.assert_allclose(heard(sound.pieces(30_000, 5000)), samples[30_000:35_000], atol=1e-6)

    def test_channels_are_mixed(self, tmp_path: Path) -> None:
        path = tmp_path / "stereo.wav"
        soundfile.write(path, np.tile(np.array([0.5, 0.0], np.float32), (100, 1)), RATE, subtype="FLOAT")
        assert heard(FileSound(path).pieces(0, 100)) == pytest.approx(0.25)

    def test_what_is_no_sound_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.wav"
        path.write_text("no sound")
        with pytest.raises(MalformedInput, match=r"notes\.wav"):
            FileSound(path)

    def test_a_file_that_was_cut_meanwhile_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "sound.wav"
        soundfile.write(path, noise(1.0).samples, RATE)
        sound = FileSound(path)
        soundfile.write(path, noise(0.5).samples, RATE)
        with pytest.raises(MalformedInput, match="too early"):
            heard(sound.pieces(0, sound.frames))
