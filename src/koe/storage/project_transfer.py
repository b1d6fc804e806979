"""Projects from house to house: one zip with all versions and clips, which may come from anybody.

<folder>/project.json  versions/000001.json ...  clips/<id>.json  clips/<id>.flac ...
"""

import contextlib
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import ValidationError

from koe import disk
from koe.core import zips
from koe.core.composition import Composition, CompositionClip
from koe.core.errors import KoeError, LimitExceeded, MalformedInput, UnknownProject
from koe.storage.archive import Packed, pieces_of
from koe.storage.meta import Record
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
from koe.storage.project_reading import read_version
from koe.storage.projects import MOST_CLIPS, MOST_VERSIONS, Projects, Stopped, never

MOST_ARCHIVE = 4096 * zips.MIB
"""Bytes of a zip; settings allow less for one that comes over HTTP."""

MOST_IN_ALL = 8192 * zips.MIB
"""Bytes of all sounds, unpacked."""

MOST_TEXT = zips.MIB
"""Bytes of a file of JSON."""

MOST_ENTRIES = MOST_VERSIONS + 2 * MOST_CLIPS + 100

_VERSION = re.compile(rf"{VERSIONS}/\d{{6}}\.json", re.ASCII)
_RECORD = re.compile(rf"{CLIPS}/([0-9a-f]{{16}})\.json", re.ASCII)

_Kind = TypeVar("_Kind", bound=Record)


def export_project(project: Project) -> Iterator[bytes]:
    """The zip, piece by piece; blocks. Versions and clips that can't be read any more are left out. Raises OSError,
    KoeError where a clip isn't as it was."""
    folder = project.folder
    files = [HEAD, *(f"{VERSIONS}/{version_file(folder, number).name}" for number in _readable(project))]
    files += [f"{CLIPS}/{record_file(folder, clip_id).name}" for clip_id in project.clips]
    packed = [Packed(name, folder / name) for name in files]
    packed += [
        Packed(f"{CLIPS}/{clip_file(folder, clip.id).name}", clip_file(folder, clip.id), clip.size)
        for clip in project.clips.values()
    ]
    return pieces_of(f"koe-project-{project.id}", packed, project.version.saved)


def import_project(projects: Projects, source: BinaryIO, stopped: Stopped = never) -> Project:
    """A new project of what a zip holds; checked as a whole before any of it is there. `source` is seekable.

    Its sounds are read as those of strangers are, and written anew. Raises MalformedInput, LimitExceeded,
    UnsupportedAbility that say what is wrong with which file.
    """
    with (
        zips.opened(source, most_bytes=MOST_ARCHIVE, most_entries=MOST_ENTRIES) as archive,
        projects.draft() as folder,
        projects.draft() as bench,
    ):
        parcel = _Parcel(archive)
        head = parcel.read(HEAD, Head)
        versions = [parcel.read(path, Version) for path in sorted(filter(_VERSION.fullmatch, parcel.paths))]
        if not 1 <= len(versions) <= MOST_VERSIONS:
            raise MalformedInput(f"the zip holds {len(versions)} versions of a project: 1 to {MOST_VERSIONS} work")
        ids: dict[str, str] = {}
        for path in sorted(parcel.paths):
            if found := _RECORD.fullmatch(path):
                record = parcel.read(path, ClipRecord)
                unpacked = bench / "clip"
                parcel.unpack(f"{CLIPS}/{found[1]}.flac", unpacked)
                try:
                    ids[found[1]] = projects.take_in(folder, unpacked, record.name, stopped=stopped).id
                except KoeError as error:
                    raise MalformedInput(f"{CLIPS}/{found[1]}.flac: {error.message}") from error
        return projects.install(folder, head.name, [_translated(version, ids) for version in versions])


def _readable(project: Project) -> Iterator[int]:
    for number in project.numbers:
        with contextlib.suppress(UnknownProject):
            yield read_version(project.folder, number).number


def _translated(version: Version, ids: dict[str, str]) -> tuple[datetime, Composition]:
    def here(place: str, clip: CompositionClip) -> CompositionClip:
        return clip.model_copy(update={"clip": ids.get(clip.clip or "", clip.clip)})

    return version.saved, version.composition.with_clips(here)


class _Parcel:
    """What lies beside its `project.json`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Raises MalformedInput."""
        self._archive = archive
        entries = [each for each in archive.infolist() if not each.is_dir() and not zips.is_clutter(each.filename)]
        heads = [each.filename for each in entries if each.filename.rpartition("/")[2] == HEAD]
        if len(heads) != 1:
            raise MalformedInput(f"the zip is no project of Koe's: it holds {len(heads) or 'no'} {HEAD}")
        self._folder = heads[0].removesuffix(HEAD)
        self._entries = {each.filename.removeprefix(self._folder): each for each in entries}
        self._left = MOST_IN_ALL
        if strange := next((path for path in self._entries if not _belongs(path)), None):
            raise MalformedInput(f"{strange!r} is no file of a project")

    @property
    def paths(self) -> list[str]:
        return list(self._entries)

    def read(self, path: str, record: type[_Kind]) -> _Kind:
        """Raises MalformedInput, LimitExceeded."""
        data = b"".join(zips.unpacked(self._archive, self._entries[path], MOST_TEXT))
        try:
            return record.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))[:300]
            raise MalformedInput(f"{path}: {place}{': ' if place else ''}{first['msg']}") from None

    def unpack(self, path: str, target: Path) -> None:
        """Raises MalformedInput, LimitExceeded, KoeError where the disk fails."""
        entry = self._entries.get(path)
        if entry is None:
            raise MalformedInput(f"{path} is missing in the zip")
        with disk.told(target.parent), target.open("wb") as file:
            for piece in zips.unpacked(self._archive, entry, MOST_IN_ALL):
                self._left -= len(piece)
                if self._left < 0:
                    raise LimitExceeded(f"the sounds are larger than {MOST_IN_ALL // zips.MIB} MiB in all")
                file.write(piece)


def _belongs(path: str) -> bool:
    sound = path.removesuffix(".flac") + ".json"
    return path == HEAD or bool(_VERSION.fullmatch(path) or _RECORD.fullmatch(path) or _RECORD.fullmatch(sound))
