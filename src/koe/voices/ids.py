"""The ids of voices that users make.

An id is the name of a file and of a folder on every system, stands in Home Assistant's pipelines for years, and
never looks like a voice that an engine brings along.
"""

import re
import unicodedata
from collections.abc import Collection
from itertools import count

from koe.core.errors import MalformedInput

MAX_LENGTH = 64

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_ENGINES = ("espeak-", "qwen-", "remote-", "fake-")
_WINDOWS = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)
_TAKEN = frozenset(["abilities", "check", "design", "export", "import", "transcribe"])
"""Words that stand where an id would, in requests and in the paths of the HTTP side."""

_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i"}
)
"""Letters that Unicode doesn't take apart."""


def check_id(id: str) -> None:
    """Raises MalformedInput that says what is wrong with it."""
    if reason := _objection(id):
        raise MalformedInput(reason)


def is_id(id: str) -> bool:
    return _objection(id) is None


def make_id(name: str, taken: Collection[str]) -> str:
    """A free id from a display name: `Älva Ström` -> `alva-strom`; where that is taken, `alva-strom-2`.

    `voice` where the name has nothing that an id may hold.
    """
    wanted = _folded(name)[:MAX_LENGTH].rstrip("-_") or "voice"
    if _objection(wanted):
        wanted = f"voice-{wanted}"[:MAX_LENGTH].rstrip("-_")
    endings = (f"-{number}" for number in count(2))
    free = wanted
    while free in taken:
        ending = next(endings)
        free = wanted[: MAX_LENGTH - len(ending)].rstrip("-_") + ending
    return free


def _folded(name: str) -> str:
    apart = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN))
    letters = "".join(each for each in apart if not unicodedata.combining(each))
    return re.sub(r"[^a-z0-9_]+", "-", letters).strip("-_")


def _objection(id: str) -> str | None:
    shown = repr(id if len(id) <= MAX_LENGTH else id[:MAX_LENGTH] + "…")
    if not 1 <= len(id) <= MAX_LENGTH:
        return f"{shown} is no id of a voice: it has 1 to {MAX_LENGTH} characters"
    if not _ID.fullmatch(id):
        return (
            f"{shown} is no id of a voice: it takes a-z, 0-9, - and _, and starts with a letter or a digit; "
            "its name may hold everything else"
        )
    if id in _WINDOWS:
        return f"{shown} can't be the id of a voice: Windows keeps that file name for a device"
    if id in _TAKEN:
        return f"{shown} can't be the id of a voice: Koe uses it itself"
    if own := next((prefix for prefix in _ENGINES if id.startswith(prefix)), None):
        return f"{shown} can't be the id of a voice: {own}… are the voices that the engine {own[:-1]} brings along"
    return None
