"""The zip that an EPUB is, read as if whoever made it meant harm: entries are opened one at a time, into memory."""

import io
import struct
import zipfile
import zlib
from typing import BinaryIO, Self

from koe.core.errors import LimitExceeded, MalformedInput
from koe.pipelines.plan_source import MIB

MOST_FILE = 512 * MIB
"""Of the book itself, most of which may be pictures that are not read."""

MOST_ENTRIES = 20_000
MOST_ENTRY = 16 * MIB
MOST_IN_ALL = 128 * MIB
"""Bytes unpacked: of one document, and of all that is read."""

MOST_RATIO = 100
_RATIO_MATTERS = MIB
"""Text is packed about 3:1 to 10:1; what is small may be packed as it likes."""

_AT_ONCE = 64 * 1024
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_END = struct.Struct("<4s4H2LH")
_MOST_COMMENT = 0xFFFF
_MOST_DIRECTORY = 8 * MIB

_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError, OSError)


class EpubArchive:
    """Raises MalformedInput and LimitExceeded that say what is wrong."""

    def __init__(self, source: BinaryIO) -> None:
        """`source` can seek."""
        _check_end(source)
        try:
            self._zip = zipfile.ZipFile(source)
        except _ERRORS as error:
            raise MalformedInput(f"the book is damaged: {error}") from error
        self._entries = {entry.filename: entry for entry in self._zip.infolist() if not entry.is_dir()}
        self._left = MOST_IN_ALL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def read(self, path: str) -> bytes:
        """KeyError where it isn't there."""
        entry = self._entries[path]
        if entry.flag_bits & _ENCRYPTED:
            raise MalformedInput("the book is encrypted: use an edition without protection")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MalformedInput(f"{path!r} in the book is packed in a way that no EPUB may be")
        try:
            return self._unpack(entry)
        except _ERRORS as error:
            raise MalformedInput(f"the book is damaged: {path!r}: {error}") from error

    def _unpack(self, entry: zipfile.ZipInfo) -> bytes:
        """Counted while it is unpacked: headers lie."""
        unpacked = bytearray()
        with self._zip.open(entry) as file:
            while chunk := file.read(_AT_ONCE):
                unpacked += chunk
                self._left -= len(chunk)
                _check_size(entry, len(unpacked))
                if self._left < 0:
                    raise LimitExceeded(f"the book has more than {MOST_IN_ALL // MIB} MiB of text")
        return bytes(unpacked)


def _check_size(entry: zipfile.ZipInfo, size: int) -> None:
    if size > MOST_ENTRY:
        raise LimitExceeded(f"{entry.filename!r} in the book is larger than {MOST_ENTRY // MIB} MiB")
    if size > max(_RATIO_MATTERS, MOST_RATIO * entry.compress_size):
        raise LimitExceeded(f"{entry.filename!r} in the book is packed more than {MOST_RATIO}:1, as no text is")


def _check_end(source: BinaryIO) -> None:
    """Whether the record at the end promises a bearable directory, which `zipfile` loads as a whole."""
    size = source.seek(0, io.SEEK_END)
    if size > MOST_FILE:
        raise LimitExceeded(f"the book is larger than {MOST_FILE // MIB} MiB")
    source.seek(max(0, size - _END.size - _MOST_COMMENT))
    tail = source.read()
    source.seek(0)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise MalformedInput("this is no EPUB, or it is cut short")
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    if b"PK\6\7" in tail[max(0, at - 20) : at] or entries > MOST_ENTRIES or directory > _MOST_DIRECTORY:
        raise LimitExceeded(f"the book has more than {MOST_ENTRIES} files in it")
