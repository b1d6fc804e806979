"""A run, or other files, as one zip that leaves while it is made."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase
from pathlib import Path

from koe.core.errors import KoeError
from koe.storage.meta import META, WORDS
from koe.storage.run import Run

_CHUNK = 256 * 1024


class _Outbox(RawIOBase):
    """What has been written and not been taken; a zip that is written into it can't go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def zip_pieces(run: Run) -> Iterator[bytes]:
    """All its files, also meta.json and words.json, in a folder of the run's name. As `pieces_of`; raises UnknownRun
    where a file is missing."""
    files = [Packed(artifact.name, run.file(artifact.name), artifact.size) for artifact in run.meta.files]
    files += [Packed(name, run.folder / name) for name in (META, *([WORDS] if run.has_words else []))]
    return pieces_of(run.folder.name, files, run.meta.created)


@dataclass(frozen=True, slots=True)
class Packed:
    """A file on its way into a zip."""

    name: str
    path: Path
    size: int | None = None
    """Bytes that it must have; None: as many as it has."""


def pieces_of(folder: str, files: Iterable[Packed], when: datetime) -> Iterator[bytes]:
    """In a folder of that name; blocks, and holds no more than one piece in memory. `when`: the time that all of them
    get. Raises OSError, KoeError where one isn't as it was."""
    outbox = _Outbox()
    # Sound is hardly made smaller by zip, which would take its time over it.
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{folder}/{file.name}", when.timetuple()[:6])
            copied = 0
            with file.path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    copied += len(chunk)
                    yield outbox.take()
            if file.size not in (None, copied):
                raise KoeError(f"the file {file.path} has {copied} bytes instead of {file.size}")
    yield outbox.take()
