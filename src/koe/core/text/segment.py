"""Parts -> segments: what an engine is given at a time, mostly one sentence.

The first segment is short, so that speech starts early; a very short sentence is joined with the next; a long
one is cut at a clause, else at white space, else anywhere.
"""

import re
from dataclasses import dataclass

from koe.core.text.boundaries import LOOK_AHEAD, MARK, Ending, is_dense, judge
from koe.core.text.parts import Part, Pause, Speech
from koe.core.text.scripts import DENSITY

MAX_CHARACTERS = 300
MAX_FIRST = 160
_FIRST_CLAUSE = 20
_SHORT_SENTENCE = 24
"""All lengths are those of alphabets; a segment in Chinese, Japanese or Korean is shorter by its density."""

_LINE_END = re.compile(r"[\n\r\v\f\x85\u2028\u2029]")


@dataclass(slots=True)
class _Scan:
    """How far the segment at the head of the buffer is known."""

    position: int = 0
    """Where the search for the next mark goes on."""

    sentence: int = 0
    """Where a sentence ended last that was too short to stand alone; 0 where none did."""

    clause: int = 0
    """Where a clause ended last."""


class Segmenter:
    """Parts in, segments out: Speech that has a sound and no white space around it, and pauses as they came.

    A segment never holds two languages, nor a line end, nor more than `max_characters` (the first `max_first`).
    """

    def __init__(self, max_characters: int = MAX_CHARACTERS, max_first: int = MAX_FIRST) -> None:
        self._max_characters = max_characters
        self._max_first = min(max_first, max_characters)
        self._language: str | None = None
        self._first = True
        self._buffer = ""
        self._scan = _Scan()
        self._space = False
        """Whether white space has come after what is in the buffer."""

    def feed(self, part: Part) -> list[Part]:
        """The segments that are certain now."""
        if isinstance(part, Pause):
            return [*self._end(), part]
        if not part.text.strip() or part.language == self._language:
            return self._feed(part.text)
        segments = self._end()
        self._language = part.language
        return segments + self._feed(part.text)

    def finish(self) -> list[Part]:
        """The rest; the segmenter then starts afresh."""
        segments = self._end()
        self._first = True
        return segments

    def _feed(self, text: str) -> list[Part]:
        segments: list[Part] = []
        # Bounded blocks keep each slice of the buffer cheap, however much arrives at once.
        for start in range(0, len(text), self._max_characters):
            line, *more = _LINE_END.split(text[start : start + self._max_characters])
            segments += self._append(line)
            for line in more:
                segments += self._end() + self._append(line)
        return segments

    def _append(self, line: str) -> list[Part]:
        """Take text of one line; white space becomes single spaces, each held back until a word follows."""
        words = " ".join(line.split())
        self._space = self._space or line[:1].isspace()
        if words:
            self._buffer += (" " if self._space and self._buffer else "") + words
            self._space = line[-1].isspace()
        return self._drain(final=False)

    def _end(self) -> list[Part]:
        segments = self._drain(final=True) + self._cut(len(self._buffer))
        self._space = False
        return segments

    def _drain(self, final: bool) -> list[Part]:
        segments: list[Part] = []
        while end := self._segment_end(final):
            segments += self._cut(end)
        return segments

    def _cut(self, end: int) -> list[Part]:
        segment = self._buffer[:end].strip()
        self._buffer, self._scan = self._buffer[end:].lstrip(), _Scan()
        if not _is_speakable(segment):
            return []
        self._first = False
        return [Speech(segment, self._language)]

    def _segment_end(self, final: bool) -> int:
        """Where the segment at the head of the buffer ends; 0 where nobody can know yet."""
        limit = self._limit()
        while (mark := MARK.search(self._buffer, self._scan.position)) and mark.end() <= limit:
            if not final and mark.end() + LOOK_AHEAD > len(self._buffer):
                break
            self._scan.position = mark.end()
            if self._accepts(judge(self._buffer, mark, self._language), mark.end()):
                return mark.end()
        if mark is None:
            self._scan.position = len(self._buffer)
        return self._forced_end(limit) if len(self._buffer) > limit + (0 if final else LOOK_AHEAD) else 0

    def _accepts(self, ending: Ending, end: int) -> bool:
        """Whether the segment ends there; else keeps in mind that it could."""
        if ending is Ending.NONE or not _is_speakable(self._buffer[:end]):
            return False
        if ending is Ending.CLAUSE:
            self._scan.clause = end
            return self._first and self._is_long(end, _FIRST_CLAUSE)
        self._scan.sentence = end
        return self._first or self._is_long(end, _SHORT_SENTENCE)

    def _forced_end(self, limit: int) -> int:
        space = self._buffer.rfind(" ", 0, limit + 1)
        clause = self._scan.clause if self._scan.clause * 3 >= limit else 0
        return self._scan.sentence or clause or (space if space > 0 else limit)

    def _limit(self) -> int:
        limit = self._max_first if self._first else self._max_characters
        shorter = max(1, limit // DENSITY)
        return shorter if is_dense(self._buffer[:shorter], self._language) else limit

    def _is_long(self, end: int, characters: int) -> bool:
        return end * (DENSITY if is_dense(self._buffer[:end], self._language) else 1) >= characters


def _is_speakable(text: str) -> bool:
    return any(map(str.isalnum, text))
