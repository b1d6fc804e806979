"""Projects: compositions that are worked on, with the sounds that they are made of.

outputs/projects/<project id>/
  project.json            what it is called
  versions/000001.json    the composition as it was saved; the one with the highest number is the newest
  clips/<clip id>.flac    a sound, copied: the run that it came from may go
  clips/<clip id>.json    what is known of it
"""

import contextlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from koe import __version__, disk
from koe.audio.arrange import Misplaced, arrange
from koe.audio.transcode import transcode
from koe.core.composition import MOST_SECONDS, Composition, CompositionClip
from koe.core.errors import ChangedMeanwhile, KoeError, LimitExceeded, UnknownProject, UnknownRun
from koe.storage import owners
from koe.storage.ids import is_id, new_id
from koe.storage.meta import Record
from koe.storage.project_files import (
    CLIPS,
    HEAD,
    VERSIONS,
    ClipRecord,
    DamagedProject,
    Head,
    Project,
    Version,
    clip_file,
    record_file,
    version_file,
)
from koe.storage.project_reading import read_clips, read_project, read_version

MOST_PROJECTS = 1000
MOST_CLIPS = 500
"""In one project."""

MOST_VERSIONS = 500
"""That are kept; beyond it the oldest go."""

_ID_LENGTH = 16

RunFile = Callable[[str, str], Path]
"""(run id, name of its file) -> where it lies. Raises UnknownRun."""

Stopped = Callable[[], bool]
"""Whether nobody waits for it any more."""


def no_runs(run_id: str, name: str) -> Path:
    raise UnknownRun("no runs are kept here")


def never() -> bool:
    return False


class Projects:
    """To be used from any thread, and by several processes at once. All of it waits for the disk, and raises KoeError
    where that fails, Busy where somebody else keeps it for long."""

    def __init__(self, folder: Path, run_file: RunFile = no_runs) -> None:
        """Creates nothing."""
        self.folder = folder
        self._run_file = run_file
        self._owner = owners.Owner(folder)

    def all(self) -> list[Project | DamagedProject]:
        """The newest first."""
        return [self._looked_at(project_id) for project_id in sorted(self._ids(), reverse=True)]

    def get(self, project_id: str) -> Project:
        """Raises UnknownProject, also where not even its name can be read."""
        return read_project(self._folder(project_id))

    def create(self, name: str, composition: Composition, stopped: Stopped = never) -> Project:
        """What it names of runs is copied. Raises Misplaced, LimitExceeded."""
        with self.draft() as folder:
            return self.install(folder, name, [(datetime.now(UTC), self._own(folder, composition, stopped))])

    def save(
        self,
        project_id: str,
        *,
        name: str | None = None,
        composition: Composition | None = None,
        based_on: int | None = None,
        stopped: Stopped = never,
    ) -> Project:
        """None: as it is. Another composition becomes a new version; what it names of runs is copied. `based_on`: the
        version that was changed. Raises UnknownProject, Misplaced, LimitExceeded; ChangedMeanwhile where there is a
        newer one."""
        folder = self._folder(project_id)
        composition = self._own(folder, composition, stopped) if composition is not None else None
        with disk.told(folder), owners.exclusive(self.folder):
            project = self.get(project_id)
            newest = max(project.numbers, default=0)
            if based_on not in (None, newest):
                raise ChangedMeanwhile(f"version {newest} was saved meanwhile, and this is based on version {based_on}")
            current = project.version
            if composition is not None and (composition != current.composition or newest != current.number):
                _check(project, composition)
                version = Version(number=newest + 1, saved=datetime.now(UTC), composition=composition)
                _write(version_file(folder, version.number), version)
                for number in project.numbers[: 1 - MOST_VERSIONS]:
                    version_file(folder, number).unlink(missing_ok=True)
            if name is not None:
                _write(folder / HEAD, project.head.model_copy(update={"name": name}))
            return self.get(project_id)

    def version(self, project_id: str, number: int) -> Version:
        """Raises UnknownProject."""
        project = self.get(project_id)
        if number not in project.numbers:
            has = f"{project.numbers[0]} to {project.numbers[-1]}" if project.numbers else "none"
            raise UnknownProject(f"the project {project.id} has no version {number}; it has {has}")
        return read_version(project.folder, number)

    def restore(self, project_id: str, number: int) -> Project:
        """An earlier version becomes the newest. Raises UnknownProject, Misplaced where a clip of it is gone."""
        return self.save(project_id, composition=self.version(project_id, number).composition)

    def remove(self, project_id: str) -> None:
        """At once it is no longer there; what it held goes after that. Raises UnknownProject."""
        folder = self._folder(project_id)
        leaving = self.folder / f"{owners.GONE}{project_id}_{secrets.token_hex(4)}"
        with disk.told(folder):
            try:
                folder.rename(leaving)
            except FileNotFoundError:
                raise _unknown(project_id) from None
            disk.sync(self.folder)
        shutil.rmtree(leaving, ignore_errors=True)

    def add_clip(self, project_id: str, source: Path, name: str, stopped: Stopped = never) -> ClipRecord:
        """A copy of a file of any origin; one that is there already stays as it is. Raises UnknownProject,
        MalformedInput, UnsupportedAbility, LimitExceeded."""
        return self.take_in(self._folder(project_id), source, name, stopped=stopped)

    def copy_run(
        self, project_id: str, run_id: str, file: str, name: str | None = None, stopped: Stopped = never
    ) -> ClipRecord:
        """A copy of a file of a run. Raises UnknownProject, UnknownRun, MalformedInput, LimitExceeded."""
        folder, source = self._folder(project_id), self._run_file(run_id, file)
        return self.take_in(folder, source, name or file, (run_id, file), stopped)

    def remove_clip(self, project_id: str, clip_id: str) -> None:
        """Raises UnknownProject, ChangedMeanwhile where a version is made of it."""
        with disk.told(self.folder), owners.exclusive(self.folder):
            project = self.get(project_id)
            record = project.clip(clip_id)
            for number in reversed(project.numbers):
                if self._uses(project, number, clip_id):
                    raise ChangedMeanwhile(f"the clip {clip_id} is heard in version {number}, which is kept")
            record_file(project.folder, record.id).unlink(missing_ok=True)
            clip_file(project.folder, record.id).unlink(missing_ok=True)

    def tidy(self) -> int:
        """Remove what crashes left; how many folders."""
        with disk.told(self.folder):
            return owners.tidy(self.folder)

    def close(self) -> None:
        """Nothing is being written any more."""
        with contextlib.suppress(OSError):
            self._owner.release()

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder that nobody sees, gone at the end unless it was installed; or for whatever has to lie somewhere for
        a while."""
        with disk.told(self.folder):
            folder = self._owner.draft(secrets.token_hex(8))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def install(self, folder: Path, name: str, versions: list[tuple[datetime, Composition]]) -> Project:
        """A draft, with its clips in it, becomes a project. `versions`: when each was saved, and what it is; the oldest
        first. Raises Misplaced, LimitExceeded."""
        now = datetime.now(UTC)
        head = Head(id=new_id(now), name=name, created=now, koe=__version__)
        with disk.told(self.folder):
            for part in (VERSIONS, CLIPS):
                (folder / part).mkdir(exist_ok=True)
            numbered = enumerate(versions, start=1)
            listed = [Version(number=number, saved=when, composition=each) for number, (when, each) in numbered]
            _check(Project(folder, head, listed[-1], (), read_clips(folder), ()), listed[-1].composition)
            for version in listed:
                _write(version_file(folder, version.number), version)
            _write(folder / HEAD, head)
            with owners.exclusive(self.folder):
                if len(self._ids()) >= MOST_PROJECTS:
                    raise LimitExceeded(f"there are {MOST_PROJECTS} projects, and no more are kept: remove some")
                folder.rename(self.folder / head.id)
                disk.sync(self.folder)
        return self.get(head.id)

    def take_in(
        self, folder: Path, source: Path, name: str, run: tuple[str, str] | None = None, stopped: Stopped = never
    ) -> ClipRecord:
        """Into a project's folder or a draft; `run`: the one that it is of, and the name of the file there."""
        with self.draft() as bench, disk.told(self.folder):
            made = bench / "clip.flac"
            sound = transcode(source, made, most_seconds=MOST_SECONDS, stopped=stopped)
            size, digest = disk.flushed_digest(made)
            origin_run, origin_file = run or (None, None)
            record = ClipRecord(
                id=digest[:_ID_LENGTH],
                name=name,
                sha256=digest,
                size=size,
                frames=sound.frames,
                sample_rate=sound.sample_rate,
                added=datetime.now(UTC),
                run=origin_run,
                file=origin_file,
            )
            with owners.exclusive(self.folder):
                return _put(folder, made, record)

    def _own(self, folder: Path, composition: Composition, stopped: Stopped) -> Composition:
        """The same with the project's clips in place of runs. Raises Misplaced."""
        known = _copied(folder)

        def own(place: str, clip: CompositionClip) -> CompositionClip:
            if clip.run is None or clip.file is None:
                return clip
            run = clip.run, clip.file
            try:
                if run not in known:
                    known[run] = self.take_in(folder, self._run_file(*run), clip.file, run, stopped).id
            except KoeError as error:
                raise Misplaced(place, error) from error
            return clip.model_copy(update={"run": None, "file": None, "clip": known[run]})

        return composition.with_clips(own)

    def _uses(self, project: Project, number: int, clip_id: str) -> bool:
        try:
            composition = read_version(project.folder, number).composition
        except UnknownProject:
            return False
        return any(clip.clip == clip_id for _, clip in composition.placed())

    def _looked_at(self, project_id: str) -> Project | DamagedProject:
        try:
            return read_project(self.folder / project_id)
        except UnknownProject as error:
            return DamagedProject(project_id, error.message)

    def _ids(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if is_id(path.name) and not path.is_symlink()]
        except FileNotFoundError:
            return []

    def _folder(self, project_id: str) -> Path:
        """Looked for among those that there are: no path is made of what a client sent."""
        name = next((each for each in self._ids() if each == project_id), None)
        if name is None:
            raise _unknown(project_id)
        return self.folder / name


def _check(project: Project, composition: Composition) -> None:
    """Raises Misplaced, LimitExceeded."""
    arrange(composition, project.sound_of)


def _put(folder: Path, made: Path, record: ClipRecord) -> ClipRecord:
    """Raises UnknownProject, LimitExceeded."""
    if not folder.is_dir():
        raise _unknown(folder.name)
    (folder / CLIPS).mkdir(exist_ok=True)
    clips = read_clips(folder)
    if record.id in clips:
        return clips[record.id]
    if len(clips) >= MOST_CLIPS:
        raise LimitExceeded(f"the project has {MOST_CLIPS} clips, and no more: remove some that no version is made of")
    made.replace(clip_file(folder, record.id))
    _write(record_file(folder, record.id), record)
    return record


def _copied(folder: Path) -> dict[tuple[str, str], str]:
    """The clips that were copied from runs, by run and file."""
    clips = read_clips(folder).values()
    return {(clip.run, clip.file): clip.id for clip in clips if clip.run is not None and clip.file is not None}


def _write(path: Path, record: Record) -> None:
    disk.write(path, record.model_dump_json(indent=2).encode())


def _unknown(project_id: str) -> UnknownProject:
    return UnknownProject(f"there is no project {project_id[:100]!r}")
