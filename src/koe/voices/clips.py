"""A voice's references: named, found, and joined to what an engine clones."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koe.audio import reference as audio
from koe.core.errors import MalformedInput
from koe.core.profile import Clip, Reference
from koe.disk import is_regular
from koe.voices.watch import Watched

MAX_BYTES = 64 * 1024 * 1024
"""Of a reference: far more than the longest that is cloned."""

Digest = str


class ClipFiles:
    """Hashes files again only where they changed. Safe to be asked by several threads."""

    def __init__(self) -> None:
        self._digests: Watched[Digest] = Watched(lambda path: _digest(_read(path)))

    def clip(self, paths: Sequence[Path], transcripts: Sequence[str], transcript: str) -> Clip:
        """Of all references as one. Raises MalformedInput that names the file that can't be read."""
        digests = [self._digest(path) for path in paths]
        whole = json.dumps([digests, transcripts, transcript])
        return Clip(_digest(whole.encode()), transcript, _samples(paths, digests))

    def _digest(self, path: Path) -> Digest:
        try:
            return self._digests.get(path)
        except OSError as error:
            raise _unreadable(path, error) from None


def named(
    references: Sequence[Reference], clips: Mapping[Digest, bytes], kept: Mapping[Digest, str]
) -> tuple[Reference, ...]:
    """The same with the names of their files. `clips`: the new ones, `kept`: the names of those that are there, by the
    SHA-256 of their bytes. Raises MalformedInput where one is missing or of no use."""
    for index, each in enumerate(references):
        if each.sha256 not in clips and each.sha256 not in kept:
            raise MalformedInput(f"references[{index}] has no clip: none that was given has its sha256")
    if clips.keys() - {each.sha256 for each in references}:
        raise MalformedInput("a clip was given that no reference has the sha256 of")
    return tuple(
        replace(each, file=file_name(each.sha256) if each.sha256 in clips else kept[each.sha256]) for each in references
    )


def by_digest(clips: Sequence[bytes]) -> dict[Digest, bytes]:
    return {_digest(clip): clip for clip in clips}


def file_name(digest: Digest) -> str:
    return f"{digest[:16]}.wav"


def _samples(paths: Sequence[Path], digests: Sequence[Digest]) -> Callable[[], NDArray[np.float32]]:
    def samples() -> NDArray[np.float32]:
        return audio.joined([audio.from_wav(_unchanged(*each)) for each in zip(paths, digests, strict=True)])

    return samples


def _unchanged(path: Path, digest: Digest) -> bytes:
    """What an engine keeps of these samples, it keeps under the digest: they must belong together."""
    try:
        data = _read(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    if _digest(data) != digest:
        raise MalformedInput(f"the reference {path} was just replaced by another one: ask again")
    return data


def _read(path: Path) -> bytes:
    if not is_regular(path):
        raise MalformedInput(f"the reference {path} is no file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise MalformedInput(f"the reference {path} is larger than {MAX_BYTES // 1024**2} MiB")
    return data


def _digest(data: bytes) -> Digest:
    return hashlib.sha256(data).hexdigest()


def _unreadable(path: Path, error: OSError) -> MalformedInput:
    if isinstance(error, FileNotFoundError):
        words = f"the reference {path} is missing: put it back, or give the voice another one"
        return MalformedInput(words, problem="clip-missing")
    return MalformedInput(f"the reference {path} can't be read: {error.strerror or error}")
