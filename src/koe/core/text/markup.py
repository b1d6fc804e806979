"""Markdown and simple HTML as words: what a reader would see, without the signs that made it look so."""

import re
from collections.abc import Iterator
from html import unescape

from koe.core.text.cut import Cutter, Piece
from koe.core.text.items import Break, Item, Words, bounded_pause

_MARKED = re.compile(r"[*_`~\[<&|\\#>=]")

_BLOCK_MARKER = re.compile(
    r"""(?:>\s*)*                              # quotes
        (?:\#{1,6}(?:\s+|$) | [-*+•‣◦▪](?:\s+|$) | (?P<number>\d{1,3})[.)](?=\s|$))?   # heading, list
        (?:\[[ xX]\]\s)?                       # a task's box
    """,
    re.VERBOSE,
)
_RULE = re.compile(r"(?:([-*_=])\s*(?:\1\s*){2,}|(?=[:\-\s]*\|)[|:\-\s]+)")
_FENCE = re.compile(r"(`{3,}|~{3,})\s*([^`\s]*)[^`]*")
_SPOKEN_FENCES = ("", "text", "txt", "plain", "plaintext", "md", "markdown")

_PAUSE_OR_BREAK = re.compile(
    r"""\[pause:\s*(?P<amount>\d{1,6}(?:[.,]\d{1,6})?)\s*(?P<unit>ms|s)\s*\]
      | <(?:br|hr|/?(?:p|div|li|ul|ol|tr|table|blockquote|h[1-6]))(?:\s[^<>]*)?/?>
    """,
    re.VERBOSE | re.IGNORECASE,
)

_INLINE = [
    (re.compile(r"<((?:https?://|mailto:)[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>"), r"\1"),  # <https://koe.example>
    (re.compile(r"<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]*>", re.DOTALL), ""),
    (re.compile(r"\[\^[^\]\s]+\]:?"), ""),  # a footnote
    (re.compile(r"!\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)"), r"\1"),
    (re.compile(r"\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)"), r"\1"),
    (re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]"), r"\1"),
    (re.compile(r"\\(?=[!-/:-@\[-`{-~])|\\$"), ""),
    (re.compile(r"`+|~~+|\s*(?<!\S)#{2,}(?!\S)"), ""),
    # A star stays where it multiplies: 2*3, 2 * 3.
    (re.compile(r"((?<=\d)\*{1,2}(?=\d)|(?<!\S)\*(?!\S))|\*+"), r"\1"),
    (re.compile(r"(?<![^\W_])_+|_+(?![^\W_])"), ""),
    (re.compile(r"\s*\|[\s|]*"), ", "),
]


class MarkdownReader:
    """Text in chunks -> items; `feed` and `finish` as everywhere.

    A fenced block of code is not read out, unless its fence names no programming language.
    """

    def __init__(self, language: str | None = None) -> None:
        self._cutter = Cutter(language)
        self._fence = ""
        """What closes the fenced block that is open."""
        self._silent = False
        """Whether that block is code."""
        self._skip_line = False

    def feed(self, text: str) -> list[Item]:
        return [item for piece in self._cutter.feed(text) for item in self._read(piece)]

    def finish(self) -> list[Item]:
        items = [item for piece in self._cutter.finish() for item in self._read(piece)]
        self._fence, self._silent, self._skip_line = "", False, False
        return items

    def _read(self, piece: Piece) -> Iterator[Item]:
        text = piece.text.lstrip() if piece.starts_line else piece.text
        if piece.starts_line:
            self._skip_line = self._is_fence(text)
        is_rule = piece.starts_line and _RULE.fullmatch(text)
        if not (self._skip_line or self._silent or is_rule):
            yield from _words(_plain(text, piece), piece.gap.rstrip("\n"))
        if piece.gap == "\n":
            yield Break()

    def _is_fence(self, line: str) -> bool:
        """Whether the line opens or closes a fenced block; keeps which one is open."""
        if self._fence:
            if not (line.startswith(self._fence) and not line.strip(self._fence[0])):
                return False
            self._fence, self._silent = "", False
            return True
        match = _FENCE.fullmatch(line)
        if match is None:
            return False
        self._fence = match[1]
        self._silent = match[2].lower() not in _SPOKEN_FENCES
        return True


def _plain(text: str, piece: Piece) -> str:
    """The text without what marks its line as a heading, an item of a list or a row of a table."""
    if piece.starts_line:
        text = _BLOCK_MARKER.sub(_spoken_number, text, count=1)
    if "|" in text:
        text = text.lstrip("| \t") if piece.starts_line else text
        text = text.rstrip("| \t") if piece.gap != " " else text
    return text


def _spoken_number(marker: re.Match[str]) -> str:
    """A colon keeps the number of an item apart: "1. Mai" and "1. Koffer packen" look the same."""
    return f"{marker['number']}:" if marker["number"] else ""


def _words(text: str, gap: str) -> Iterator[Item]:
    if not _MARKED.search(text):
        yield Words(text + gap)
        return
    start = 0
    for match in _PAUSE_OR_BREAK.finditer(text):
        yield Words(_inline(text[start : match.start()]))
        yield from _pause_or_break(match)
        start = match.end()
    yield Words(_inline(text[start:]) + gap)


def _pause_or_break(match: re.Match[str]) -> list[Item]:
    if match["amount"] is None:
        return [Break()]
    amount = float(match["amount"].replace(",", "."))
    return [*bounded_pause(amount / 1000 if match["unit"].lower() == "ms" else amount)]


def _inline(text: str) -> str:
    if not _MARKED.search(text):
        return text
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return unescape(text)
