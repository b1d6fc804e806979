"""models/<name>/koe.json: where a downloaded checkpoint came from, and what its files must be."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from koe import disk

FILE = "koe.json"

_BLOCK = 1024 * 1024
_SHA256, _SHA1 = 64, 40
"""Digits."""

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMPUTED_WITH = {".json", ".txt", ".safetensors"}


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
    disk.write(folder / FILE, (manifest.model_dump_json(indent=2) + "\n").encode())


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def git_sha1(file: Path) -> str:
    """As git names the content."""
    digest = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
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
    blob = _blob(file)
    return blob if len(blob) == _SHA256 else None


def wrong_files(folder: Path) -> Iterator[str]:
    """What is wrong with a checkpoint's files, in words; reads all of them."""
    manifest = read_manifest(folder)
    names = manifest.files if manifest else _hub_files(folder)
    for name in names:
        file = folder / name
        record = manifest.files[name] if manifest else None
        if not file.is_file():
            yield f"{name} is missing"
        elif record and file.stat().st_size != record.size:
            yield f"{name} has {file.stat().st_size} bytes instead of {record.size}"
        elif not (sha256(file) == record.sha256 if record else _is_its_blob(file)):
            yield f"{name} is damaged"


def unrecorded_files(folder: Path) -> list[str]:
    """Those of which nobody has noted what they must be; a checkpoint that Koe didn't download may have nothing else.

    Raises ValueError where the manifest is damaged.
    """
    manifest = read_manifest(folder)
    known = {FILE, *(manifest.files if manifest else _hub_files(folder))}
    files = (file for file in sorted(folder.rglob("*")) if file.suffix in _COMPUTED_WITH and file.is_file())
    return [name for name in (file.relative_to(folder).as_posix() for file in files) if name not in known]


def _hub_files(folder: Path) -> list[str]:
    """Files in the hub's cache, whose blobs are named by what they must be."""
    files = (file for file in sorted(folder.rglob("*")) if len(_blob(file)) in (_SHA256, _SHA1))
    return [file.relative_to(folder).as_posix() for file in files]


def _is_its_blob(file: Path) -> bool:
    blob = _blob(file)
    return blob == (sha256(file) if len(blob) == _SHA256 else git_sha1(file))


def _blob(file: Path) -> str:
    """The name of the content in the hub's cache: the sha256 of a large file, git's sha1 of a small one."""
    name = file.readlink().name if file.is_symlink() else ""
    return name if _HASH.fullmatch(name) else ""
