"""Texts and JSON out of a parcel."""

import codecs
import json
from collections.abc import Iterable
from typing import Any

from koe.core.errors import LimitExceeded, MalformedInput
from koe.voices.transfer.limits import MOST_DEPTH


def read_text(path: str, data: bytes) -> str:
    """UTF-8, or UTF-16 where it says so, as Windows' editors write it. Raises MalformedInput."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path!r} is no text in UTF-8: {error}") from error


def read_json(path: str, data: bytes) -> Any:
    """Raises MalformedInput, and LimitExceeded where it nests too deeply."""
    try:
        value = json.loads(read_text(path, data))
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError as error:
        raise MalformedInput(f"{path!r} is no JSON: {error}") from error
    level: list[Any] = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise _too_deep(path)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(path: str) -> LimitExceeded:
    return LimitExceeded(f"{path!r} nests deeper than {MOST_DEPTH} levels")
