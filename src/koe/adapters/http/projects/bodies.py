"""What requests about projects may hold, and what is answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from koe.adapters.http.endpoints import FormFile
from koe.adapters.http.speech_body import WireFormat
from koe.audio.arrange import Span
from koe.core.composition import Composition, Seconds
from koe.storage.project_files import ClipRecord, Name, Project, Version

_ID = "01kgbf3k2ej5w0zq8m6h4x9c7d"
_CLIP = "9f2c4be01d7a6358"

_VersionNumber = Annotated[int, Strict(), Field(ge=1, lt=10**6)]
_Name = Annotated[Name, Field(pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Radio play"])]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ProjectBody(_Given):
    name: _Name
    composition: Composition = Composition()
    """What it names of runs is copied into the project."""


class ProjectChange(_Given):
    """What is absent stays."""

    name: _Name | None = None
    composition: Composition | None = None
    """Becomes a new version; what it names of runs is copied into the project."""

    version: _VersionNumber | None = None
    """The one that was changed: 409 where there is a newer one by now."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.name is None and self.composition is None:
            raise ValueError("say what to change: `name`, `composition` or both")
        return self


class RunClip(_Given):
    """A file of a run, to be copied."""

    run: Annotated[str, Field(max_length=100, examples=[_ID])]
    file: Annotated[str, Field(max_length=200, examples=["audio.wav"])]
    name: _Name | None = None
    """null: that of the file."""


class ClipsForm(BaseModel):
    file: Annotated[list[FormFile], Field(min_length=1, max_length=64)]


class WaveformQuery(_Given):
    points: Annotated[int, Field(ge=1, le=4000)] = 400
    start: Annotated[float, Field(ge=0, le=10**6)] = 0.0
    end: Annotated[float, Field(ge=0, le=10**6)] | None = None
    """Seconds, of the part that is wanted."""


class RenderBody(_Given):
    composition: Composition | None = None
    """One that isn't saved; null: that of `version`."""

    version: _VersionNumber | None = None
    """null: the newest."""

    start: Seconds = 0.0
    end: Seconds | None = None
    """Seconds, of the part that is wanted; it is as loud as in the whole."""

    draft: Annotated[bool, Strict()] = False
    """Whether it is heard at once: only that part is measured, which may then be louder than in the whole."""

    response_format: WireFormat = "mp3"

    keep: Annotated[bool, Strict()] = False
    """Whether it becomes a run as well: the header X-Koe-Run has its id."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.composition is not None and self.version is not None:
            raise ValueError("either `composition` or `version`")
        return self


class ImportForm(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    file: FormFile
    """The zip."""


class ClipAnswer(_Told):
    id: Annotated[str, Field(examples=[_CLIP])]
    name: Annotated[str, Field(examples=["rain"])]
    seconds: float
    sample_rate: int
    """Hz."""

    bytes: int
    added: datetime
    run: str | None
    file: str | None
    """Where it was copied from, if from a run."""

    @classmethod
    def of(cls, clip: ClipRecord) -> Self:
        return cls(
            id=clip.id,
            name=clip.name,
            seconds=round(clip.seconds, 6),
            sample_rate=clip.sample_rate,
            bytes=clip.size,
            added=clip.added,
            run=clip.run,
            file=clip.file,
        )


class ClipList(_Told):
    clips: list[ClipAnswer]


class ProjectEntry(_Told):
    id: Annotated[str, Field(examples=[_ID])]
    name: str
    created: datetime
    saved: datetime
    """When its newest version was."""

    version: int
    """The number of its newest version, which PATCH takes as `version`."""

    clips: int
    bytes: int
    """Of all its clips."""

    @classmethod
    def of(cls, project: Project) -> Self:
        return cls(
            id=project.id,
            name=project.head.name,
            created=project.head.created,
            saved=project.version.saved,
            version=max(project.numbers, default=0),
            clips=len(project.clips),
            bytes=sum(clip.size for clip in project.clips.values()),
        )


class Damaged(_Told):
    id: str
    reason: str


class ProjectList(_Told):
    projects: list[ProjectEntry]
    """The newest first."""

    damaged: list[Damaged]
    """Those that can't be read any more; they can be removed."""


class SpanAnswer(_Told):
    start: float
    end: float
    """Seconds from the beginning."""


class ProjectAnswer(_Told):
    id: Annotated[str, Field(examples=[_ID])]
    name: str
    created: datetime
    saved: datetime
    version: int
    """The number of its newest version, which PATCH takes as `version`."""

    composition: Composition
    """Of the newest version that can be read."""

    clips: list[ClipAnswer]
    """All that it has, heard or not."""

    seconds: float | None
    """How long it is; null where it can't be rendered."""

    spans: list[list[SpanAnswer]] | None
    """Of each track, when its clips are heard."""

    problems: list[str]
    """Why it can't be rendered, and what can't be read any more."""

    @classmethod
    def of(cls, project: Project, spans: Sequence[Sequence[Span]] | None, problems: Sequence[str]) -> Self:
        told = None
        if spans is not None:
            told = [[SpanAnswer(start=each.start, end=each.end) for each in track] for track in spans]
        return cls(
            id=project.id,
            name=project.head.name,
            created=project.head.created,
            saved=project.version.saved,
            version=max(project.numbers, default=0),
            composition=project.version.composition,
            clips=[ClipAnswer.of(clip) for clip in project.clips.values()],
            seconds=max((each.end for track in told for each in track), default=0.0) if told is not None else None,
            spans=told,
            problems=[*problems, *project.damage],
        )


class VersionEntry(_Told):
    number: int
    saved: datetime
    tracks: int
    clips: int
    """How many are heard in it."""

    @classmethod
    def of(cls, version: Version) -> Self:
        composition = version.composition
        return cls(
            number=version.number,
            saved=version.saved,
            tracks=len(composition.tracks),
            clips=len(composition.placed()),
        )


class VersionList(_Told):
    versions: list[VersionEntry]
    """The newest first."""

    damaged: list[int]
    """Numbers of those that can't be read any more."""


class VersionAnswer(_Told):
    number: int
    saved: datetime
    composition: Composition
