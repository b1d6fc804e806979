"""Scripts for several voices: who says what.

    # a comment
    [1]: A speaker in brackets, with a colon or without.
    Anna: Or a name and a colon,
      with lines that go on.
    Anna (whispering): With a direction.
    [pause:1.5s]

A line belongs to a new speaker where it begins, without white space before it, with

- a label in brackets, of up to 60 characters and without a colon: `[Old man] Come in.` Alone on its line, it is the
  speaker of what follows;
- or a name and a colon. A name has up to four words and 40 characters, no figure in front, and each word begins with a
  capital (or a letter that has none, or a figure), but for small ones in the middle (`Queen of Hearts`). White space or
  the line's end follows the colon, unless it is a wide one (：). So neither `At 7:30 we left`, `He said: come` nor
  `https://koe.example` names a speaker; `the old man:` does if the caller knows him.

Every other line goes on with what was being said, so white space in front keeps a colon what it is. A blank line ends
what was being said, but not the turn of its speaker. What comes before the first speaker is nobody's. `#` and white
space begin a comment. A pause that stands alone on its line is kept between two utterances, others stay in the text;
`(pause 1.5s)` is the same as `[pause:1.5s]`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from koe.core.text.items import MAX_PAUSE

_PAUSE = r"[\[(]\s*pause\s*[:\s]\s*(?P<amount>\d{1,6}(?:[.,]\d{1,6})?)\s*(?P<unit>ms|s)\s*[\])]"
_ANY_PAUSE = re.compile(_PAUSE, re.IGNORECASE)
_ONLY_PAUSE = re.compile(rf"\s*{_PAUSE}\s*", re.IGNORECASE)

_COMMENT = re.compile(r"\s*#(?:[\s#]|\Z)")
_IN_BRACKETS = re.compile(r"\[(?P<name>[^\[\]:：\n]{1,60})\]\s*[:：]?\s*(?P<text>.*)", re.DOTALL)
_BEFORE_COLON = re.compile(
    r"""(?P<name>[^\W\d_][^:：()\[\]\n]{0,59}?)  \s{0,3}
        (?:\((?P<direction>[^()\n]{1,100})\)\s{0,3})?
        (?: :(?=\s|\Z) | ： ) \s* (?P<text>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_LINE_END = re.compile(r"\r\n|[\n\r]")

_MOST_WORDS = 4
_MOST_CHARACTERS = 40
_SMALL_WORDS = frozenset(
    [
        "al",
        "and",
        "da",
        "das",
        "de",
        "del",
        "della",
        "der",
        "di",
        "do",
        "du",
        "e",
        "el",
        "la",
        "le",
        "les",
        "of",
        "on",
        "the",
        "und",
        "van",
        "von",
        "y",
    ]
)
"""That a name may have in its middle."""


@dataclass(frozen=True, slots=True)
class Utterance:
    line: int
    """Of the file, from 1, in which it begins."""

    speaker: str
    """As it was first written; empty before the first one."""

    text: str
    direction: str = ""
    """How it is to be said, as it stands in parentheses behind the name."""

    pause_after: float = 0.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Script:
    utterances: tuple[Utterance, ...]

    @property
    def speakers(self) -> tuple[str, ...]:
        """In order of appearance, without nobody."""
        return tuple(dict.fromkeys(each.speaker for each in self.utterances if each.speaker))


@dataclass(frozen=True, slots=True)
class _Opening:
    """Of a line in which somebody begins to speak."""

    name: str
    text: str
    direction: str = ""


def parse_script(text: str, names: Collection[str] = ()) -> Script:
    """`names`: speakers that are one however they look, such as `the old man`."""
    reader = _Reader(names)
    for number, line in enumerate(_LINE_END.split(text), start=1):
        reader.read(number, line)
    reader.end()
    return Script(tuple(reader.utterances))


class _Reader:
    def __init__(self, names: Collection[str]) -> None:
        self.utterances: list[Utterance] = []
        self._names = {_key(name): name for name in names}
        self._known = frozenset(self._names)
        self._speaker, self._direction = "", ""
        self._line = 0
        self._said: list[str] = []

    def read(self, number: int, line: str) -> None:
        if _COMMENT.match(line):
            return
        if not line.strip():
            self.end()
        elif pause := _ONLY_PAUSE.fullmatch(line):
            self.end()
            self._pause(_seconds(pause))
        elif opening := _opening(line, self._known):
            self.end()
            self._speaker = self._names.setdefault(_key(opening.name), opening.name)
            self._direction = opening.direction
            self._say(number, opening.text)
        else:
            self._say(number, line)

    def end(self) -> None:
        """What was being said is said."""
        if self._said:
            self.utterances.append(Utterance(self._line, self._speaker, " ".join(self._said), self._direction))
        self._said = []

    def _say(self, number: int, text: str) -> None:
        if words := _ANY_PAUSE.sub(_in_brackets, text).strip():
            self._line = self._line if self._said else number
            self._said.append(words)

    def _pause(self, seconds: float) -> None:
        # Before the first word there is nothing to wait for.
        if self.utterances:
            last = self.utterances[-1]
            self.utterances[-1] = replace(last, pause_after=min(last.pause_after + seconds, MAX_PAUSE))


def _opening(line: str, known: Collection[str]) -> _Opening | None:
    if (match := _IN_BRACKETS.match(line)) and match["name"].strip():
        return _Opening(_plain(match["name"]), match["text"])
    match = _BEFORE_COLON.match(line)
    if match is None:
        return None
    name = _plain(match["name"])
    if _key(name) not in known and not _is_name(name):
        return None
    return _Opening(name, match["text"], (match["direction"] or "").strip())


def _is_name(text: str) -> bool:
    first, *others = text.split()
    if len(text) > _MOST_CHARACTERS or len(others) >= _MOST_WORDS or not _is_capital(first):
        return False
    middle, last = others[:-1], others[-1:]
    return all(word in _SMALL_WORDS or _is_capital(word) for word in middle) and all(map(_is_capital, last))


def _is_capital(word: str) -> bool:
    """Whether it begins with a capital, a figure, or a letter of a script that has no capitals."""
    return word[0].isdigit() or (word[0].isalpha() and not word[0].islower())


def _plain(name: str) -> str:
    return " ".join(name.split())


def _key(name: str) -> str:
    return _plain(name).casefold()


def _seconds(pause: re.Match[str]) -> float:
    amount = float(pause["amount"].replace(",", "."))
    return min(amount / 1000 if pause["unit"].lower() == "ms" else amount, MAX_PAUSE)


def _in_brackets(pause: re.Match[str]) -> str:
    """As the rest of Koe reads it."""
    return f"[pause:{pause['amount']}{pause['unit']}]"
