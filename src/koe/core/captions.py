"""Timed words as lines to be read while they are heard."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from koe.core.text.scripts import is_dense
from koe.core.words import TimedWord, joined

LINE = 42
"""Letters in a line, of which a caption has two; Chinese and Japanese characters are twice as wide."""

_MOST_SECONDS = 6.0
_PAUSE = 0.7
"""Seconds of silence after which a new caption begins."""

_LONG_ENOUGH = 1.0
"""Seconds that a caption stays at the least, where the next one leaves it so long."""

_SENTENCE_END = tuple(".!?…。！？")
_CLOSING = "\"'”’»)]」』"


@dataclass(frozen=True, slots=True)
class Caption:
    start: float
    end: float
    """Seconds."""

    lines: tuple[str, ...]


def captions(words: Iterable[TimedWord]) -> list[Caption]:
    """In the order of their times, none longer than two lines (unless a word is). They overlap only where two speak at
    once."""
    groups = list(_groups(sorted(words, key=lambda word: word.first)))
    groups.sort(key=lambda group: group[0].start)
    starts = [group[0].start for group in groups[1:]]
    return [_caption(group, until) for group, until in zip(groups, [*starts, math.inf], strict=True)] if groups else []


def _groups(words: Sequence[TimedWord]) -> Iterator[list[TimedWord]]:
    group = list(words[:1])
    for before, word in pairwise(words):
        is_full = word.end - group[0].start > _MOST_SECONDS or len(_lines(joined([*group, word]))) > 2
        if is_full or _ends(before, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends(before: TimedWord, word: TimedWord) -> bool:
    is_sentence = before.word.rstrip(_CLOSING).endswith(_SENTENCE_END)
    # Before it in time, though behind it in the text: somebody else speaks.
    return is_sentence or word.start - before.end > _PAUSE or word.start < before.start


def _caption(group: Sequence[TimedWord], until: float) -> Caption:
    start, end = group[0].start, group[-1].end
    longer = min(until, start + _LONG_ENOUGH)
    return Caption(start, max(end, longer), _lines(joined(group)))


def _lines(text: str) -> tuple[str, ...]:
    """Two of about the same length are read more easily than a long one and a short one."""
    wide = len(text) + sum(map(is_dense, text))
    if wide <= LINE:
        return (text,)
    most = LINE * len(text) // wide
    wrapped = (tuple(textwrap.wrap(text, width)) for width in range(min(len(text) // 2, most), most + 1))
    return next((lines for lines in wrapped if len(lines) <= 2), tuple(textwrap.wrap(text, most)))
