"""A composition with its sounds: what has no time of its own is put behind what comes before it, and all becomes one
mix.

    arranged = arrange(composition, lambda clip: FileSound(...))
    arranged.mix.pieces() ...
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from koe.audio.mix import Clip, Mix, Track
from koe.audio.sound import Sound, resampled_length
from koe.core.composition import MOST_SECONDS, Composition, CompositionClip, CompositionTrack
from koe.core.errors import KoeError, LimitExceeded, RequestError

DEFAULT_RATE = 24_000
"""Hz, of a composition without clips."""

SoundOf = Callable[[CompositionClip], Sound]
"""Raises KoeError where there is none."""


class Misplaced(RequestError):
    """A clip that can't be used as the composition has it."""

    def __init__(self, place: str, cause: KoeError) -> None:
        """`place`: such as `tracks.0.clips.2`."""
        super().__init__(f"{place}: {cause.message}")
        self.place, self.cause = place, cause


@dataclass(frozen=True, slots=True)
class Span:
    """When a clip is heard; seconds from the beginning."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Arranged:
    mix: Mix
    spans: Sequence[Sequence[Span]]
    """Of each track's clips."""

    @property
    def seconds(self) -> float:
        return self.mix.length / self.mix.sample_rate


def arrange(composition: Composition, sound_of: SoundOf, fit: Callable[[int], int] = lambda rate: rate) -> Arranged:
    """`fit`: the sample rate that is to be had instead of one. Raises Misplaced, LimitExceeded."""
    sounds = {place: _sound(place, clip, sound_of) for place, clip in composition.placed()}
    highest = max((sound.sample_rate for sound in sounds.values()), default=DEFAULT_RATE)
    rate = fit(composition.sample_rate or highest)
    tracks, spans = [], []
    for number, track in enumerate(composition.tracks):
        line = _Line(track, rate)
        for index, clip in enumerate(track.clips):
            place = f"tracks.{number}.clips.{index}"
            line.add(place, clip, sounds[place])
        tracks.append(Track(tuple(line.clips), track.volume))
        spans.append(tuple(line.spans))
    heard = [track for track, plan in zip(tracks, composition.tracks, strict=True) if not plan.muted]
    length = max((span.end for each in spans for span in each), default=0.0)
    if length > MOST_SECONDS:
        raise LimitExceeded(f"the composition is {length / 3600:.1f} hours long, at most {MOST_SECONDS // 3600} work")

    return Arranged(Mix(heard, rate, length=round(length * rate)), tuple(spans))


def _sound(place: str, clip: CompositionClip, sound_of: SoundOf) -> Sound:
    try:
        return sound_of(clip)
    except KoeError as error:
        raise Misplaced(place, error) from error


class _Line:
    """The clips of one track, one after the other."""

    def __init__(self, track: CompositionTrack, sample_rate: int) -> None:
        self.clips: list[Clip] = []
        self.spans: list[Span] = []
        self._track, self._rate = track, sample_rate
        self._end = 0
        """Samples, of the clip before."""

    def add(self, place: str, clip: CompositionClip, sound: Sound) -> None:
        behind = self._end - round(clip.crossfade * self._rate)
        start = behind if clip.offset is None else round(clip.offset * self._rate)
        following = self._track.clips[len(self.clips) + 1 :]
        made = Clip(
            sound,
            offset=start / self._rate,
            volume=clip.volume,
            fade_in=clip.crossfade or clip.fade_in,
            fade_out=(following[0].crossfade if following else 0.0) or clip.fade_out,
            trim_start=clip.trim_start,
            trim_end=clip.trim_end,
        )
        try:
            # Alone: so it is known which clip doesn't fit.
            Mix([Track([made])], self._rate)
        except KoeError as error:
            raise Misplaced(place, error) from error
        trimmed = round(clip.trim_start * sound.sample_rate) + round(clip.trim_end * sound.sample_rate)
        self._end = start + resampled_length(sound.frames - trimmed, sound.sample_rate, self._rate)
        self.clips.append(made)
        self.spans.append(Span(start / self._rate, self._end / self._rate))
