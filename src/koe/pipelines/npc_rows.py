"""Tables as people make them, row by row: CSV of any delimiter, or one JSON object a line.

Nothing is kept but the row that is being read: a line is bounded, and so is a row whose quotes never close.
"""

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from koe.core.errors import MalformedInput, NothingToSpeak
from koe.core.problem import Problem, shown
from koe.pipelines.plan import Problems
from koe.pipelines.plan_source import guess_encoding

MOST_LINE = 100_000
"""Characters."""

_MOST_ROW = 50
"""Lines of one row: more are a quote that somebody forgot to close."""

_MOST_COLUMNS = 100
_PROBE = 64 * 1024
_DELIMITERS = (",", ";", "\t")

_COLUMNS = {
    "character": "character", "speaker": "character", "npc": "character",
    "text": "text", "line": "text",
    "voice": "voice", "style": "style", "instruct": "instruct",
    "file": "file", "filename": "file",
    "seed": "seed", "language": "language", "lang": "language", "speed": "speed",
}  # fmt: skip
"""What a column may be called, without white space, `_` and `-`, in any case."""

COLUMNS = tuple(dict.fromkeys(_COLUMNS.values()))


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    """Of the file, from 1, in which it begins."""

    cells: dict[str, Any]
    """By column; without empty ones."""


class Table:
    """Rows of a file in one pass; what is wrong with it is added to `problems`."""

    def __init__(self, source: BinaryIO, problems: Problems) -> None:
        """Raises MalformedInput where it is no table with the columns that are needed, NothingToSpeak."""
        self._problems = problems
        self._unknown: set[str] = set()
        beginning = source.read(_PROBE)
        encoding, doubts = guess_encoding(beginning)
        problems.extend(doubts)
        joined = io.BufferedReader(_Joined(beginning, source))
        self._lines = _Lines(io.TextIOWrapper(joined, encoding, errors="replace", newline=""), problems)
        self._first = self._first_line()
        self._is_json = self._first.lstrip().startswith("{")
        if not self._is_json:
            self._delimiter, self._columns = self._header()

    def __iter__(self) -> Iterator[Row]:
        for row in self._json_rows() if self._is_json else self._csv_rows():
            if any("\ufffd" in value for value in row.cells.values() if isinstance(value, str)):
                wrong = "it holds characters that can't be read"
                self._problems.add(Problem(f"line {row.line}", wrong, "save the file as UTF-8: the row is left out"))
            else:
                yield row

    def _first_line(self) -> str:
        """That isn't empty; it will be read again where it is a row."""
        for line in self._lines:
            if line.strip():
                if line.lstrip().startswith("{"):
                    self._lines.back_to(0)
                return line
            self._lines.begin()
        raise NothingToSpeak("the file is empty: it has no rows")

    def _header(self) -> tuple[str, list[str]]:
        """The delimiter that makes most sense of the first line, and a column for each cell; empty: to be ignored."""
        headers = [(delimiter, _cells(self._first, delimiter)) for delimiter in _DELIMITERS]
        delimiter, cells = max(headers, key=lambda header: len([cell for cell in header[1] if column(cell)]))
        columns = [column(cell) for cell in cells[:_MOST_COLUMNS]]
        if missing := [name for name in ("character", "text") if name not in columns]:
            raise MalformedInput(
                f"there is no column {' and no column '.join(missing)} in the first line, which is "
                f"{shown(self._first.strip())}: it names the columns, such as character,text,voice,style,file,seed"
            )
        for name in {each for each in columns if each and columns.count(each) > 1}:
            raise MalformedInput(f"two columns are both the {name}: rename or delete one of them")
        for cell, known in zip(cells, columns, strict=False):
            if cell.strip() and not known:
                self._tell_unknown(cell, f"line {self._lines.line}")
        return delimiter, columns

    def _csv_rows(self) -> Iterator[Row]:
        reader = self._reader()
        while True:
            self._lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _Unclosed) as error:
                # Only the row's first line is lost: what the quote had swallowed is read again.
                line = self._lines.line
                self._bad(line, f"the quotes in it are wrong ({error})", 'write a quote within a text twice: ""')
                self._lines.back_to(1)
                reader = self._reader()
                continue
            if any(cell.strip() for cell in cells):
                yield from self._csv_row(cells)

    def _csv_row(self, cells: Sequence[str]) -> Iterator[Row]:
        line = self._lines.line
        if any(cell.strip() for cell in cells[len(self._columns) :]):
            wrong = f"it has {len(cells)} cells, and the first line names {len(self._columns)} columns"
            self._bad(line, wrong, f"put quotes around a text that holds {shown(self._delimiter)}")
            return
        named = zip(self._columns, cells, strict=False)
        yield Row(line, {name: cell.strip() for name, cell in named if name and cell.strip()})

    def _json_rows(self) -> Iterator[Row]:
        for text in self._lines:
            line = self._lines.line
            self._lines.begin()
            if not text.strip():
                continue
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                self._bad(
                    line, f"it is no JSON ({error})", 'write one object a line: {"character": "...", "text": "..."}'
                )
                continue
            if isinstance(value, dict):
                yield Row(line, self._json_cells(value, f"line {line}"))
            else:
                self._bad(line, "it is no JSON object", 'write it like {"character": "...", "text": "..."}')

    def _json_cells(self, value: dict[str, Any], where: str) -> dict[str, Any]:
        for name in value:
            if not column(name):
                self._tell_unknown(name, where)
        return {column(name): each for name, each in value.items() if column(name) and each not in (None, "")}

    def _reader(self) -> "Iterator[list[str]]":
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True)

    def _bad(self, line: int, wrong: str, right: str) -> None:
        self._problems.add(Problem(f"line {line}", wrong, f"{right}; it is left out"))

    def _tell_unknown(self, name: str, where: str) -> None:
        if name in self._unknown or len(self._unknown) >= _MOST_COLUMNS:
            return
        self._unknown.add(name)
        wrong = f"the column {shown(name)} is unknown"
        self._problems.add(Problem(where, wrong, f"it is ignored; known are {', '.join(COLUMNS)}"))


class _Unclosed(Exception):
    pass


class _Lines:
    """Lines of a bounded length; those of the row that is being read can be read again."""

    def __init__(self, text: io.TextIOWrapper, problems: Problems) -> None:
        self._text = text
        self._problems = problems
        self._back: deque[str] = deque()
        self._row: list[str] = []
        self._number = 0
        """Of the line that was read last."""

    @property
    def line(self) -> int:
        """Number of the first line of the row."""
        return self._number - len(self._row) + 1

    def begin(self) -> None:
        """A row."""
        self._row.clear()

    def back_to(self, kept: int) -> None:
        """Read the lines of the row again but for its first ones."""
        self._back.extendleft(reversed(self._row[kept:]))
        self._number -= len(self._row) - kept
        self._row.clear()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._row) >= _MOST_ROW:
            raise _Unclosed(f"a quote that opens here isn't closed within {_MOST_ROW} lines")
        line = self._back.popleft() if self._back else self._read()
        self._number += 1
        self._row.append(line)
        return line

    def _read(self) -> str:
        line = self._text.readline(MOST_LINE)
        while len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
            self._number += 1
            wrong = f"it is longer than {MOST_LINE} characters"
            self._problems.add(Problem(f"line {self._number}", wrong, "split it: it is left out"))
            while (rest := self._text.readline(MOST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            line = self._text.readline(MOST_LINE)
        if not line:
            raise StopIteration
        return line.replace("\0", "")


class _Joined(io.RawIOBase):
    """What was read to look at it, and then the rest."""

    def __init__(self, beginning: bytes, rest: BinaryIO) -> None:
        self._beginning = memoryview(beginning)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = bytes(self._beginning[: len(buffer)]) or self._rest.read(len(buffer))
        self._beginning = self._beginning[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def column(name: str) -> str:
    """Which column that is; empty where it is none that is known."""
    return _COLUMNS.get(re.sub(r"[\s_-]+", "", name[:100]).casefold(), "")


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
