"""The words of a text: where each stands in it, what is said for it, and when.

    written   The heating costs $5 a day.       each with its place in the text
    spoken    The heating costs five dollars a day.
    spans     seconds of each spoken word; where one is missing, what its neighbours leave it

What is spoken isn't what is written, so the two are compared: `$5` gets the time of both of its words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import unescape
from itertools import accumulate, pairwise
from typing import Literal

from koe.core.languages import LANGUAGES, base
from koe.core.text.normalise import Normaliser
from koe.core.text.parts import Speech, TextFormat
from koe.core.text.scripts import script

Span = tuple[float, float]
"""Start and end, in seconds."""

_AT_ONCE = 400
"""Written words that are compared in one go: the time that takes grows with their square."""

_Kind = Literal["replace", "delete", "insert", "equal"]

_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z?][^<>]*>", re.DOTALL)
_EDGES = "*_~`#|\\<>"
_MARKUP = re.compile(r"\*{2,}|`|~~")
_SIGNS = "%&@§$€£¥°+="
"""Are said, though they are no letters."""


@dataclass(frozen=True, slots=True)
class Written:
    word: str
    """With the punctuation that touches it, without markup."""

    first: int
    last: int
    """Its characters are `text[first:last]`."""


@dataclass(frozen=True, slots=True)
class Spoken:
    words: list[str]
    language: str
    """BCP-47 tag."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One written word, or several that are spoken as one expression (`21 °C`)."""

    word: str
    start: float
    end: float
    """Seconds."""

    first: int
    last: int
    """Its characters are `text[first:last]`."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What belongs together in two lists of words: indices, the last one exclusive."""

    left: tuple[int, int]
    right: tuple[int, int]


def written(text: str) -> list[Written]:
    """Every word that may be said, of plain text or SSML; Chinese and Japanese, which have no spaces, by the
    character."""
    # As long as it was, so that what follows stays in its place.
    text = _TAG.sub(lambda tag: " " * len(tag[0]), text)
    return [word for start, end in _stretches(text) if (word := _stripped(text, start, end)) is not None]


def spoken(
    text: str, language: str | None, candidates: Sequence[str] = LANGUAGES, text_format: TextFormat = "text"
) -> Spoken:
    """The words as they are read out; `candidates`: the languages that it may be in, where none is given. Raises
    InvalidSsml."""
    likely = next((tag for tag in candidates if base(tag) == "en"), candidates[0])
    normaliser = Normaliser(language, candidates, text_format, fallback=likely)
    parts = normaliser.feed(text) + normaliser.finish()
    said = "".join(part.text if isinstance(part, Speech) else " " for part in parts)
    return Spoken(split(said), normaliser.language or likely)


def split(said: str) -> list[str]:
    """A spoken text into words, as `written` does it."""
    words = (said[start:end] for start, end in _stretches(said))
    return [word for word in words if any(map(str.isalnum, word))]


def paired(left: Sequence[str], right: Sequence[str]) -> list[Pair]:
    """What of two readings of one text belongs together, in order. Each word of `right` is in one pair (unless there is
    none at all); what of `left` is in none has no counterpart."""
    found = [pair for step in _steps(left, right) if step.kind in ("equal", "replace") for pair in step.pairs()]
    # What only `right` has belongs to the word before it; at the very beginning, to the one behind it.
    starts = [0, *(pair.right[0] for pair in found[1:]), len(right)]
    return [Pair(pair.left, both) for pair, both in zip(found, pairwise(starts), strict=False)]


def filled(spans: Sequence[Span | None], words: Sequence[str], seconds: float) -> list[Span]:
    """All of them within the sound of that length, none before the one before it. Those that are missing share the
    time between their neighbours by the length of their words."""
    known = _in_order(spans, seconds)
    filled: list[Span] = []
    while len(filled) < len(known):
        at, before = len(filled), filled[-1][1] if filled else 0.0
        if (span := known[at]) is not None:
            filled.append(span)
            continue
        following = next((index for index in range(at, len(known)) if known[index] is not None), len(known))
        behind = known[following] if following < len(known) else None
        room = max(0.0, (behind[0] if behind else seconds) - before)
        lengths = [len(word) for word in words[at:following]]
        ends = [before + room * length / (sum(lengths) or 1) for length in accumulate(lengths)]
        filled += zip([before, *ends], ends, strict=False)
    return filled


def timed(text: str, said: Spoken, spans: Sequence[Span], start: float = 0.0) -> list[TimedWord]:
    """The written words that are said. `spans`: of the spoken words, counted from `start`."""
    words = written(text)
    found: list[TimedWord] = []
    for rough in paired([word.word for word in words], said.words):
        for pair in _apart(rough, words, said):
            own, (first, last) = words[slice(*pair.left)], pair.right
            times = round(start + spans[first][0], 3), round(start + spans[last - 1][1], 3)
            found.append(TimedWord(joined(own), *times, own[0].first, own[-1].last))
    return found


def joined(words: Sequence[Written | TimedWord]) -> str:
    """In one line, with a space where they don't touch in the text."""
    gaps = ["", *(" " if after.first > before.last else "" for before, after in pairwise(words))]
    return "".join(gap + each.word for gap, each in zip(gaps, words, strict=True))


def _apart(pair: Pair, words: Sequence[Written], said: Spoken) -> list[Pair]:
    """Words of which each is read as it would be alone (`10:30. Mrs.`) are no single expression."""
    numbers = range(*pair.left)
    if len(numbers) == 1:
        return [pair]
    readings = [spoken(words[number].word, said.language).words for number in numbers]
    alone = [_key(word) for reading in readings for word in reading]
    if not all(readings) or alone != [_key(word) for word in said.words[slice(*pair.right)]]:
        return [pair]
    edges = accumulate(map(len, readings), initial=pair.right[0])
    return [Pair((number, number + 1), both) for number, both in zip(numbers, pairwise(edges), strict=True)]


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where there is no white space; characters that are words of their own with the punctuation behind them."""
    for match in re.finditer(r"\S+", text):
        start, end = match.span()
        for at in range(start + 1, end):
            if _stands_alone(text[at]) or (_stands_alone(text[start]) and text[at].isalnum()):
                yield start, at
                start = at
        yield start, end


def _stands_alone(character: str) -> bool:
    return script(character) in ("han", "kana")


def _stripped(text: str, start: int, end: int) -> Written | None:
    while start < end and text[start] in _EDGES:
        start += 1
    while start < end and text[end - 1] in _EDGES:
        end -= 1
    word = text[start:end]
    is_said = any(character.isalnum() or character in _SIGNS for character in word)
    return Written(unescape(_MARKUP.sub("", word)), start, end) if is_said else None


def _key(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold())) or word


@dataclass(frozen=True, slots=True)
class _Step:
    """One of difflib's, that makes the left reading the right one."""

    kind: str
    left: tuple[int, int]
    right: tuple[int, int]

    def pairs(self) -> list[Pair]:
        """Word for word where there are as many of them."""
        (a, b), (c, d) = self.left, self.right
        if b - a != d - c:
            return [Pair(self.left, self.right)]
        return [Pair((a + step, a + step + 1), (c + step, c + step + 1)) for step in range(b - a)]


def _steps(left: Sequence[str], right: Sequence[str]) -> Iterator[_Step]:
    keys, other_keys = [_key(word) for word in left], [_key(word) for word in right]
    at, other_at = 0, 0
    while at < len(keys) and other_at < len(other_keys):
        # Twice as many, for numbers are longer spoken than written.
        window, other_window = keys[at : at + _AT_ONCE], other_keys[other_at : other_at + 2 * _AT_ONCE]
        steps = SequenceMatcher(None, window, other_window, autojunk=False).get_opcodes()
        if at + len(window) < len(keys) or other_at + len(other_window) < len(other_keys):
            steps = _settled(steps)
        for kind, a, b, c, d in steps:
            yield _Step(kind, (at + a, at + b), (other_at + c, other_at + d))
        at, other_at = at + steps[-1][2], other_at + steps[-1][4]


def _settled(steps: list[tuple[_Kind, int, int, int, int]]) -> list[tuple[_Kind, int, int, int, int]]:
    """Those up to the last words that are the same: behind them, more of the text may change the view."""
    same = [number for number, step in enumerate(steps) if step[0] == "equal"]
    return steps[: same[-1] + 1] if same else steps


def _in_order(spans: Sequence[Span | None], seconds: float) -> list[Span | None]:
    latest, ordered = 0.0, list[Span | None]()
    for span in spans:
        if span is None:
            ordered.append(None)
            continue
        start = min(max(span[0], latest), seconds)
        latest = min(max(span[1], start), seconds)
        ordered.append((start, latest))
    return ordered
