"""A zip of unknown origin, looked at before any of it is believed. Whoever made it may have meant harm."""

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from koe.core.errors import LimitExceeded, MalformedInput

MIB = 1024 * 1024

MOST_NAME = 500
"""Characters of a path in an archive."""

MOST_RATIO = 200
"""Of a file's size to what it takes in the archive, from `RATIO_MATTERS` on: speech reaches 3, silence 1000."""

RATIO_MATTERS = MIB
"""Bytes."""

MOST_DIRECTORY = MIB
"""Bytes of a zip's table of contents: thousands of entries with names have room, a million have none."""

_AT_ONCE = 64 * 1024

_ENDLESS = 2**60
"""Bytes."""

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _END64_SIGNATURE = b"PK\5\6", b"PK\6\7"
_END64_SIZE = 20
_MOST_COMMENT = 0xFFFF

_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags of an entry: encrypted, strongly, its header too."""

_DAMAGED = "the zip is damaged or cut short"

_CLUTTER = re.compile(r"(?:^|/)(?:__MACOSX/|\._[^/]*$|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
"""What macOS and Windows leave in folders and archives by themselves."""


@contextmanager
def opened(file: BinaryIO, *, most_bytes: int, most_entries: int) -> Iterator[zipfile.ZipFile]:
    """Its entries have names that lead nowhere, and are plain files and folders. Raises MalformedInput and
    LimitExceeded that say what is wrong with which entry, also for what turns out damaged while it is unpacked."""
    _check_end(file, most_bytes)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_entries(archive.infolist(), most_entries)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError) as error:
        raise MalformedInput(f"{_DAMAGED}: {error}") from error
    except NotImplementedError as error:
        raise MalformedInput(f"the zip needs what Koe doesn't unpack: {error}") from error


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int) -> Iterator[bytes]:
    """Piece by piece. `most_bytes`: of its unpacked size. Raises LimitExceeded, MalformedInput."""
    promised, size = entry.file_size, 0
    # zipfile would quietly stop at the size that the header promises.
    entry.file_size = _ENDLESS
    with archive.open(entry) as file:
        while chunk := file.read(_AT_ONCE):
            size += len(chunk)
            if size > most_bytes:
                most = most_bytes // MIB
                raise LimitExceeded(f"{entry.filename!r} is larger than {most} MiB, the most of such a file")
            if size > max(RATIO_MATTERS, MOST_RATIO * entry.compress_size):
                raise LimitExceeded(f"{entry.filename!r} is packed more than {MOST_RATIO}:1, as no recording can be")
            yield chunk
    if size != promised:
        raise MalformedInput(f"the header of {entry.filename!r} lies: {promised} bytes, but it has {size}")


def check_count(entries: int, most: int) -> None:
    if entries > most:
        raise LimitExceeded(f"an import takes at most {most} files, here are more")


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


def _check_end(file: BinaryIO, most_bytes: int) -> None:
    """Whether the record at the end promises a bearable table of contents, which `zipfile` loads as a whole."""
    size = file.seek(0, io.SEEK_END)
    if size > most_bytes:
        raise LimitExceeded(f"the archive is larger than {most_bytes // MIB} MiB, the most of an import")
    tail_at = file.seek(max(0, size - _END.size - _MOST_COMMENT - _END64_SIZE))
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        file.seek(0)
        raise MalformedInput(_DAMAGED if file.read(2) == b"PK" else "this is no zip")
    directory = _END.unpack_from(tail, at)[5]
    is_zip64 = tail[max(0, at - _END64_SIZE) : at].startswith(_END64_SIGNATURE)
    if is_zip64 or directory > MOST_DIRECTORY:
        raise LimitExceeded("the zip's table of contents is far larger than an import's could be")
    # zipfile would look for it before the start of the file.
    if directory > tail_at + at:
        raise MalformedInput(_DAMAGED)


def _check_entries(entries: Sequence[zipfile.ZipInfo], most: int) -> None:
    check_count(len(entries), most)
    for entry in entries:
        # zipfile has cut `filename` at a NUL and, on Windows, turned its backslashes.
        check_path(entry.orig_filename)
        _check_kind(entry)
    check_distinct(entry.filename.removesuffix("/") for entry in entries)


def _check_kind(entry: zipfile.ZipInfo) -> None:
    path = entry.filename
    if entry.header_offset < 0:
        raise MalformedInput(f"{_DAMAGED}: {path!r} would begin before it does")
    if entry.flag_bits & _ENCRYPTED:
        raise MalformedInput(f"{path!r} is encrypted: make the archive without a password")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        what = "a symbolic link" if kind == stat.S_IFLNK else "no ordinary file"
        raise MalformedInput(f"{path!r} in the archive is {what}")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedInput(f"{path!r} is compressed in a way that Koe doesn't unpack: use plain zip (deflate)")
