"""When each word of a run is said: of one text, or of all items of a production."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pydantic import BaseModel, ValidationError

from koe import __version__
from koe.audio.align.passage import Aligned, Passage
from koe.audio.align.process import Aligner
from koe.core.errors import MalformedInput
from koe.core.languages import LANGUAGES
from koe.pipelines.plan import Delivery
from koe.pipelines.production_output import MANIFEST, WHOLE
from koe.storage.meta import read_bytes
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from koe.storage.words import FileWords, Word, Words

Languages = Callable[[str], Sequence[str]]
"""That a voice speaks, by its id; empty where nobody knows the voice."""


class _Item(BaseModel):
    """What counts here of an item in a manifest."""

    file: str
    start: float = 0.0
    seconds: float | None = None
    """None: to the end of the file."""

    text: str
    voice: str
    how: Delivery = Delivery()
    in_whole: float | None = None
    """Seconds, in the file with everything in it."""

    is_ssml: bool = False


class _Manifest(BaseModel):
    items: list[_Item]


@dataclass(frozen=True, slots=True)
class _Part:
    """What is told of one file: a text in it, and when its words are said."""

    text: str
    aligned: Aligned
    shift: float = 0.0
    """Seconds to be added."""


class WordTimer:
    def __init__(self, outputs: Outputs, aligner: Aligner, languages: Languages = lambda _voice: ()) -> None:
        self._outputs, self._aligner, self._languages = outputs, aligner, languages

    async def time(
        self, run_id: str, language: str | None = None, done: Callable[[int, int], object] = lambda _count, _of: None
    ) -> Words:
        """Made anew, and kept with the run. `language`: BCP-47 tag, in place of what is known of it; `done` is told how
        many texts of how many are. Raises UnknownRun, MalformedInput, and what the Aligner raises."""
        run = await asyncio.to_thread(self._outputs.get, run_id)
        items = await asyncio.to_thread(_items, run)
        passages = [self._passage(run, item, language) for item in items]
        aligned = await self._aligner.align(passages, lambda count: done(count, len(passages)))
        words = await asyncio.to_thread(_words, run, items, aligned)
        await asyncio.to_thread(self._outputs.keep_words, run.id, words)
        return words

    def _passage(self, run: Run, item: _Item, language: str | None) -> Passage:
        return Passage(
            file=str(run.file(item.file)),
            start=item.start,
            seconds=item.seconds,
            text=item.text,
            text_format="ssml" if item.is_ssml else "text",
            language=language or item.how.language,
            candidates=tuple(self._languages(item.voice)) or LANGUAGES,
        )


def _items(run: Run) -> list[_Item]:
    """Of a production all that it speaks, else the run itself. Raises UnknownRun, MalformedInput."""
    names = [file.name for file in run.meta.files]
    if MANIFEST not in names:
        meta = run.meta
        is_ssml = run.input().get("text_format") == "ssml"
        return [
            _Item(
                file=names[0], text=meta.text, voice=meta.voice, how=Delivery(language=meta.language), is_ssml=is_ssml
            )
        ]
    try:
        return _Manifest.model_validate_json(read_bytes(run.file(MANIFEST))).items
    except (ValidationError, OSError) as error:
        raise MalformedInput(f"the run {run.id} can't be timed: its {MANIFEST} is damaged") from error


def _words(run: Run, items: Sequence[_Item], aligned: Sequence[Aligned]) -> Words:
    told: dict[str, list[_Part]] = {}
    whole: list[_Part] = []
    for item, found in zip(items, aligned, strict=True):
        told.setdefault(item.file, []).append(_Part(item.text, found))
        if item.in_whole is not None:
            whole.append(_Part(item.text, found, item.in_whole - item.start))
    if whole:
        [name] = [file.name for file in run.meta.files if file.name.rpartition(".")[0] == WHOLE]
        told[name] = whole
    languages = {found.language for found in aligned}
    return Words(
        koe=__version__,
        aligner=", ".join(sorted({found.aligner for found in aligned})),
        language=languages.pop() if len(languages) == 1 else None,
        files=tuple(FileWords(file=file, text=_text(parts), words=_in_order(parts)) for file, parts in told.items()),
    )


def _text(parts: Iterable[_Part]) -> str:
    return "\n".join(part.text for part in parts)


def _in_order(parts: Sequence[_Part]) -> tuple[Word, ...]:
    """Where two speak at once, their words alternate."""
    offsets = accumulate((len(part.text) + 1 for part in parts), initial=0)
    words = [
        Word(
            word=word.word,
            start=round(word.start + part.shift, 3),
            end=round(word.end + part.shift, 3),
            characters=(word.first + offset, word.last + offset),
        )
        for part, offset in zip(parts, offsets, strict=False)
        for word in part.aligned.words
    ]
    return tuple(sorted(words, key=lambda word: word.start))
