"""What requests about checkpoints may hold, and what is answered."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Revision = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", examples=["main"])]


class State(StrEnum):
    HERE = "here"
    """On disk, and whole."""

    LOADED = "loaded"
    LOADING = "loading"
    """Or waiting for a place in memory."""

    DOWNLOADING = "downloading"
    INCOMPLETE = "incomplete"
    """A part of a download."""

    DAMAGED = "damaged"
    """`problem` says what is wrong."""

    MISSING = "missing"
    """It can be downloaded."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DownloadBody(_Body):
    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="From GET /api/models (the end will do: 0.6B-Base), or a repository of the hub: owner/name.",
            examples=["0.6B-CustomVoice"],
        ),
    ]
    revision: (
        Annotated[Revision, Field(description="Not the pinned or newest one: a commit, tag or branch.")] | None
    ) = None


class PinBody(_Body):
    revision: Annotated[Revision, Field(description="A commit, tag or branch; else the one that is here.")] | None = (
        None
    )


class ModelEntry(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str = Field(examples=["Qwen3-TTS-12Hz-0.6B-CustomVoice"])

    does: str = Field(examples=["named voices"])
    """For people: what it is for."""

    size: str | None = Field(examples=["0.6B"])

    state: State = Field(examples=["loaded"])

    told: str = Field(examples=["ready, revision 0123456789ab"])
    """For people: how it is on disk."""

    bytes: int = Field(examples=[2498807148])
    """On disk; of a missing one about what it takes."""

    total: int | None = Field(default=None, examples=[None])
    """Bytes of the whole, where only a part is on disk."""

    folder: str | None = Field(default=None, examples=["/home/anna/koe/models/Qwen3-TTS-12Hz-0.6B-CustomVoice"])

    revision: str | None = Field(default=None, examples=["0123456789abcdef0123456789abcdef01234567"])
    """The commit."""

    pinned: str | None = Field(default=None, examples=[None])
    """The revision that downloads keep to."""

    problem: str | None = Field(default=None, examples=[None])
    """Why it can't be used, or could not be loaded a moment ago."""

    memory: int | None = Field(default=None, examples=[4253024256])
    """Bytes that it takes: on a GPU all of them, on a CPU its weights."""

    speaking: int = Field(default=0, examples=[1])
    """Streams that it speaks now; as long as there are any, it can't be unloaded or removed."""


class ModelList(BaseModel):
    models: list[ModelEntry]


class Progress(BaseModel):
    """The event `progress`. The last event is `done`, with the model as in the list, or `error`."""

    name: str = Field(examples=["Qwen3-TTS-12Hz-0.6B-CustomVoice"])
    done: int = Field(examples=[734003200])
    total: int = Field(examples=[2498807148])


class VerifyAnswer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    whole: bool = Field(examples=[True])

    wrong: list[str] = Field(examples=[[]])
    """What is."""

    told: str = Field(examples=["Qwen3-TTS-12Hz-0.6B-CustomVoice: every file is as it was published."])
