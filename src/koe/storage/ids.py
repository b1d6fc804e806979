"""The ids of runs, and the names of their folders.

    20260131-180502_speech_01kgbf3k2ej5w0zq8m6h4x9c7d
    <when, in UTC>  <task> <run id>

An id is 26 letters and digits: 48 bits of time and 80 drawn bits. So ids sort by time, two that are made at once
differ, and nobody guesses one.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta

from koe.core.errors import MalformedInput

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH, _DRAWN_BITS = 26, 80
_ID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
_TASK = re.compile(r"[a-z][a-z0-9-]{0,29}", re.ASCII)
_FOLDER = re.compile(rf"\d{{8}}-\d{{6}}_({_TASK.pattern})_({_ID.pattern})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def new_id(when: datetime) -> str:
    """`when` has a time zone."""
    number = ((when - _EPOCH) // _MILLISECOND << _DRAWN_BITS) | secrets.randbits(_DRAWN_BITS)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def folder_name(id: str, task: str, when: datetime) -> str:
    """Raises MalformedInput for a task that is no word."""
    if not _TASK.fullmatch(task):
        raise MalformedInput(f"{task[:100]!r} is no name of a task: write one like speech or long-form")
    return f"{when.astimezone(UTC):%Y%m%d-%H%M%S}_{task}_{id}"


def id_in(folder_name: str) -> str | None:
    """None where it is no name of a run's folder."""
    found = _FOLDER.fullmatch(folder_name)
    return found[2] if found else None
