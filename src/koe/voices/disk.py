"""Changes of files that a crash, at whatever moment, leaves done or not begun."""

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

from koe.core.errors import RequestError

TEMPORARY_SECONDS = 300.0
"""Age from which a temporary file is what a crash left."""

_TEMPORARY = re.compile(r"\..*\.tmp")

_TRIES, _PAUSE = 20, 0.05
"""And seconds between them: Windows doesn't replace or remove a file while somebody reads it."""


def is_regular(path: Path) -> bool:
    """Whether it is, or leads to, a file: who opened a pipe would wait without end. Raises OSError."""
    return stat.S_ISREG(path.stat().st_mode)


def write(path: Path, data: bytes) -> None:
    """Whole, and safe from a power cut once this returns; a link of that name is replaced, not followed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _patiently(lambda: temporary.replace(path))
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def remove(path: Path) -> None:
    """A file or a link itself."""
    _patiently(lambda: path.unlink(missing_ok=True))
    sync(path.parent)


def remove_folder(path: Path) -> None:
    """With all in it; of a link only the link."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path)
    sync(path.parent)


def remove_empty(path: Path) -> bool:
    """Whether the folder had nothing in it and is gone."""
    if any(path.iterdir()):
        return False
    path.rmdir()
    sync(path.parent)
    return True


def own_folder(path: Path) -> Path:
    """Made where it is missing. Raises RequestError for a link: Koe writes only where it was told to."""
    if path.is_symlink():
        raise RequestError(f"{path} is a link to elsewhere: Koe writes only into folders of its own")
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        sync(path.parent)
    return path


def sync(folder: Path) -> None:
    """Make the names in a folder safe from a power cut, where the system can."""
    # Windows opens no folders, some network file systems sync none.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_abandoned(path: Path) -> bool:
    """Whether it is the temporary file of somebody who is no longer there."""
    return bool(_TEMPORARY.fullmatch(path.name)) and time.time() - path.lstat().st_mtime > TEMPORARY_SECONDS


def _patiently(action: Callable[[], object]) -> None:
    for left in reversed(range(_TRIES)):
        try:
            action()
            return
        except PermissionError:
            if sys.platform != "win32" or not left:
                raise
            time.sleep(_PAUSE)
