"""A composition sounds as plain arithmetic says: to the sample in time, never clipped, and part by part as in the
whole."""

import tracemalloc
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from koe.audio.arrange import Arranged, Misplaced, arrange
from koe.audio.loudness import LoudnessMeter
from koe.audio.render import Rendering
from koe.audio.sound import ArraySound, Samples
from koe.core.composition import MOST_SECONDS, Composition, CompositionClip, CompositionTrack
from koe.core.errors import LimitExceeded, UnknownRun

RATE = 8000


def noise(seconds: float, seed: int) -> ArraySound:
    samples = np.random.default_rng(seed).uniform(-0.9, 0.9, round(seconds * RATE)).astype(np.float32)
    return ArraySound(samples, RATE)


SOUNDS: Mapping[str, ArraySound] = {name: noise(1 + index / 3, index) for index, name in enumerate("abc")}


def of(*tracks: list[CompositionClip] | CompositionTrack, **more: object) -> Composition:
    made = [each if isinstance(each, CompositionTrack) else CompositionTrack(clips=tuple(each)) for each in tracks]
    return Composition.model_validate({"tracks": [each.model_dump() for each in made], **more})


def clip(name: str = "a", **more: float | None) -> CompositionClip:
    return CompositionClip.model_validate({"clip": name, **more})


def arranged(composition: Composition) -> Arranged:
    return arrange(composition, lambda each: SOUNDS[each.clip or ""])


def heard(pieces: Iterator[Samples]) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *pieces])


def reference(composition: Composition) -> NDArray[np.float64]:
    """The same in numpy, clip by clip, before it is lowered."""
    placed: list[tuple[int, NDArray[np.float64]]] = []
    for track in composition.tracks:
        end = 0
        for number, each in enumerate(track.clips):
            samples = SOUNDS[each.clip or ""].samples.astype(np.float64)
            samples = samples[round(each.trim_start * RATE) : len(samples) - round(each.trim_end * RATE)].copy()
            behind = [later.crossfade for later in track.clips[number + 1 : number + 2]]
            rise = round((each.crossfade or each.fade_in) * RATE)
            fall = round((sum(behind) or each.fade_out) * RATE)
            samples[:rise] *= np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / max(rise, 1))
            samples[len(samples) - fall :] *= np.sin(np.pi / 2 * (np.arange(fall)[::-1] + 0.5) / max(fall, 1))
            start = end - round(each.crossfade * RATE) if each.offset is None else round(each.offset * RATE)
            end = start + len(samples)
            factor = 0.0 if track.muted else 10 ** ((each.volume + track.volume) / 20)
            placed.append((start, samples * factor))
    total = np.zeros(max((start + len(samples) for start, samples in placed), default=0))
    for start, samples in placed:
        total[start : start + len(samples)] += samples
    return total


times = st.floats(0, 0.2)
clips = st.builds(
    clip,
    st.sampled_from("abc"),
    offset=st.none() | st.floats(0, 3),
    volume=st.floats(-30, 6),
    fade_in=times,
    trim_start=times,
    trim_end=times,
)
crossing = st.builds(clip, st.sampled_from("abc"), crossfade=times, trim_start=times, volume=st.floats(-30, 6))
tracks = st.builds(
    lambda first, rest, volume, muted: CompositionTrack(clips=(first, *rest), volume=volume, muted=muted),
    clips,
    st.lists(clips | crossing, max_size=4),
    st.floats(-20, 3),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(tracks, max_size=3), st.floats(0, 4), st.floats(0, 4))
def test_a_composition_equals_the_sum_in_numpy(tracks: list[CompositionTrack], start: float, length: float) -> None:
    composition = of(*tracks)
    found = arranged(composition)
    expected = reference(composition)
    assert found.mix.length == len(expected)
    peak = np.abs(expected).max(initial=0)
    whole = heard(Rendering(found.mix).pieces())
    np.testing.assert_allclose(whole, expected * min(1, 10 ** (-1 / 20) / max(peak, 1e-9)), atol=1e-5)
    assert np.abs(whole).max(initial=0) <= 10 ** (-1 / 20) + 1e-6
    first, end = round(start * RATE), round((start + length) * RATE)
    assert heard(Rendering(found.mix).pieces(first, end)).tobytes() == whole[first:end].tobytes()


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 5), st.floats(0, 3))
def test_a_part_is_as_it_is_in_the_whole_also_at_another_rate(start: float, length: float) -> None:
    clips = [clip("a", offset=0.3, fade_in=0.4), clip("b"), clip("c", crossfade=0.5, trim_start=0.2)]
    mix = arranged(of(clips, [clip("c", volume=-6)], sample_rate=11_025)).mix
    whole, first, end = heard(mix.summed()), round(start * 11_025), round((start + length) * 11_025)
    assert heard(mix.summed(first, end)).tobytes() == whole[first:end].tobytes()


def test_a_crossfade_overlaps_to_the_sample_and_keeps_the_power() -> None:
    long = {name: noise(4, index) for index, name in enumerate("ab")}
    composition = of([clip("a"), clip("b", crossfade=2.0)])
    found = arrange(composition, lambda each: long[each.clip or ""])
    assert found.mix.length == 6 * RATE
    assert [(span.start, span.end) for span in found.spans[0]] == [(0, 4), (2, 6)]
    tenths = heard(Rendering(found.mix).pieces()).reshape(-1, RATE // 10).std(axis=1)
    assert tenths.min() == pytest.approx(tenths.max(), rel=0.15)


def test_a_clip_without_a_time_of_its_own_is_behind_the_one_before_it() -> None:
    found = arranged(of([clip("a", offset=0.5), clip("b", trim_start=0.25), clip("c", offset=9), clip("a")]))
    lengths = [len(SOUNDS[name].samples) / RATE for name in "abc"]
    ends = [1.5, 1.5 + lengths[1] - 0.25, 9 + lengths[2], 9 + lengths[2] + 1]
    assert [span.start for span in found.spans[0]] == [0.5, ends[0], 9, ends[2]]
    assert [span.end for span in found.spans[0]] == pytest.approx(ends, abs=1e-9)
    assert found.seconds == ends[-1]


def test_a_muted_track_takes_its_time() -> None:
    composition = of([clip("a")], CompositionTrack(clips=(clip("c"),), muted=True))
    samples = heard(Rendering(arranged(composition).mix).pieces())
    assert len(samples) == len(SOUNDS["c"].samples)
    assert not samples[RATE:].any()


@pytest.mark.parametrize("loudness", [-30.0, -23.0])
def test_the_whole_is_brought_to_a_loudness(loudness: float) -> None:
    found = arranged(of([clip("a"), clip("b"), clip("c", volume=-20)], loudness=loudness))
    meter = LoudnessMeter(RATE)
    for piece in Rendering(found.mix, loudness=loudness).pieces():
        meter.feed(piece)
    assert meter.finish().lufs == pytest.approx(loudness, abs=0.1)


def test_what_was_measured_needs_no_second_look() -> None:
    mix = arranged(of([clip("a", volume=12)])).mix
    first = Rendering(mix)
    pieces = list(first.pieces())
    assert len(pieces[0]) == 0
    again = list(Rendering(mix, factor=first.factor).pieces())
    assert len(again[0]) > 0
    assert heard(iter(again)).tobytes() == heard(iter(pieces)).tobytes()


def test_a_draft_measures_only_what_is_heard() -> None:
    composition = of([clip("a", volume=-20), clip("b", volume=12), clip("c", volume=-20)])
    rendering = Rendering(arranged(composition).mix)
    plain = reference(composition)
    np.testing.assert_allclose(heard(rendering.draft(0, RATE)), plain[:RATE], atol=1e-5)
    assert rendering.factor is None
    assert np.abs(heard(rendering.draft(RATE, 2 * RATE))).max() == pytest.approx(10 ** (-1 / 20), abs=1e-5)
    whole = heard(rendering.pieces())
    assert heard(rendering.draft(0, RATE)).tobytes() == whole[:RATE].tobytes()


@pytest.mark.parametrize(
    ("clips", "place", "reason"),
    [
        ([clip("a"), clip("b", trim_start=1, trim_end=1)], "tracks.0.clips.1", "trim it less"),
        ([clip("a", fade_in=0.6, fade_out=0.6)], "tracks.0.clips.0", "shorten them"),
        ([clip("a"), clip("b", crossfade=1.2)], "tracks.0.clips.0", "shorten them"),
    ],
)
def test_a_clip_that_does_not_fit_is_named(clips: list[CompositionClip], place: str, reason: str) -> None:
    with pytest.raises(Misplaced, match=reason) as refused:
        arranged(of(clips))
    assert refused.value.place == place


def test_a_sound_that_is_missing_is_named_and_keeps_its_reason() -> None:
    def missing(each: CompositionClip) -> ArraySound:
        raise UnknownRun("there is no run 'x'")

    with pytest.raises(Misplaced, match=r"tracks\.0\.clips\.0: there is no run") as refused:
        arrange(of([clip("a")]), missing)
    assert isinstance(refused.value.cause, UnknownRun)


class Tone:
    """Hours in no memory."""

    sample_rate, frames = RATE, RATE * 3600

    def pieces(self, start: int, count: int) -> Iterator[Samples]:
        for place in range(0, count, 16_384):
            yield np.full(min(16_384, count - place), 0.7, np.float32)


def test_hours_need_little_memory() -> None:
    composition = of([clip("a"), clip("b", crossfade=60)], [clip("c", offset=30)])
    found = arrange(composition, lambda each: Tone())
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in Rendering(found.mix).pieces()) == RATE * (7200 - 60)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


def test_a_composition_of_days_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="hours long"):
        arrange(of([clip("a", offset=MOST_SECONDS - 100.0)]), lambda each: Tone())
