"""Plain text and Markdown -> chapters of paragraphs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_SENTENCE_END = re.compile(r"[.!?…。！？:][\"'”’“»)\]」』]*\s*\Z")

_NUMBER = r"(?:\d{1,4}|[ivxlcdm]{1,9})"
_HEADING = re.compile(
    rf"""(?:chapter|kapitel|chapitre|cap[íi]tulo|capitolo|глава|part|teil|partie|parte|часть|book|buch|livre|libro)
            \s+(?:{_NUMBER}\b.*|\w+)
       | {_NUMBER}\.\s*(?:kapitel|teil|buch)\b.*
       | (?:prolog(?:ue)?|epilog(?:ue)?|pr[óo]logo|ep[íi]logo|пролог|эпилог|preface|foreword|vorwort|nachwort)
       | 第[\d一二三四五六七八九十百千零〇]{{1,8}}[章回話话部].*
       | 제\s*\d{{1,4}}\s*[장부화].*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_HEADING = 80
_FRONT_MATTER = re.compile(r"---[^\S\n]*\n(?:(?!---).*\n){0,200}---[^\S\n]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    """Empty where it has none."""

    paragraphs: tuple[str, ...]
    """Its heading first, where the text has one."""


def plain_chapters(text: str) -> list[Chapter]:
    """A line of its own like `Chapter 7` or `Prologue`, in ten languages, begins a chapter."""
    return _chapters((each, _is_heading(each)) for each in plain_paragraphs(text))


def plain_paragraphs(text: str) -> list[str]:
    """What blank lines separate; in a text without any, lines that end a sentence end a paragraph too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").strip()
    if _BLANK_LINES.search(text):
        return [each for each in _BLANK_LINES.split(text) if each.strip()]
    paragraphs: list[list[str]] = [[]]
    for line in text.split("\n"):
        paragraphs[-1].append(line)
        if _SENTENCE_END.search(line[-20:]) or _is_heading(line):
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs if lines]


def markdown_chapters(text: str, level: int) -> list[Chapter]:
    """Headings of that level and above begin chapters. Code, HTML and pictures are left out."""
    parser = MarkdownIt("commonmark").enable("table")
    return _chapters(_markdown_blocks(parser.parse(_FRONT_MATTER.sub("", text, count=1)), level))


def _is_heading(paragraph: str) -> bool:
    line = paragraph.strip()
    return len(line) <= _LONGEST_HEADING and "\n" not in line and _HEADING.fullmatch(line) is not None


def _chapters(blocks: Iterable[tuple[str, bool]]) -> list[Chapter]:
    """Of paragraphs, and whether each is a heading that begins a chapter."""
    chapters: list[tuple[str, list[str]]] = []
    for text, is_heading in blocks:
        if is_heading or not chapters:
            chapters.append((" ".join(text.split()) if is_heading else "", []))
        chapters[-1][1].append(text)
    return [Chapter(title, tuple(paragraphs)) for title, paragraphs in chapters]


def _markdown_blocks(tokens: Iterable[Token], level: int) -> Iterator[tuple[str, bool]]:
    heading = 0
    for token in tokens:
        if token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type == "heading_close":
            heading = 0
        elif token.type == "inline" and (text := _inline(token.children or ()).strip()):
            yield text, 0 < heading <= level


def _inline(tokens: Iterable[Token]) -> str:
    texts = {"softbreak": "\n", "hardbreak": "\n"}
    return "".join(
        texts.get(token.type, token.content if token.type in ("text", "code_inline") else "") for token in tokens
    )
