"""A run as one zip that leaves while it is made."""

import zipfile
from collections.abc import Iterator
from io import RawIOBase

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
    """All its files, also meta.json and words.json, in a folder of the run's name; blocks, and holds no more than one
    piece in memory.

    Raises UnknownRun where a file is missing, KoeError where one isn't as it was.
    """
    paths = {artifact.name: run.file(artifact.name) for artifact in run.meta.files} | {META: run.folder / META}
    if run.has_words:
        paths[WORDS] = run.folder / WORDS
    outbox = _Outbox()
    # Sound is hardly made smaller by zip, which would take its time over it.
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        sizes = {artifact.name: artifact.size for artifact in run.meta.files}
        for name, path in paths.items():
            entry = zipfile.ZipInfo(f"{run.folder.name}/{name}", run.meta.created.timetuple()[:6])
            copied = 0
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    copied += len(chunk)
                    yield outbox.take()
            if copied != sizes.get(name, copied):
                raise KoeError(f"the file {name} of the run {run.id} has {copied} bytes instead of {sizes[name]}")
    yield outbox.take()
