"""Clips on tracks, as requests and projects state them: what sounds when, and how loud.

    {"tracks": [{"clips": [{"run": "01kg...", "file": "audio.wav"},
                           {"upload": "rain.mp3", "crossfade": 2.0}]},
                {"volume": -12, "clips": [{"clip": "9f2c...", "offset": 1.5, "fade_out": 3}]}]}

Volumes are in decibels, as on every mixer: equal steps sound equal, and those of a clip and its track add up.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

MOST_SECONDS = 12 * 3600
"""Of a composition, and of what a clip is cut from."""

MOST_TRACKS = 64
MOST_CLIPS = 1000
"""On all tracks."""

# Strict, because otherwise `true` would pass as 1 and "1" as well.
_Number = Annotated[float, Strict()]
Seconds = Annotated[_Number, Field(ge=0, le=MOST_SECONDS)]
Volume = Annotated[_Number, Field(ge=-60, le=24)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class CompositionClip(_Model):
    """A sound, or a part of it, in its place. It is one of `upload`, `run` with `file`, and `clip`."""

    upload: Annotated[str, Field(min_length=1, max_length=200, examples=["rain.mp3"])] | None = None
    """The filename of a file of the same request."""

    run: Annotated[str, Field(max_length=100)] | None = None
    """The id of a run..."""

    file: Annotated[str, Field(max_length=200)] | None = None
    """...and the name of one of its files."""

    clip: Annotated[str, Field(max_length=100)] | None = None
    """The id of a clip of the project."""

    offset: Seconds | None = None
    """Seconds from the beginning; null: where the clip before it on its track ends."""

    volume: Volume = 0.0
    """dB."""

    trim_start: Seconds = 0.0
    trim_end: Seconds = 0.0
    """Seconds that are cut off the sound."""

    fade_in: Seconds = 0.0
    fade_out: Seconds = 0.0
    """Seconds, within what is left of it."""

    crossfade: Seconds = 0.0
    """Seconds for which it and the clip before it on its track fade into each other: by as much it begins earlier."""

    @model_validator(mode="after")
    def _is_one_sound(self) -> Self:
        if sum(each is not None for each in (self.upload, self.run, self.clip)) != 1:
            raise ValueError("name one sound: `upload`, `run` with `file`, or `clip`")
        if (self.run is None) != (self.file is None):
            raise ValueError("`run` and `file` belong together")
        if self.crossfade and self.offset is not None:
            raise ValueError("either `offset` or `crossfade`: a cross-fade begins where the clip before it ends")
        if self.crossfade and self.fade_in:
            raise ValueError("either `fade_in` or `crossfade`")
        return self


class CompositionTrack(_Model):
    name: Annotated[str, Field(max_length=200, examples=["Music"])] = ""
    """For people."""

    volume: Volume = 0.0
    """dB."""

    muted: Annotated[bool, Strict()] = False
    """Not heard; the composition is as long as if it were."""

    clips: Annotated[tuple[CompositionClip, ...], Field(max_length=MOST_CLIPS)] = ()

    @model_validator(mode="after")
    def _fade_into_each_other(self) -> Self:
        if self.clips and self.clips[0].crossfade:
            raise ValueError("clips.0: there is no clip before it that it could fade into")
        for number, (before, clip) in enumerate(pairwise(self.clips)):
            if clip.crossfade and before.fade_out:
                raise ValueError(f"clips.{number}: either its `fade_out` or the `crossfade` of the clip behind it")
        return self


class Composition(_Model):
    tracks: Annotated[tuple[CompositionTrack, ...], Field(max_length=MOST_TRACKS)] = ()

    sample_rate: Annotated[int, Strict(), Field(ge=8000, le=48000)] | None = None
    """Hz; null: the highest of its clips."""

    loudness: Annotated[_Number, Field(ge=-40, le=-5)] | None = None
    """LUFS that the whole is brought to (EBU R 128), or as near to it as its true peak allows (-1 dBTP); null: as it
    is, lowered only where its loudest sample would be beyond -1 dBFS."""

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if (count := sum(len(track.clips) for track in self.tracks)) > MOST_CLIPS:
            raise ValueError(f"tracks: {count} clips, and at most {MOST_CLIPS} can be mixed: mix some of them first")
        return self

    def placed(self) -> Sequence[tuple[str, CompositionClip]]:
        """Every clip with its place, such as `tracks.0.clips.2`."""
        return [
            (f"tracks.{track_number}.clips.{number}", clip)
            for track_number, track in enumerate(self.tracks)
            for number, clip in enumerate(track.clips)
        ]

    def with_clips(self, other: Callable[[str, CompositionClip], CompositionClip]) -> Self:
        """The same with another clip in each one's place; `other` gets that place and the clip."""
        tracks = [
            track.model_copy(
                update={
                    "clips": tuple(
                        other(f"tracks.{track_number}.clips.{number}", clip) for number, clip in enumerate(track.clips)
                    )
                }
            )
            for track_number, track in enumerate(self.tracks)
        ]
        return self.model_copy(update={"tracks": tuple(tracks)})
