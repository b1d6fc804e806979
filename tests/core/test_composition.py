"""What a composition may say, and how it is told what is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from koe.core.composition import MOST_CLIPS, Composition, CompositionClip


@pytest.mark.parametrize(
    ("clip", "wrong"),
    [
        ({}, "name one sound"),
        ({"clip": "a", "upload": "b"}, "name one sound"),
        ({"run": "a"}, "belong together"),
        ({"clip": "a", "file": "b"}, "belong together"),
        ({"clip": "a", "offset": 1.0, "crossfade": 1.0}, "either `offset`"),
        ({"clip": "a", "fade_in": 1.0, "crossfade": 1.0}, "either `fade_in`"),
        ({"clip": "a", "crossfade": 1.0}, "no clip before it"),
        ({"clip": "a", "volume": 25}, "volume"),
        ({"clip": "a", "volume": True}, "volume"),
        ({"clip": "a", "offset": -1}, "offset"),
        ({"clip": "a", "fade_out": "1"}, "fade_out"),
        ({"clip": "a", "trim_start": float("nan")}, "trim_start"),
        ({"clip": "a", "path": "/etc/passwd"}, "path"),
        ({"upload": ""}, "upload"),
    ],
)
def test_a_clip_that_means_nothing_is_refused(clip: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        Composition.model_validate({"tracks": [{"clips": [clip]}]})


def test_only_one_says_how_a_clip_ends() -> None:
    clips = [{"clip": "a", "fade_out": 1.0}, {"clip": "b", "crossfade": 1.0}]
    with pytest.raises(ValidationError, match=r"clips\.0: either its `fade_out`"):
        Composition.model_validate({"tracks": [{"clips": clips}]})


def test_clips_are_counted_on_all_tracks() -> None:
    track = {"clips": [{"clip": "a"}] * (MOST_CLIPS // 2)}
    assert len(Composition.model_validate({"tracks": [track] * 2}).placed()) == MOST_CLIPS
    with pytest.raises(ValidationError, match="at most 1000"):
        Composition.model_validate({"tracks": [track, track, {"clips": [{"clip": "a"}]}]})


def test_other_clips_take_the_places_of_those_that_were_there() -> None:
    before = Composition.model_validate(
        {"tracks": [{"clips": [{"clip": "a"}]}, {"clips": [{"clip": "b", "offset": 2}]}]}
    )
    after = before.with_clips(lambda place, clip: CompositionClip(clip=f"{place}-{clip.clip}", offset=clip.offset))
    assert [clip.clip for _, clip in after.placed()] == ["tracks.0.clips.0-a", "tracks.1.clips.0-b"]
    assert after.tracks[1].clips[0].offset == 2
