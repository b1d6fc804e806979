"""Changes of files that a crash or a power cut, at whatever moment, leaves done or not begun."""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from koe.core.errors import DiskFailed, RequestError

TEMPORARY_SECONDS = 300.0
"""Age from which a temporary file is what a crash left."""

_TEMPORARY = re.compile(r"\..*\.tmp")
_CHUNK = 1024 * 1024
_BINARY = getattr(os, "O_BINARY", 0)
"""Windows would change the ends of lines."""

_TRIES, _PAUSE = 20, 0.05
"""And seconds between them: Windows doesn't replace or remove a file while somebody reads it."""


def write(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Whole, with these permissions or the old file's, and safe from a power cut once this returns; a link of that name
    is replaced, not followed. Raises OSError; then the old file is still whole."""
    temporary = path.with_name(f"{_beginning(path)}{secrets.token_hex(4)}.tmp")
    try:
        # Nobody gets to read it before it has its permissions.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is None and path.exists():
            shutil.copymode(path, temporary)
        _patiently(lambda: temporary.replace(path))
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def abandoned(path: Path) -> list[Path]:
    """What crashes left of writing this file, where nobody else is writing it now."""
    beginning = _beginning(path)
    return [
        each for each in path.parent.iterdir() if each.name.startswith(beginning) and _TEMPORARY.fullmatch(each.name)
    ]


def is_abandoned(path: Path) -> bool:
    """Whether it is the temporary file of somebody who is no longer there."""
    return bool(_TEMPORARY.fullmatch(path.name)) and time.time() - path.lstat().st_mtime > TEMPORARY_SECONDS


def flush(path: Path) -> None:
    """Make what a file holds safe from a power cut."""
    # Windows flushes only what may be written to.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def flushed_digest(path: Path) -> tuple[int, str]:
    """How many bytes a file has, and their sha256 in hexadecimal; they are safe from a power cut once this returns."""
    digest, size = hashlib.sha256(), 0
    with path.open("r+b") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def sync(folder: Path) -> None:
    """Make the names in a folder safe from a power cut, where the system can."""
    # Windows opens no folders, some network file systems sync none.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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


def is_regular(path: Path) -> bool:
    """Whether it is, or leads to, a file: who opened a pipe would wait without end. Raises OSError."""
    return stat.S_ISREG(path.stat().st_mode)


def is_plain_file(path: Path) -> bool:
    """No link, which could lead elsewhere, and no pipe."""
    return path.is_file() and not path.is_symlink()


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """A disk that is full or can't be written to, in words: raises DiskFailed for OSError."""
    try:
        yield
    except OSError as error:
        raise DiskFailed(f"{error.filename or folder} can't be written: {error.strerror or error}") from error


def _beginning(path: Path) -> str:
    """Of the names of its temporary files."""
    return f".{path.name}."


def _patiently(action: Callable[[], object]) -> None:
    for left in reversed(range(_TRIES)):
        try:
            action()
            return
        except PermissionError:
            if sys.platform != "win32" or not left:
                raise
            time.sleep(_PAUSE)
