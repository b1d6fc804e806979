"""Files that are, after a crash at whatever moment, the old ones or the new ones."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Whole, with the old one's permissions, and safe from a power cut once this returns. Raises OSError; then the old
    file is still whole."""
    temporary = path.with_name(f"{temporary_prefix(path)}{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def temporary_prefix(path: Path) -> str:
    """With which the names of its temporary files begin."""
    return f".{path.name}.new-"


def _sync(folder: Path) -> None:
    # Windows opens no folders, some network file systems sync none.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
