"""A zip of unknown origin, unpacked into memory. Whoever made it may have meant harm."""

import io
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from koe.core.errors import LimitExceeded, MalformedInput
from koe.voices.transfer.contents import (
    AUDIO,
    IMAGES,
    TEXTS,
    Allowance,
    Contents,
    check_count,
    check_distinct,
    check_path,
    is_clutter,
    suffix,
)
from koe.voices.transfer.limits import (
    MIB,
    MOST_ARCHIVE,
    MOST_DIRECTORY,
    MOST_IN_ALL,
    MOST_RATIO,
    RATIO_MATTERS,
)

_AT_ONCE = 64 * 1024

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _END64_SIGNATURE = b"PK\5\6", b"PK\6\7"
_END64_SIZE = 20
_MOST_COMMENT = 0xFFFF

_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags of an entry: encrypted, strongly, its header too."""

_DAMAGED = "the zip is damaged or cut short"

_AVATAR = re.compile(r"avatar\.[a-z]+", re.IGNORECASE)
"""A picture that voicebox puts beside its files."""


def read_zip(source: Path | bytes | BinaryIO, name: str = "") -> Contents:
    """All files of known kinds, unpacked; checked as a whole before any of it is handed out.

    Raises MalformedInput and LimitExceeded that say what is wrong with which entry.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _read(file, name or source.stem)
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), name)
    return _read(source if source.seekable() else io.BytesIO(source.read(MOST_ARCHIVE + 1)), name)


def _read(file: BinaryIO, name: str) -> Contents:
    _check_end(file)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_entries(entries)
            wanted = [entry for entry in entries if not entry.is_dir() and _is_wanted(entry.filename)]
            allowance = Allowance()
            files = {entry.filename: _unpack(archive, entry, allowance) for entry in wanted}
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError) as error:
        raise MalformedInput(f"{_DAMAGED}: {error}") from error
    except NotImplementedError as error:
        raise MalformedInput(f"the zip needs what Koe doesn't unpack: {error}") from error
    passed_over = (entry.filename for entry in entries if not entry.is_dir() and entry.filename not in files)
    return Contents(name, files, tuple(path for path in passed_over if not is_clutter(path)))


def _check_end(file: BinaryIO) -> None:
    """Whether the record at the end promises a bearable table of contents, which `zipfile` loads as a whole."""
    size = file.seek(0, io.SEEK_END)
    if size > MOST_ARCHIVE:
        raise LimitExceeded(f"the archive is larger than {MOST_ARCHIVE // MIB} MiB, the most of an import")
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


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    check_count(len(entries))
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


def _is_wanted(path: str) -> bool:
    """Raises MalformedInput where a file of that kind has no place in an archive of voices."""
    if path.endswith("/") or (suffix(path) in TEXTS | AUDIO and not is_clutter(path)):
        return True
    if is_clutter(path) or (_AVATAR.fullmatch(path) and suffix(path) in IMAGES):
        return False
    raise MalformedInput(f"{path!r} is no kind of file that belongs to a voice; known are {_known()}")


def _known() -> str:
    return ", ".join(sorted(TEXTS | AUDIO))


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, allowance: Allowance) -> bytes:
    promised = entry.file_size
    # zipfile would quietly stop at the size that the header promises.
    entry.file_size = MOST_IN_ALL + 1
    unpacked = bytearray()
    with archive.open(entry) as file:
        while chunk := file.read(_AT_ONCE):
            unpacked += chunk
            allowance.take(entry.filename, len(unpacked), len(chunk))
            if len(unpacked) > max(RATIO_MATTERS, MOST_RATIO * entry.compress_size):
                raise LimitExceeded(f"{entry.filename!r} is packed more than {MOST_RATIO}:1, as no recording can be")
    if len(unpacked) != promised:
        raise MalformedInput(f"the header of {entry.filename!r} lies: {promised} bytes, but it has {len(unpacked)}")
    return bytes(unpacked)
