"""Where raw text may be cut, so that each piece can be normalised on its own.

Cut points are a function of the whole text, found with bounded look-ahead: at line ends, at white space and
after East Asian punctuation, but only where the words on both sides can't belong to one expression ("21.5 °C",
"March 3, 2025", "z. B.", "[a link](...)"). So it never matters how the text was fed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from koe.core.text.abbreviations import may_abbreviate

LIMIT = 400
"""At most so many characters are held back; then a piece ends at the last white space, or hard."""

_CJK_MARKS = "。！？｡、，､；："
_CJK_CLOSERS = "」』”’）》】〉〕"
_GAP = re.compile(
    # The look-behinds say that no gap begins inside another; they keep long runs from being tried at each place.
    rf"(?:(?<![{_CJK_MARKS}])(?P<mark>[{_CJK_MARKS}]++[{_CJK_CLOSERS}]*+)\s*+|(?<!\s)\s++)(?!\Z)"
)
_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_IN_GAP = _CJK_MARKS + _CJK_CLOSERS + _SPACES
_LINE_END = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")

_EXPRESSION = re.compile(r"[\d#$%&*+/<=>@\[\\\]^_`{|}~°§¢-¥€₽₩₹±×÷²³¹¼-¾µ′″№℃℉−]|[-–—]\Z")
_SENTENCE_END = re.compile(r"(?:(?<!\d)\.|[!?…])[\"'”’“»)*_]*\Z")
_STRUCTURE = re.compile(r"\]\(|[\[\])>]|<(?=[a-zA-Z/!])")
_OPENS = {"[": "]", "](": ")", "<": ">"}

_SHORT_WORD = 3
_WRAPPED_LINE = 60
"""A line of so many characters was probably wrapped, not ended."""
_UNWRAPPED = ("#", "|")


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    """Without white space at its end; may be empty."""

    gap: str
    """What separates it from the next piece: nothing, one space, or a line feed where something ended."""

    starts_line: bool


@dataclass(slots=True)
class _Scan:
    """How far the piece at the head of the buffer is known."""

    position: int = 0
    """Where the search for the next gap goes on."""

    word: int = 0
    """Where the word before that gap begins."""

    bound: bool = False
    """Whether that word belongs to the one before it."""

    open: str = ""
    """What closes the link, bracket or tag that is open."""


@dataclass(slots=True)
class _Line:
    """The line in which the piece at the head of the buffer begins."""

    length: int = 0
    """Characters of it that earlier pieces took."""

    wraps: bool = True
    """Whether it may go on in the next line: a heading or a row of a table doesn't."""

    def goes_on(self, following: str) -> bool:
        """Whether the character that begins the next line shows that this one was wrapped, not ended."""
        return self.wraps and (following.islower() or (following.isalpha() and self.length >= _WRAPPED_LINE))


class Cutter:
    """Cuts text that arrives in chunks into pieces; `limit` bounds what is held back.

    Where the language is known, only its own abbreviations count.
    """

    def __init__(self, language: str | None = None, limit: int = LIMIT) -> None:
        self._language = language
        self._limit = limit
        self._buffer = ""
        self._scan = _Scan()
        self._line = _Line()

    def feed(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        # Bounded blocks keep each slice of the buffer cheap, however much arrives at once.
        for start in range(0, len(text), self._limit):
            self._buffer += text[start : start + self._limit]
            pieces += self._drain()
        return pieces

    def finish(self) -> list[Piece]:
        """The last piece, if anything is left; the cutter then starts afresh."""
        rest = self._buffer.rstrip()
        gap = " " if len(rest) < len(self._buffer) else ""
        pieces = [Piece(rest, gap, self._line.length == 0)] if self._buffer else []
        self._buffer, self._scan, self._line = "", _Scan(), _Line()
        return pieces

    def _drain(self) -> Iterator[Piece]:
        while piece := self._cut() or self._cut_by_force():
            yield piece

    def _cut(self) -> Piece | None:
        """The piece up to the first cut point within the limit."""
        scan = self._scan
        while (gap := _GAP.search(self._buffer, scan.position)) and gap.end() <= self._limit:
            word_end = gap.end("mark") if gap["mark"] else gap.start()
            if _LINE_END.search(self._buffer, word_end, gap.end()) or self._separates(word_end, gap.end()):
                return self._take(word_end, gap.end())
            scan.position = scan.word = gap.end()
        if gap is None:
            scan.position = max(scan.position, len(self._buffer.rstrip(_IN_GAP)))
        return None

    def _cut_by_force(self) -> Piece | None:
        if len(self._buffer) <= self._limit:
            return None
        window = self._buffer[: self._limit]
        space = next((at for at in range(len(window), 0, -1) if window[at - 1].isspace()), len(window))
        return self._take(len(window[:space].rstrip()), space)

    def _separates(self, word_end: int, next_start: int) -> bool:
        """Whether the words on both sides of a gap can't belong to one expression."""
        scan, word = self._scan, self._buffer[self._scan.word : word_end]
        for token in _STRUCTURE.findall(word):
            if not scan.open or token.startswith(scan.open):
                scan.open = _OPENS.get(token, "")
        binds = not _is_loose(word, self._language) or (scan.bound and len(word) <= _SHORT_WORD)
        binds = binds or not self._buffer[next_start].isalpha()
        scan.bound = binds and not ends_sentence(word, self._language)
        return not scan.bound and not scan.open

    def _take(self, word_end: int, end: int) -> Piece:
        """The piece that ends there, and the gap up to `end`, behind which at least one character is known."""
        text, gap, rest = self._buffer[:word_end], self._buffer[word_end:end], self._buffer[end:]
        line, starts_line = self._line, self._line.length == 0
        line.length += end
        if starts_line:
            line.wraps = not text.lstrip().startswith(_UNWRAPPED)
        line_ends = len(_LINE_END.findall(gap))
        ended = line_ends > 1 or (line_ends == 1 and not line.goes_on(rest[0]))
        self._buffer, self._scan = rest, _Scan()
        self._line = _Line() if line_ends else line
        return Piece(text, "\n" if ended else " " if gap else "", starts_line)


def ends_sentence(text: str, language: str | None) -> bool:
    """Whether a sentence ends behind the text, whatever follows: not where a full stop may mean something else."""
    return _SENTENCE_END.search(text) is not None and not may_abbreviate(text.rpartition(" ")[2], language)


def _is_loose(word: str, language: str | None) -> bool:
    """Whether a word stands for itself: no number, symbol or abbreviation that may need the next word."""
    if word.isalpha():
        return True
    return not _EXPRESSION.search(word) and not may_abbreviate(word, language) and any(map(str.isalnum, word))
