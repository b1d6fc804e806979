"""What was spoken, put together to the files of a run."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from koe import disk
from koe.audio import chapters, loudness
from koe.audio.effects.chain import EffectChain
from koe.audio.encode import write_sound
from koe.audio.mix import Clip, Mix, Track, join, joined_length
from koe.audio.sound import PIECE, FileSound, Samples, Sound, resampled_length
from koe.core.effects import Speed
from koe.pipelines.plan import Delivery, Options, PlanItem
from koe.storage.drafts import Draft
from koe.storage.job import Item, Job
from koe.storage.meta import Description

WHOLE = "all"
"""The name of the file with everything in it."""

MANIFEST = "manifest.json"
_WORK = ".work.flac"


class OutputOptions(Options):
    format: Literal["wav", "flac", "mp3", "opus"] = "wav"
    loudness: Annotated[float, Field(ge=-40, le=-5)] | None = None
    """LUFS that every file is brought to (EBU R 128); None: as it was spoken."""

    whole: bool = False
    """One more file with all the others in it, one after the other."""

    book: Literal["m4b", "mp3"] | None = None
    """One more file with chapters; needs ffmpeg."""

    hurry: Annotated[float, Field(ge=1, le=2)] = 1.0
    """Of subtitles: by how much speech may be sped up, its pitch kept, to end with its cue; 1: not at all."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an item."""

    file: str
    """In the folder of the job's items; called after the item's number."""

    voice: str
    engine: str
    seed: int | None
    seconds: float
    sample_rate: int
    checkpoint: str | None = None

    @property
    def number(self) -> int:
        return int(Path(self.file).stem)


@dataclass(frozen=True, slots=True)
class _Part:
    """An item's sound."""

    item: PlanItem
    made: Made
    sound: Sound


@dataclass(frozen=True, slots=True)
class _Told:
    """An item in the manifest."""

    number: int
    file: str
    start: float
    """Seconds, in that file."""

    seconds: float
    group: str
    text: str
    voice: str
    engine: str
    checkpoint: str | None
    seed: int | None
    how: Mapping[str, object] | None = None
    """What was asked for besides."""

    in_whole: float | None = None
    """Seconds, in the file with everything in it; None where there is none."""

    overrun: float | None = None
    """Seconds that the speech goes on after the end of its cue; None for what has no time of its own."""


def put_together(
    job: Job,
    spoken: Sequence[tuple[PlanItem, Made]],
    failed: Sequence[Item],
    folder: Path,
    draft: Draft,
    output: OutputOptions,
    also: Mapping[str, object] | None = None,
) -> Description:
    """`folder`: of the items' files, which may take more; `also`: what else the manifest is to tell. Raises KoeError,
    OSError; whoever calls discards the draft then."""
    parts = [_Part(item, made, _louder(FileSound(folder / made.file), item.how.gain)) for item, made in spoken]
    rate = max(made.sample_rate for _, made in spoken)
    work = _Workshop(folder, draft, output, rate)
    has_times = parts[0].item.start is not None
    if output.book or (output.whole and not has_times):
        work.whole(parts, job.title)
    files = groupby(parts, lambda part: part.item.file)
    told = [each for name, of_file in files for each in work.file(name, list(of_file))]
    if output.whole and not has_times:
        told = [replace(each, in_whole=start / rate) for each, start in zip(told, _starts(parts, rate), strict=True)]
    _write_manifest(draft, told, failed, also or {})
    voices, engines = {made.voice for _, made in spoken}, {made.engine for _, made in spoken}
    checkpoints = {made.checkpoint for _, made in spoken if made.checkpoint}
    languages, seeds = {item.how.language for item, _ in spoken}, {made.seed for _, made in spoken}
    return Description(
        title=job.title,
        text="\n".join(item.text for item, _ in spoken),
        voice=", ".join(sorted(voices)),
        engine=", ".join(sorted(engines)),
        checkpoint=", ".join(sorted(checkpoints)) or None,
        seed=seeds.pop() if len(seeds) == 1 else None,
        language=languages.pop() if len(languages) == 1 else None,
        elapsed=job.worked,
        duration=work.seconds,
        sample_rate=rate,
    )


class _Workshop:
    """Writes the files of one run."""

    def __init__(self, folder: Path, draft: Draft, output: OutputOptions, sample_rate: int) -> None:
        self._folder, self._draft, self._output, self._rate = folder, draft, output, sample_rate
        self.seconds = 0.0
        """Of all files of items."""

    def file(self, name: str, parts: Sequence[_Part]) -> list[_Told]:
        """One file of items."""
        target = f"{name}.{self._output.format}"
        if parts[0].item.start is None:
            starts, length = _starts(parts, self._rate), _length(parts, self._rate)
            self._write(target, lambda: _joined(parts, self._rate))
            told = [_told(target, part, start / self._rate) for part, start in zip(parts, starts, strict=True)]
        else:
            parts = [self._hurried(part) for part in parts]
            ends = [part.item.end or 0.0 for part in parts]
            clips = [Clip(part.sound, offset=part.item.start or 0.0) for part in parts]
            mix = Mix([Track(clips)], self._rate)
            # As long as the subtitles, also where the last one is short.
            length = max(mix.length, round(max(ends) * self._rate))
            self._write(target, lambda: _padded(mix, length))
            told = [_told(target, part, part.item.start or 0.0, end) for part, end in zip(parts, ends, strict=True)]
        self.seconds += length / self._rate
        return told

    def whole(self, parts: Sequence[_Part], title: str) -> None:
        """Everything in one file, and in a book."""
        if self._output.whole:
            self._write(f"{WHOLE}.{self._output.format}", lambda: _joined(parts, self._rate))
        if self._output.book:
            starts = _starts(parts, self._rate)
            marks = [
                chapters.Chapter(part.item.group or part.item.file, start / self._rate)
                for index, (part, start) in enumerate(zip(parts, starts, strict=True))
                if index == 0 or part.item.file != parts[index - 1].item.file
            ]
            work = self._folder / _WORK
            write_sound(work, self._levelled(lambda: _joined(parts, self._rate)), self._rate)
            chapters.write_book(work, self._draft.file(f"book.{self._output.book}"), marks, title=title)
            work.unlink()

    def _write(self, target: str, pieces: Callable[[], Iterator[Samples]]) -> None:
        write_sound(self._draft.file(target), self._levelled(pieces), self._rate)

    def _levelled(self, pieces: Callable[[], Iterator[Samples]]) -> Iterator[Samples]:
        if self._output.loudness is None:
            yield from pieces()
            return
        meter = loudness.LoudnessMeter(self._rate)
        for piece in pieces():
            meter.feed(piece)
        factor = np.float32(10.0 ** (loudness.gain_to(meter.finish(), self._output.loudness) / 20.0))
        for piece in pieces():
            yield piece * factor

    def _hurried(self, part: _Part) -> _Part:
        """Sped up so that it ends with its cue, as far as is wished."""
        item, sound = part.item, part.sound
        room = (item.end or 0.0) - (item.start or 0.0)
        speed = min(self._output.hurry, sound.frames / sound.sample_rate / room) if room > 0 else 1.0
        if speed <= 1.0:
            return part
        file = self._folder / f"hurried-{part.made.file}"
        chain = EffectChain([Speed(factor=speed)], sound.sample_rate)
        hurried = chain.process(np.concatenate(list(sound.pieces(0, sound.frames))))
        write_sound(file, [hurried], sound.sample_rate)
        return replace(part, sound=FileSound(file))


class _Louder:
    """A sound with a gain."""

    def __init__(self, sound: Sound, gain: float) -> None:
        self._sound, self._factor = sound, np.float32(10.0 ** (gain / 20.0))
        self.sample_rate, self.frames = sound.sample_rate, sound.frames

    def pieces(self, start: int, count: int) -> Iterator[Samples]:
        return (piece * self._factor for piece in self._sound.pieces(start, count))


def _louder(sound: Sound, gain: float) -> Sound:
    return _Louder(sound, gain) if gain else sound


def _gaps(parts: Sequence[_Part]) -> list[float]:
    """Seconds of silence between each two."""
    return [before.item.pause_after + after.item.pause_before for before, after in pairwise(parts)]


def _joined(parts: Sequence[_Part], rate: int) -> Iterator[Samples]:
    return join([part.sound for part in parts], _gaps(parts), rate)


def _length(parts: Sequence[_Part], rate: int) -> int:
    return joined_length([part.sound for part in parts], _gaps(parts), rate)


def _starts(parts: Sequence[_Part], rate: int) -> list[int]:
    """Samples before each part."""
    gaps = [round(gap * rate) for gap in _gaps(parts)]
    lengths = [resampled_length(part.sound.frames, part.sound.sample_rate, rate) for part in parts]
    return [0, *accumulate(length + gap for length, gap in zip(lengths, gaps, strict=False))]


def _padded(mix: Mix, length: int) -> Iterator[Samples]:
    yield from mix.pieces()
    for start in range(mix.length, length, PIECE):
        yield np.zeros(min(PIECE, length - start), np.float32)


def _told(file: str, part: _Part, start: float, end: float | None = None) -> _Told:
    item, made = part.item, part.made
    seconds = part.sound.frames / part.sound.sample_rate
    overrun = None if end is None else round(max(0.0, start + seconds - end), 3)
    return _Told(
        number=made.number,
        file=file,
        start=start,
        seconds=seconds,
        group=item.group,
        text=item.text,
        voice=made.voice,
        engine=made.engine,
        checkpoint=made.checkpoint,
        seed=made.seed,
        how=_asked(item.how) or None,
        overrun=overrun,
    )


def _asked(how: Delivery) -> Mapping[str, object]:
    """Besides voice and seed, which are told as they were used."""
    asked = how.model_dump(mode="json", exclude={"voice", "seed"})
    default = Delivery().model_dump(mode="json")
    return {name: value for name, value in asked.items() if value != default[name]}


def _write_manifest(draft: Draft, told: Sequence[_Told], failed: Sequence[Item], also: Mapping[str, object]) -> None:
    files = {name: disk.flushed_digest(draft.folder / name)[1] for name in dict.fromkeys(each.file for each in told)}
    manifest = {
        "files": [{"name": name, "sha256": digest} for name, digest in files.items()],
        "items": [{key: value for key, value in asdict(each).items() if value is not None} for each in told],
        "failed": [{"number": item.number, "text": item.spec.get("text", ""), "error": item.error} for item in failed],
        **also,
    }
    draft.file(MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2), encoding="utf-8")
