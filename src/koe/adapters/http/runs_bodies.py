"""What requests about runs may hold, and what is answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from koe.storage.meta import Meta

_ID = "01kgbf3k2ej5w0zq8m6h4x9c7d"

Word = Annotated[str, Field(max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HistoryQuery(_Model):
    q: Annotated[str, Field(max_length=200, examples=["laundry done"])] = ""
    """Words, or parts of them, that all have to be in the title or the text."""

    voice: Word | None = None
    task: Annotated[Word, Field(examples=["speech"])] | None = None
    engine: Word | None = None
    language: Annotated[Word, Field(examples=["en"])] | None = None
    """`en` finds en-GB, `en-GB` only itself."""

    favourite: bool | None = None
    pinned: bool | None = None
    since: Annotated[AwareDatetime | None, Field(alias="from", examples=["2026-01-31T00:00:00Z"])] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None
    """Before, but not at this time."""

    cursor: Annotated[str, Field(pattern="^[0-9a-z]{26}$")] | None = None
    """`next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


class HistoryEntry(_Model):
    id: Annotated[str, Field(examples=[_ID])]
    task: Annotated[str, Field(examples=["speech"])]
    created: datetime
    title: str
    """What people call it; empty where it has no other name than its text."""

    text: Annotated[str, Field(examples=["The laundry is done."])]
    """Its beginning; /api/runs/{id} has all of it."""

    voice: Annotated[str, Field(examples=["qwen-ryan"])]
    engine: str
    language: str | None
    seed: int | None
    duration: float
    """Seconds."""

    audio: Annotated[str, Field(examples=["audio.wav"])]
    """The file to be heard: /api/runs/{id}/files/{audio}."""

    bytes: int
    favourite: bool
    pinned: bool


class Indexing(_Model):
    done: int
    total: int


class HistoryAnswer(_Model):
    runs: list[HistoryEntry]
    """The newest first."""

    next: str | None
    """The cursor of the next page; null: this is the last."""

    indexing: Indexing | None
    """While the history is being made: how many of how many runs can be found."""


class RunAnswer(Meta):
    favourite: bool
    pinned: bool
    has_words: bool
    """Whether there are word times: /api/runs/{id}/words."""

    input: dict[str, Any] | None
    """The request as it was given; null where it was damaged."""


class MarkBody(_Model):
    """What is absent stays."""

    favourite: Annotated[bool, Strict()] | None = None
    pinned: Annotated[bool, Strict()] | None = None
    """Kept, however old it is; so is a favourite one."""

    @model_validator(mode="after")
    def _changes_something(self) -> "MarkBody":
        if self.favourite is None and self.pinned is None:
            raise ValueError("say what to change: `favourite`, `pinned` or both")
        return self


def _named_once(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """Else the error would tell of every kind of value that it could have been."""
    try:
        return check(value)
    except ValidationError:
        raise ValueError('"same", "new" or a whole number of 0 to 2^63 - 1') from None


class RegenerateBody(_Model):
    seed: Annotated[
        Annotated[int, Strict(), Field(ge=0, lt=2**63)] | Literal["same", "new"], WrapValidator(_named_once)
    ] = "same"
    """same: the one that was really used; new: another one is drawn."""


class KeepTakeBody(_Model):
    file: Annotated[str, Field(min_length=1, max_length=200, examples=["002-seed-8.wav"])]
    """One of the run's, with a single item in it."""

    as_default: Annotated[bool, Strict()] = False
    """Whether its voice, if you made it, is to speak with this seed from now on where no other is asked for."""
