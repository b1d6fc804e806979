"""A project as it lies on disk, read as far as it can be."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from koe import disk
from koe.core.composition import Composition
from koe.core.errors import MalformedInput, UnknownProject
from koe.storage import meta
from koe.storage.project_files import (
    CLIPS,
    HEAD,
    VERSIONS,
    ClipRecord,
    Head,
    Project,
    Version,
    clip_file,
    record_file,
    version_file,
)

_VERSION = re.compile(r"(\d{6})\.json", re.ASCII)
_RECORD = re.compile(r"([0-9a-f]{16})\.json", re.ASCII)


def read_project(folder: Path) -> Project:
    """Raises UnknownProject where not even its name can be read."""
    try:
        head = meta.read(folder / HEAD, Head)
        if head.id != folder.name:
            raise MalformedInput(f"{HEAD}: it is another project's ({head.id[:100]!r})")
    except MalformedInput as error:
        raise UnknownProject(f"the project {folder.name} can't be used: {error.message} ({folder})") from None
    except OSError as error:
        reason = error.strerror or error
        raise UnknownProject(f"the project {folder.name} can't be used: {HEAD}: {reason} ({folder})") from None
    damage: list[str] = []
    numbers = _numbers(folder)
    version = _newest(folder, numbers, damage) or _empty(numbers, head.created)
    clips = read_clips(folder, damage)
    return Project(folder, head, version, numbers, clips, tuple(damage))


def read_clips(folder: Path, damage: list[str] | None = None) -> dict[str, ClipRecord]:
    """By id, the oldest first. `damage` gets what can't be read."""
    clips = sorted(_clips(folder, damage if damage is not None else []), key=lambda clip: (clip.added, clip.id))
    return {clip.id: clip for clip in clips}


def read_version(folder: Path, number: int) -> Version:
    """Raises UnknownProject."""
    try:
        version = meta.read(version_file(folder, number), Version)
        if version.number != number:
            raise MalformedInput(f"it is of version {version.number}")
    except MalformedInput as error:
        raise UnknownProject(f"the version {number} can't be read: {error.message}") from None
    except OSError as error:
        raise UnknownProject(f"the version {number} can't be read: {error.strerror or error}") from None
    return version


def _numbers(folder: Path) -> tuple[int, ...]:
    return tuple(sorted(int(found[1]) for name in _names(folder / VERSIONS) if (found := _VERSION.fullmatch(name))))


def _newest(folder: Path, numbers: tuple[int, ...], damage: list[str]) -> Version | None:
    for number in reversed(numbers):
        try:
            return read_version(folder, number)
        except UnknownProject as error:
            damage.append(error.message)
    return None


def _empty(numbers: tuple[int, ...], created: datetime) -> Version:
    return Version(number=max(numbers, default=1), saved=created, composition=Composition())


def _clips(folder: Path, damage: list[str]) -> Iterator[ClipRecord]:
    for name in _names(folder / CLIPS):
        if (found := _RECORD.fullmatch(name)) is None:
            continue
        try:
            record = meta.read(record_file(folder, found[1]), ClipRecord)
            if record.id != found[1]:
                raise MalformedInput(f"{name}: it is another clip's")
            if not disk.is_plain_file(clip_file(folder, record.id)):
                raise MalformedInput(f"{record.id}.flac is missing")
        except (MalformedInput, OSError) as error:
            damage.append(f"the clip {found[1]} can't be used: {error}")
        else:
            yield record


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []
