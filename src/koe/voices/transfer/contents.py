"""What lies in an archive or a folder, as its files' names and bytes: the names checked, nothing of it on disk yet."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from koe.core.errors import LimitExceeded, MalformedInput
from koe.voices.transfer.limits import MIB, MOST_ENTRIES, MOST_IN_ALL, MOST_PER_FILE, MOST_TEXT

TEXTS = frozenset([".json", ".txt"])
AUDIO = frozenset([".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"])
IMAGES = frozenset([".png", ".jpg", ".jpeg", ".webp", ".gif"])

MOST_NAME = 500
"""Characters of a path in an archive."""

_CLUTTER = re.compile(r"(?:^|/)(?:__MACOSX/|\._[^/]*$|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
"""What macOS and Windows leave in folders and archives by themselves."""


@dataclass(frozen=True, slots=True)
class Contents:
    name: str
    """Of the archive or the folder, for people; empty where it came without one."""

    files: Mapping[str, bytes]
    """By path, with `/` between folders."""

    left_out: tuple[str, ...] = ()
    """Paths of files that are nothing for Koe and were not read."""


class Allowance:
    """Counts what is unpacked while it is: headers lie."""

    def __init__(self) -> None:
        self._total = 0

    def take(self, path: str, size: int, more: int) -> None:
        """`more` bytes of a file that now has `size`. Raises LimitExceeded."""
        most = MOST_TEXT if suffix(path) in TEXTS else MOST_PER_FILE
        if size > most:
            raise LimitExceeded(f"{path!r} is larger than {most // MIB} MiB, the most of such a file")
        self._total += more
        if self._total > MOST_IN_ALL:
            raise LimitExceeded(f"the files are larger than {MOST_IN_ALL // MIB} MiB in all, the most of an import")


def suffix(path: str) -> str:
    """In lower case, with its dot."""
    stem, dot, ending = path.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""


def check_count(entries: int) -> None:
    if entries > MOST_ENTRIES:
        raise LimitExceeded(f"an import takes at most {MOST_ENTRIES} files, here are more")


def check_path(path: str) -> None:
    """Raises MalformedInput for all that could lead out of a folder on any system."""
    shown = repr(path[:MOST_NAME])
    if len(path) > MOST_NAME:
        raise MalformedInput(f"the path {shown}… in the archive is too long")
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        raise MalformedInput(f"the archive holds an absolute path: {shown}")
    if "\\" in path or ":" in path or not path.isprintable():
        raise MalformedInput(f"the archive holds a path with characters that no path here may have: {shown}")
    if any(part in ("", ".", "..") for part in path.removesuffix("/").split("/")):
        raise MalformedInput(f"the archive holds a path that leads elsewhere: {shown}")


def check_distinct(paths: Iterable[str]) -> None:
    """Also by the rules of systems that don't tell `A` from `a`. Raises MalformedInput."""
    seen: set[str] = set()
    for path in paths:
        key = unicodedata.normalize("NFC", path).casefold()
        if key in seen:
            raise MalformedInput(f"the archive holds {path!r} twice")
        seen.add(key)


def is_clutter(path: str) -> bool:
    return _CLUTTER.search(path) is not None
