"""Steps of writing that a crash or a power cut leaves done or not begun."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from koe.core.errors import KoeError

_CHUNK = 1024 * 1024


def write(path: Path, data: bytes) -> None:
    """Whole, and safe from a power cut once this returns."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def flushed_digest(path: Path) -> tuple[int, str]:
    """How many bytes a file has, and their sha256 in hexadecimal; they are safe from a power cut once this returns."""
    digest, size = hashlib.sha256(), 0
    # Windows flushes only what may be written to.
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


def is_plain_file(path: Path) -> bool:
    """No link, which could lead elsewhere, and no pipe, at which a reader would wait without end."""
    return path.is_file() and not path.is_symlink()


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """A disk that is full or can't be written to, in words: raises KoeError for OSError."""
    try:
        yield
    except OSError as error:
        raise KoeError(f"{error.filename or folder} can't be written: {error.strerror or error}") from error
