"""What is written about a project, and what is known of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from koe.audio.sound import FileSound, Sound
from koe.core.composition import Composition, CompositionClip
from koe.core.errors import MalformedInput, UnknownProject
from koe.storage.meta import Record

HEAD = "project.json"
VERSIONS, CLIPS = "versions", "clips"

ClipId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _plausible(when: datetime) -> datetime:
    # A zip knows no earlier one.
    if not 1980 <= when.year < 2100:
        raise ValueError(f"{when.year} is no year in which a project was made")
    return when


Time = Annotated[AwareDatetime, AfterValidator(_plausible)]


class Head(Record):
    """`project.json`"""

    kind: Literal["koe-project"] = "koe-project"
    schema_version: Literal[1] = 1
    id: str
    name: Name
    created: Time
    koe: str
    """The version that made it."""


class Version(Record):
    """`versions/000001.json`: never changed once it is there."""

    schema_version: Literal[1] = 1
    number: Annotated[int, Field(ge=1, lt=10**6)]
    saved: Time
    composition: Composition


class ClipRecord(Record):
    """`clips/<id>.json`, beside the sound. It is written last: what has none isn't there."""

    schema_version: Literal[1] = 1
    id: ClipId
    """The beginning of its sha256."""

    name: Name
    """For people."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0, lt=2**53)]
    """Bytes."""

    frames: Annotated[int, Field(ge=1, lt=2**53)]
    """Samples."""

    sample_rate: Annotated[int, Field(ge=1, le=48_000)]
    """Hz."""

    added: Time
    run: Annotated[str, Field(max_length=100)] | None = None
    file: Annotated[str, Field(max_length=200)] | None = None
    """Where it was copied from, if from a run."""

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class Project:
    folder: Path
    head: Head
    version: Version
    """The newest one that can be read; where there is none, an empty one."""

    numbers: tuple[int, ...]
    """Of all versions, the oldest first."""

    clips: Mapping[str, ClipRecord]
    """By id, the oldest first."""

    damage: tuple[str, ...]
    """What can't be read any more, in words."""

    @property
    def id(self) -> str:
        return self.head.id

    def clip(self, clip_id: str) -> ClipRecord:
        """Raises UnknownProject."""
        if clip_id not in self.clips:
            raise UnknownProject(f"the project {self.id} has no clip {clip_id[:100]!r}")
        return self.clips[clip_id]

    def clip_file(self, clip_id: str) -> Path:
        """Raises UnknownProject."""
        return clip_file(self.folder, self.clip(clip_id).id)

    def sound_of(self, clip: CompositionClip) -> Sound:
        """Raises MalformedInput, UnknownProject."""
        if clip.clip is None:
            raise MalformedInput("a project is made of its own clips: add the sound to it, and name its id as `clip`")
        return FileSound(self.clip_file(clip.clip))


@dataclass(frozen=True, slots=True)
class DamagedProject:
    id: str
    reason: str


def clip_file(folder: Path, clip_id: str) -> Path:
    return folder / CLIPS / f"{clip_id}.flac"


def record_file(folder: Path, clip_id: str) -> Path:
    return folder / CLIPS / f"{clip_id}.json"


def version_file(folder: Path, number: int) -> Path:
    return folder / VERSIONS / f"{number:06}.json"
