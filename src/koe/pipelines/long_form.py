"""Books, articles, manuscripts: TXT, Markdown and EPUB -> chapters -> parts, with silence between them."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Annotated, BinaryIO

from pydantic import Field

from koe.pipelines.epub import Book, read_epub
from koe.pipelines.long_form_chapters import Chapter, markdown_chapters, plain_chapters
from koe.pipelines.long_form_parts import parts
from koe.pipelines.plan import Delivery, Gap, Options, Plan, PlanItem, Planner
from koe.pipelines.plan_names import safe_name
from koe.pipelines.plan_source import MIB, read_text

_MOST_MARKDOWN = 2 * MIB
"""Bytes, four novels: the parser is written in Python, and some texts keep it busy for long."""


class LongFormKind(StrEnum):
    TEXT = "txt"
    MARKDOWN = "md"
    EPUB = "epub"


class LongFormOptions(Options):
    how: Delivery = Delivery()

    sentence_gap: Gap = 0.25
    paragraph_gap: Gap = 0.7
    chapter_gap: Gap = 2.0
    """Seconds between two parts of a paragraph, two paragraphs, and two chapters."""

    chapter_level: Annotated[int, Field(ge=1, le=6)] = 2
    """Headings of Markdown down to this level begin a chapter."""

    only: Annotated[frozenset[Annotated[int, Field(ge=1)]], Field(max_length=10_000)] = frozenset()
    """Numbers of the chapters to speak, as the dry run shows them; empty: all."""


def plan_long_form(source: BinaryIO, kind: LongFormKind, options: LongFormOptions, voices: Collection[str]) -> Plan:
    """Each chapter is a file. An EPUB's language is taken where the options name none.

    Raises LimitExceeded, MalformedInput, NothingToSpeak where the file can't be read as a whole.
    """
    book = _read(source, kind, options.chapter_level)
    planner = Planner(voices, book.problems)
    planner.check_voice(options.how.voice, "")
    how = options.how.model_copy(update={"language": options.how.language or book.language})
    if missing := sorted(number for number in options.only if number > len(book.chapters)):
        wrong = f"there is no chapter {missing[0]}"
        planner.problem("", wrong, f"choose from chapters 1 to {len(book.chapters)}", stops=True)
    items = [
        item
        for number, chapter in enumerate(book.chapters, start=1)
        if not options.only or number in options.only
        for item in _items(planner, number, chapter, how, options)
    ]
    return planner.plan(items, title=book.title, language=book.language)


def _read(source: BinaryIO, kind: LongFormKind, level: int) -> Book:
    if kind is LongFormKind.EPUB:
        return read_epub(source)
    if kind is LongFormKind.MARKDOWN:
        read = read_text(source, _MOST_MARKDOWN)
        return Book("", None, markdown_chapters(read.text, level), read.problems)
    read = read_text(source)
    return Book("", None, plain_chapters(read.text), read.problems)


def _items(
    planner: Planner, number: int, chapter: Chapter, how: Delivery, options: LongFormOptions
) -> Iterator[PlanItem]:
    name = chapter.title or f"Chapter {number}"
    file = f"{number:03}-{safe_name(chapter.title, 'chapter')}"
    spoken = [(part, gap) for part, gap in _parts(chapter, how.language, options) if any(map(str.isalnum, part))]
    for index, (part, gap) in enumerate(spoken, start=1):
        after = options.chapter_gap if index == len(spoken) else gap
        yield planner.item(part, how, file=file, group=name, pauses=(0.0, after))


def _parts(chapter: Chapter, language: str | None, options: LongFormOptions) -> Iterator[tuple[str, float]]:
    """Each part, and the silence behind it."""
    for paragraph in chapter.paragraphs:
        *others, last = parts(paragraph, language) or [""]
        for part in others:
            yield part, options.sentence_gap
        yield last, options.paragraph_gap
