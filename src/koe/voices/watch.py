"""What files hold, read again only where they changed."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

_SETTLED = 2_000_000_000
"""Nanoseconds after which another change is certain to have another time: FAT counts in steps of two seconds."""

_MOST = 10_000
"""Files that are remembered: those that were removed are among them."""


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    stamp: tuple[int, ...]
    settled: bool
    value: T


class Watched(Generic[T]):
    """Safe to be asked by several threads."""

    def __init__(self, read: Callable[[Path], T], now: Callable[[], int] = time.time_ns) -> None:
        self._read, self._now = read, now
        self._known: dict[Path, _Known[T]] = {}

    def get(self, path: Path) -> T:
        """Raises what `stat` and `read` raise; that is not remembered."""
        status = path.stat()
        stamp = _stamp(status)
        known = self._known.get(path)
        if known is not None and known.settled and known.stamp == stamp:
            return known.value
        # Taken before the file is read: where it changes meanwhile, the next look sees another one.
        settled = not 0 <= self._now() - max(status.st_mtime_ns, status.st_ctime_ns) < _SETTLED
        value = self._read(path)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[path] = _Known(stamp, settled, value)
        return value


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    """The change time too: whoever sets a file's time back to hide an edit doesn't set that one."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev
