"""Where a sentence or a clause ends, decided from the text around one mark."""

import re
from enum import Enum, auto

from koe.core.text import scripts
from koe.core.text.abbreviations import is_abbreviation

_CLOSERS = "\"'”’“‘»›«‹)\\]}」』】》〉）〕"
_DENSE_ENDS = "。！？｡۔।॥։።။។"
_DENSE_CLAUSES = "，、；：､"

MARK = re.compile(
    rf"""(?P<run>(?:[.!?…‽؟]|[{_DENSE_ENDS}])++)(?P<closers>[{_CLOSERS}]*+(?:\ [»›](?=\ |\Z))?)
       | (?P<clause>[,;:—–،؛{_DENSE_CLAUSES}])(?P<after>[{_CLOSERS}]*+)
    """,
    re.VERBOSE,
)
LOOK_AHEAD = 3
"""So many characters behind a mark are needed to judge it, if there are so many."""


class Ending(Enum):
    SENTENCE = auto()
    CLAUSE = auto()
    NONE = auto()


def judge(text: str, mark: re.Match[str], language: str | None) -> Ending:
    """What ends at a match of `MARK` in `text`, whose white space is single spaces; `text` begins a segment."""
    if mark["clause"]:
        return Ending.CLAUSE if _ends_clause(text, mark) else Ending.NONE
    return Ending.SENTENCE if _ends_sentence(text, mark, language) else Ending.NONE


def is_dense(text: str, language: str | None) -> bool:
    """Whether a character of the text says as much as several letters (Chinese, Japanese, Korean)."""
    if language:
        return language.partition("-")[0] in ("zh", "ja", "ko")
    return scripts.is_dense(next(filter(str.isalpha, text), ""))


def _ends_clause(text: str, mark: re.Match[str]) -> bool:
    if mark["clause"] in _DENSE_CLAUSES:
        return True
    before, after = text[: mark.start()].rstrip()[-1:], text[mark.end() :][:2]
    return after[:1] in ("", " ") and not (before.isdigit() and after[1:].isdigit())


def _ends_sentence(text: str, mark: re.Match[str], language: str | None) -> bool:
    run, after = mark["run"], text[mark.end() : mark.end() + 2]
    if run[-1] in _DENSE_ENDS:
        # 「はい。」と言った: the quotation is part of the sentence around it.
        return not (mark["closers"] and after[:1] in ("と", "っ"))
    if after and after[0] != " ":
        # "好!我们" needs no space; "home.example", "3.5" and "Node.js" are words.
        return run[-1] in "!?…؟" and scripts.is_dense(after[0])
    following = after[1:]
    if following.islower():
        return run[-1] in "!?؟" and not mark["closers"]
    return run != "." or not _abbreviates(text, mark, following, language)


def _abbreviates(text: str, mark: re.Match[str], following: str, language: str | None) -> bool:
    """Whether the full stop belongs to the word before it, or to a number that opens an item of a list."""
    word = _last_word(text[max(0, mark.start() - 24) : mark.start()])
    if mark["closers"]:
        return False
    return (word.isdigit() and mark.start() == len(word)) or is_abbreviation(word, following, language)


def _last_word(text: str) -> str:
    return text.rpartition(" ")[2]
