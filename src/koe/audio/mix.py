"""Several sounds at once, or one after the other, for hours: nothing is held but the pieces that sound now.

    mix = Mix([Track([Clip(speech)]), Track([Clip(music, fade_out=2.0)], volume=-12)], 24000)
    for piece in mix.pieces(): ...

Where the sum would be beyond full scale, all of it is lowered by as much as the loudest place needs. So loud and soft
stay as they were to each other, which a limiter would change; the price is that the mix is made twice, once to know how
loud it is.

Fades follow a quarter of a sine. Two that cross add up to an even power, which is how loud two different sounds are.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from koe.audio.sound import PIECE, Samples, Sound, resampled, resampled_length
from koe.core.errors import LimitExceeded, MalformedInput

MOST_PEAK = -1.0
"""dBFS, of a mix: encoders overshoot by a little."""

MOST_AT_ONCE = 64
"""Clips that sound at the same time, each of which may hold a file open."""


@dataclass(frozen=True, slots=True)
class Clip:
    sound: Sound
    offset: float = 0.0
    """Seconds, from the beginning of the mix to the beginning of what is left of the sound."""

    volume: float = 0.0
    """dB."""

    fade_in: float = 0.0
    fade_out: float = 0.0
    """Seconds, within what is left of the sound."""

    trim_start: float = 0.0
    trim_end: float = 0.0
    """Seconds cut off."""


@dataclass(frozen=True, slots=True)
class Track:
    clips: Sequence[Clip] = field(default_factory=tuple)
    volume: float = 0.0
    """dB."""


class Mix:
    def __init__(self, tracks: Sequence[Track], sample_rate: int, *, length: int = 0) -> None:
        """`length`: samples that it has at least. Raises MalformedInput for a clip whose times don't fit it,
        LimitExceeded for too many at once."""
        places = [_Place(clip, track.volume, sample_rate) for track in tracks for clip in track.clips]
        self._places = sorted(places, key=lambda place: place.start)
        self.sample_rate = sample_rate
        self.length = max((length, *(place.end for place in places)))
        """Samples."""

        _check_crowd(self._places)

    def pieces(self, most_peak: float | None = MOST_PEAK) -> Iterator[Samples]:
        """`most_peak`: dBFS; None: as it is, in one pass, beyond full scale perhaps."""
        if most_peak is None:
            yield from self.summed()
            return
        factor = np.float32(min(1.0, 10.0 ** (most_peak / 20.0) / max(self.peak(), 1e-9)))
        for piece in self.summed():
            yield piece * factor

    def peak(self) -> float:
        """The largest sample of the sum; 1.0 is full scale."""
        return max((float(np.abs(piece).max()) for piece in self.summed()), default=0.0)

    def summed(self, first: int = 0, end: int | None = None) -> Iterator[Samples]:
        """As it is, beyond full scale perhaps. `first`, `end`: of a part, in samples; it is as it is in the whole."""
        end = self.length if end is None else min(end, self.length)
        waiting, sounding = [place for place in reversed(self._places) if place.end > first], list[_Reader]()
        for start in range(first, end, PIECE):
            piece = np.zeros(min(PIECE, end - start), np.float32)
            while waiting and waiting[-1].start < start + len(piece):
                sounding.append(_Reader(waiting.pop(), first))
            for reader in sounding:
                reader.add_to(piece, start)
            sounding = [reader for reader in sounding if reader.place.end > start + len(piece)]
            yield piece


def crossfaded(sounds: Sequence[Sound], seconds: float, sample_rate: int) -> Track:
    """One after the other, each fading into the next for so long."""
    clips, start, overlap = [], 0, round(seconds * sample_rate)
    for index, sound in enumerate(sounds):
        clips.append(
            Clip(
                sound,
                offset=start / sample_rate,
                fade_in=seconds if index else 0.0,
                fade_out=seconds if index < len(sounds) - 1 else 0.0,
            )
        )
        start += resampled_length(sound.frames, sound.sample_rate, sample_rate) - overlap
    return Track(clips)


def join(sounds: Sequence[Sound], gaps: float | Sequence[float], sample_rate: int) -> Iterator[Samples]:
    """One after the other, with so many seconds of silence between each two: `joined_length` samples."""
    for sound, gap in zip(sounds, _gaps(sounds, gaps, sample_rate), strict=True):
        yield from resampled(sound, 0, sound.frames, sample_rate)
        for start in range(0, gap, PIECE):
            yield np.zeros(min(PIECE, gap - start), np.float32)


def joined_length(sounds: Sequence[Sound], gaps: float | Sequence[float], sample_rate: int) -> int:
    """The parts and the gaps, each rounded to samples by itself."""
    parts = (resampled_length(sound.frames, sound.sample_rate, sample_rate) for sound in sounds)
    return sum(parts) + sum(_gaps(sounds, gaps, sample_rate))


def _gaps(sounds: Sequence[Sound], gaps: float | Sequence[float], sample_rate: int) -> list[int]:
    """Samples after each sound; none after the last."""
    between = max(0, len(sounds) - 1)
    seconds = [gaps] * between if isinstance(gaps, int | float) else list(gaps)
    if len(seconds) != between:
        raise MalformedInput(f"{len(seconds)} gaps for {len(sounds)} parts: {between} are between them")
    if any(not 0 <= gap < float("inf") for gap in seconds):
        raise MalformedInput("a gap is a number of seconds, 0 or more")
    return [round(gap * sample_rate) for gap in seconds] + [0] * min(1, len(sounds))


class _Place:
    """A clip in samples: in its sound (from, count), and in the mix (start, end)."""

    def __init__(self, clip: Clip, track_volume: float, sample_rate: int) -> None:
        times = (clip.offset, clip.fade_in, clip.fade_out, clip.trim_start, clip.trim_end)
        if any(not 0 <= time < float("inf") for time in times):
            raise MalformedInput("offset, fades and trims of a clip are seconds, 0 or more")
        rate = clip.sound.sample_rate
        self.first = round(clip.trim_start * rate)
        self.count = clip.sound.frames - self.first - round(clip.trim_end * rate)
        if self.count < 0:
            raise MalformedInput(f"more is cut off a clip than its {clip.sound.frames / rate:.2f} s: trim it less")
        self.clip, self.sample_rate = clip, sample_rate
        self.start = round(clip.offset * sample_rate)
        length = resampled_length(self.count, rate, sample_rate)
        self.end = self.start + length
        self.fade_in, self.fade_out = round(clip.fade_in * sample_rate), round(clip.fade_out * sample_rate)
        if self.fade_in + self.fade_out > length:
            raise MalformedInput(f"the fades of a clip are longer than its {length / sample_rate:.2f} s: shorten them")
        self.gain = np.float32(10.0 ** ((clip.volume + track_volume) / 20.0))

    def shaped(self, samples: Samples, place: int) -> Samples:
        """With volume and fades; `place` counts from the beginning of the clip."""
        samples = samples * self.gain
        numbers = np.arange(place, place + len(samples))
        if place < self.fade_in:
            samples *= _fade(numbers, self.fade_in)
        length = self.end - self.start
        if place + len(samples) > length - self.fade_out:
            samples *= _fade(length - 1 - numbers, self.fade_out)
        return samples


def _fade(numbers: NDArray[np.int64], length: int) -> Samples:
    """Of the samples with these numbers, from almost 0 to almost 1; all others are as they were."""
    return np.sin(np.pi / 2 * np.minimum((numbers + 0.5) / max(length, 1), 1.0)).astype(np.float32)


class _Reader:
    """Of one clip, while it sounds."""

    def __init__(self, place: _Place, heard_from: int) -> None:
        """`heard_from`: in the mix."""
        self.place = place
        sound, skip = place.clip.sound, max(0, heard_from - place.start)
        self._rest = np.zeros(0, np.float32)
        if sound.sample_rate == place.sample_rate:
            self._pieces = sound.pieces(place.first + skip, place.count - skip)
            return
        # The same samples come out of another rate only from the beginning on.
        self._pieces = resampled(sound, place.first, place.count, place.sample_rate)
        while skip > 0:
            piece = next(self._pieces)
            self._rest, skip = piece[skip:], skip - len(piece)

    def add_to(self, piece: Samples, start: int) -> None:
        """`start`: of the piece, in the mix."""
        first, end = max(self.place.start, start), min(self.place.end, start + len(piece))
        ready, missing = [self._rest], end - first - len(self._rest)
        while missing > 0:
            ready.append(next(self._pieces))
            missing -= len(ready[-1])
        samples = np.concatenate(ready)
        self._rest = samples[end - first :]
        piece[first - start : end - start] += self.place.shaped(samples[: end - first], first - self.place.start)


def _check_crowd(places: Sequence[_Place]) -> None:
    ends: list[int] = []
    for place in places:
        while ends and ends[0] + PIECE <= place.start:
            heapq.heappop(ends)
        heapq.heappush(ends, place.end)
        if len(ends) > MOST_AT_ONCE:
            seconds = place.start / place.sample_rate
            raise LimitExceeded(f"more than {MOST_AT_ONCE} clips sound at {seconds:.2f} s: mix some of them first")
