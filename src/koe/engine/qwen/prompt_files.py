"""Prompts of clips on disk: `<data folder>/voices/prompts/<key>.safetensors`.

The key says which clip was heard by which checkpoint, with which weights: whatever changes, another file is looked for.
Loads no torch, so that any command can tell which voices are ready.
"""

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from koe.core.errors import EngineUnavailable
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.weights import read_header, weight_files

_FORMAT = "koe clone prompt 1"
"""To be raised when what is in a file changes: older files are then as good as none."""

_OURS = re.compile(r"[0-9a-f]{64}\.safetensors")
_UNFINISHED = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]+\.new")
_ABANDONED = 3600.0
"""Seconds after which nobody is still writing a file."""


def folder(data_dir: Path) -> Path:
    return data_dir / "voices" / "prompts"


def fingerprint(checkpoint: Checkpoint) -> str:
    """Another for other weights, or for the same ones copied here again; reads none of them.

    Raises EngineUnavailable where one is missing.
    """
    try:
        files = [*weight_files(checkpoint.folder), *weight_files(checkpoint.codec_folder)]
        parts = [_identity(checkpoint.folder, file) for file in files]
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"{error}; {checkpoint.remedy}") from error
    return json.dumps([checkpoint.name, *parts])


def key(digest: str, fingerprint: str) -> str:
    """Of a clip's prompt for a checkpoint: the name of its file."""
    return hashlib.sha256(json.dumps([_FORMAT, digest, fingerprint]).encode()).hexdigest()


def path(folder: Path, key: str) -> Path:
    return folder / f"{key}.safetensors"


def metadata(digest: str, checkpoint: str) -> dict[str, str]:
    """What a prompt's file says of itself."""
    return {"format": _FORMAT, "clip": digest, "checkpoint": checkpoint}


def is_cached(data_dir: Path, digest: str, checkpoint: Checkpoint) -> bool:
    """Whether this checkpoint would speak as the clip of this digest without hearing it first."""
    try:
        file = path(folder(data_dir), key(digest, fingerprint(checkpoint)))
    except EngineUnavailable:
        return False
    return _said_by(file).get("clip") == digest


def sweep(data_dir: Path, keep: Collection[str]) -> int:
    """Remove the prompts of clips whose digest isn't among these, and what an interrupted write left behind; how many.

    A file that isn't Koe's stays.
    """
    removed = 0
    for file in list(_superfluous(folder(data_dir), keep)):
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
            removed += 1
    return removed


def _superfluous(folder: Path, keep: Collection[str]) -> Iterator[Path]:
    for file in folder.glob("*"):
        if _OURS.fullmatch(file.name):
            # One that can't be read would be made anew anyway.
            if _said_by(file).get("clip") not in keep:
                yield file
        elif _UNFINISHED.fullmatch(file.name) and time.time() - file.stat().st_mtime > _ABANDONED:
            yield file


def _said_by(file: Path) -> Mapping[str, str]:
    """The metadata of a prompt's file; empty where it is none, or damaged."""
    try:
        header, _ = read_header(file)
    except (OSError, ValueError):
        return {}
    said: Any = header.get("__metadata__")
    if not isinstance(said, dict) or said.get("format") != _FORMAT or not isinstance(said.get("clip"), str):
        return {}
    return said


def _identity(root: Path, file: Path) -> list[str | int]:
    status = file.stat()
    return [file.relative_to(root).as_posix(), status.st_size, status.st_mtime_ns]
