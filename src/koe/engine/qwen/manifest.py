"""models/<name>/koe.json: where a downloaded checkpoint came from, and what its files must be."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

FILE = "koe.json"

_BLOCK = 1024 * 1024


class FileRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int

    sha256: str


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str

    revision: str
    """The commit."""

    files: dict[str, FileRecord]
    """By path in the folder, with forward slashes."""


def read_manifest(folder: Path) -> Manifest | None:
    """None where there is none: a folder that Koe didn't download. ValueError where it is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError:
        raise ValueError(f"{path} is damaged") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    temporary = folder / f".{FILE}.new"
    temporary.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / FILE)


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def known_sha256(folder: Path, name: str) -> str | None:
    """What is on record for a file, without reading it: by koe.json or by the name of the hub cache's blob."""
    file = folder / name
    try:
        manifest = read_manifest(folder)
    except ValueError:
        manifest = None
    if manifest and (record := manifest.files.get(name)):
        return record.sha256 if file.stat().st_size == record.size else None
    blob = file.readlink().name if file.is_symlink() else ""
    return blob if len(blob) == 64 else None


def wrong_files(folder: Path) -> Iterator[str]:
    """What is wrong with a checkpoint's files, in words; reads all of them."""
    manifest = read_manifest(folder)
    names = manifest.files if manifest else _hub_files(folder)
    for name in names:
        file = folder / name
        expected = known_sha256(folder, name) if file.is_file() else None
        if not file.is_file():
            yield f"{name} is missing"
        elif expected is None:
            yield f"{name} has {file.stat().st_size} bytes instead of {manifest.files[name].size if manifest else '?'}"
        elif sha256(file) != expected:
            yield f"{name} is damaged"


def _hub_files(folder: Path) -> list[str]:
    """Large files in the hub's cache, whose blobs are named by their sha256."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_symlink() and len(file.readlink().name) == 64)
    return [file.relative_to(folder).as_posix() for file in files]
