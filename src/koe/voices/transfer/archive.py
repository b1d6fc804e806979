"""A zip of unknown origin, unpacked into memory. Whoever made it may have meant harm."""

import io
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from koe.core import zips
from koe.core.errors import MalformedInput
from koe.core.zips import is_clutter
from koe.voices.transfer.contents import AUDIO, IMAGES, TEXTS, Allowance, Contents, suffix
from koe.voices.transfer.limits import MOST_ARCHIVE, MOST_ENTRIES

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
    with zips.opened(file, most_bytes=MOST_ARCHIVE, most_entries=MOST_ENTRIES) as archive:
        entries = archive.infolist()
        wanted = [entry for entry in entries if not entry.is_dir() and _is_wanted(entry.filename)]
        allowance = Allowance()
        files = {entry.filename: _unpack(archive, entry, allowance) for entry in wanted}
    passed_over = (entry.filename for entry in entries if not entry.is_dir() and entry.filename not in files)
    return Contents(name, files, tuple(path for path in passed_over if not is_clutter(path)))


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
    unpacked = bytearray()
    for chunk in zips.unpacked(archive, entry, allowance.most(entry.filename)):
        unpacked += chunk
        allowance.take(entry.filename, len(unpacked), len(chunk))
    return bytes(unpacked)
