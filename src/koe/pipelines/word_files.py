"""Timed words as subtitles."""

import io
from collections.abc import Callable, Iterable
from html import escape

import webvtt

from koe.core.captions import captions
from koe.core.subtitles import clock
from koe.core.words import TimedWord
from koe.storage.words import FileWords, Word

_NO_TAGS = str.maketrans("<>", "‹›")
"""SRT has no way to write these, which would begin and end a tag."""


def as_srt(words: FileWords) -> str:
    return _written(words, "srt", lambda line: line.translate(_NO_TAGS))


def as_vtt(words: FileWords) -> str:
    return _written(words, "vtt", lambda line: escape(line, quote=False))


def _written(words: FileWords, format: str, safe: Callable[[str], str]) -> str:
    file = webvtt.WebVTT()
    for each in captions(_timed(words.words)):
        lines = [safe(line) for line in each.lines]
        file.captions.append(webvtt.Caption(f"0{clock(each.start)}", f"0{clock(each.end)}", lines))
    with io.StringIO() as out:
        file.write(out, format=format)
        return out.getvalue().rstrip("\n") + "\n"


def _timed(words: Iterable[Word]) -> Iterable[TimedWord]:
    return (TimedWord(word.word, word.start, word.end, *word.characters) for word in words)
