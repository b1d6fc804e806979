"""A paragraph -> parts that a voice speaks in one go without losing its calm: whole sentences, where that can be."""

import math
from collections.abc import Iterator

from koe.core.text.detect import information
from koe.core.text.parts import Speech
from koe.core.text.segment import Segmenter

MOST_CHARACTERS = 400
"""Of alphabets; a third of that in Chinese, Japanese and Korean."""


def parts(paragraph: str, language: str | None = None) -> list[str]:
    """All of the paragraph's words and signs, in order and once; white space became single spaces.

    A part ends where a sentence does, and only where one is too long for a part, elsewhere. The parts of a paragraph
    are about equally long, so that none of them is a single short sentence without need.
    """
    text = " ".join(paragraph.split())
    if information(text) <= MOST_CHARACTERS:
        return [text] if text else []
    joined: list[str] = []
    aim = _aim(text)
    for sentence in _sentences(text, language):
        last = information(joined[-1]) if joined else aim
        if last < aim and last + information(sentence) <= MOST_CHARACTERS:
            joined[-1] += sentence
        else:
            joined.append(sentence)
    return [part.strip() for part in joined]


def _aim(text: str) -> float:
    length = information(text)
    return length / math.ceil(length / MOST_CHARACTERS)


def _sentences(text: str, language: str | None) -> Iterator[str]:
    """Slices of the text, one behind the other."""
    segmenter = Segmenter(MOST_CHARACTERS, MOST_CHARACTERS)
    segments = segmenter.feed(Speech(text, language)) + segmenter.finish()
    start = at = 0
    for segment in segments:
        if isinstance(segment, Speech):
            # What the segmenter drops, as it has no sound, stays with what comes before it.
            begins = text.index(segment.text, at)
            at = begins + len(segment.text)
            if _is_sound(text[start:begins]):
                yield text[start:begins]
                start = begins
    yield text[start:]


def _is_sound(text: str) -> bool:
    return any(map(str.isalnum, text))
