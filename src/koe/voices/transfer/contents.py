"""What lies in an archive or a folder, as its files' names and bytes: the names checked, nothing of it on disk yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from koe.core.errors import LimitExceeded
from koe.core.zips import MIB
from koe.voices.transfer.limits import MOST_IN_ALL, MOST_PER_FILE, MOST_TEXT

TEXTS = frozenset([".json", ".txt"])
AUDIO = frozenset([".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"])
IMAGES = frozenset([".png", ".jpg", ".jpeg", ".webp", ".gif"])


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

    def most(self, path: str) -> int:
        """Bytes of such a file."""
        return MOST_TEXT if suffix(path) in TEXTS else MOST_PER_FILE

    def take(self, path: str, size: int, more: int) -> None:
        """`more` bytes of a file that now has `size`. Raises LimitExceeded."""
        most = self.most(path)
        if size > most:
            raise LimitExceeded(f"{path!r} is larger than {most // MIB} MiB, the most of such a file")
        self._total += more
        if self._total > MOST_IN_ALL:
            raise LimitExceeded(f"the files are larger than {MOST_IN_ALL // MIB} MiB in all, the most of an import")


def suffix(path: str) -> str:
    """In lower case, with its dot."""
    stem, dot, ending = path.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""
