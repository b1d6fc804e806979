"""What requests about jobs may hold, and what is answered."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, create_model

from koe.adapters.http.endpoints import FormFile
from koe.pipelines.design_plan import DesignOptions
from koe.pipelines.kinds import KINDS, BookOptions
from koe.pipelines.npc_pack import NpcOptions
from koe.pipelines.plan import Options
from koe.pipelines.production_output import OutputOptions
from koe.pipelines.script_read import ScriptOptions
from koe.pipelines.subtitle_dub import DubOptions
from koe.pipelines.variations import VariationOptions
from koe.storage.job import Item, ItemState, Job, JobState

JobKind = Literal["long", "script", "npc", "subtitles", "variations", "design"]

_ID = "20260131-120000-0123abcd"
_Job = TypeVar("_Job", bound="JobGiven")
_OfEachKind = BookOptions | ScriptOptions | NpcOptions | DubOptions | VariationOptions | DesignOptions


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class JobGiven(_Given):
    """What a job is to be, besides the file that it is made of."""

    kind: Annotated[JobKind, Field(examples=["script"])]

    title: Annotated[str, Field(max_length=200, examples=["A play"])] = ""
    """For people; where there is none, a form's file gives it its name."""

    options: SkipValidation[_OfEachKind] = Field(default_factory=BookOptions, examples=[{"default": {"voice": "anna"}}])
    """Those of the kind, in their order: long, script, npc, subtitles, variations, design."""

    output: OutputOptions = OutputOptions()

    def request(self) -> dict[str, Any]:
        """As the job keeps it: what was given, and nothing more."""
        return self.model_dump(mode="json", exclude_unset=True, include={"options", "output"})


class JobBody(JobGiven):
    text: Annotated[str, Field(min_length=1, examples=["Anna: Is the kettle on?"])]
    """What a file would hold: of a design, the description of the voice."""


class JobForm(JobGiven):
    """`options` and `output` as JSON."""

    file: FormFile


def of_kind(kind: str, model: type[_Job]) -> type[_Job]:
    """The model of a job of that kind, whose options are checked as well."""
    return cast(type[_Job], _of_kind(kind, model))


@cache
def _of_kind(kind: str, model: type[JobGiven]) -> type[JobGiven]:
    options: type[Options] = KINDS[kind].options
    return create_model(model.__name__, __base__=model, options=(options, options()))


class JobProgress(_Told):
    items: int
    done: int
    failed: int
    size: int
    """Characters."""

    size_tried: int
    """Characters of what was made or has failed."""


class JobEntry(_Told):
    id: Annotated[str, Field(examples=[_ID])]
    kind: str
    title: str
    state: JobState
    created: datetime
    changed: datetime
    worked: float
    """Seconds that were spent on its items."""

    seconds_left: float | None = None
    """As long as the rest takes at the pace so far; null: nobody knows yet."""

    error: str
    """Why it failed or was paused; empty where it didn't."""

    run: Annotated[str | None, Field(examples=["01kgbf3k2ej5w0zq8m6h4x9c7d"])] = None
    """The id of the run that it became: /api/runs/{id}."""

    progress: JobProgress

    @classmethod
    def of(cls, job: Job) -> Self:
        return cls(
            id=job.id,
            kind=job.kind,
            title=job.title,
            state=job.state,
            created=datetime.fromtimestamp(job.created, UTC),
            changed=datetime.fromtimestamp(job.changed, UTC),
            worked=round(job.worked, 3),
            seconds_left=round(job.seconds_left, 1) if job.seconds_left is not None else None,
            error=job.error,
            run=job.run,
            progress=JobProgress.model_validate(job.progress, from_attributes=True),
            **cls._more(job),
        )

    @classmethod
    def _more(cls, job: Job) -> dict[str, Any]:
        return {}


class JobAnswer(JobEntry):
    request: dict[str, Any]
    """Its options and its output, as they were given."""

    @classmethod
    def _more(cls, job: Job) -> dict[str, Any]:
        return {"request": dict(job.request)}


class JobsQuery(_Given):
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class JobList(_Told):
    jobs: list[JobEntry]
    """The newest first."""


class ItemsQuery(_Given):
    state: ItemState | None = None
    after: Annotated[int, Field(ge=-1, lt=2**31)] = -1
    """The number of the last one that is known."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class ItemAnswer(_Told):
    number: int
    """From 0."""

    state: ItemState
    text: str
    group: str
    """For people: the chapter, the speaker or the character."""

    file: str
    """Where in the run its sound goes, without an ending."""

    voice: str | None
    """Whose it is; null: the house's own, as long as nobody has spoken it."""

    seed: int | None
    seconds: float | None
    """Of its sound; null until it is made."""

    error: str
    """Why it failed; empty where it didn't."""

    @classmethod
    def of(cls, item: Item) -> Self:
        spec: dict[str, Any] = dict(item.spec)
        made: dict[str, Any] = dict(item.result or {})
        how = spec.get("how", {})
        return cls(
            number=item.number,
            state=item.state,
            text=spec.get("text", ""),
            group=spec.get("group", ""),
            file=spec.get("file", ""),
            voice=made.get("voice", how.get("voice")),
            seed=made.get("seed", how.get("seed")),
            seconds=made.get("seconds"),
            error=item.error,
        )


class ItemList(_Told):
    items: list[ItemAnswer]
    """In their order."""

    next: int | None
    """`after` of the next page; null: this is the last."""
