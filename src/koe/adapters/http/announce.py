"""Announcements: where something can be said, and saying it there."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorDetail, error_body, read_json
from koe.core.errors import UsualProblem
from koe.pipelines.announce import MOST_CHARACTERS, Announcement, Announcements, Outcome, Reach, Room

ANNOUNCEMENTS = web.AppKey("announcements", Announcements)
"""`request.app[ANNOUNCEMENTS]`"""

_TAG = "Announcements"

RoomName = Annotated[str, Field(min_length=1, max_length=200)]


class RoomEntry(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str = Field(examples=["assist_satellite.kitchen"])

    name: str = Field(examples=["Kitchen"])

    area: str | None = Field(examples=["Kitchen"])
    """As Home Assistant or the satellite calls it; null where it has none."""

    way: Literal["home-assistant", "satellite"]
    """Who is asked to announce there."""

    @classmethod
    def of(cls, room: Room) -> Self:
        return cls.model_validate({"id": room.id, "name": room.name, "area": room.area, "way": room.way})


class RoomProblem(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    reason: str
    """In words, with the remedy."""

    problem: UsualProblem | None
    """A name for that, where it is a usual one."""


class RoomList(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    rooms: list[RoomEntry]

    problems: list[RoomProblem] = Field(examples=[[]])
    """What kept more of them from being found."""

    remedy: str | None = Field(examples=[None])
    """What to set up where there are none, and nothing went wrong."""

    @classmethod
    def of(cls, reach: Reach) -> Self:
        rooms = [RoomEntry.of(room) for room in reach.rooms]
        problems = [RoomProblem(reason=each.message, problem=each.problem) for each in reach.problems]
        return cls(rooms=rooms, problems=problems, remedy=reach.remedy)


class AnnounceBody(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    text: str = Field(min_length=1, max_length=MOST_CHARACTERS, examples=["Dinner is ready."])

    rooms: list[RoomName] = Field(default=[], max_length=64, examples=[["Kitchen"]])
    """Ids, names or areas."""

    everywhere: bool = False
    """In place of `rooms`: in all that there are."""

    voice: str | None = Field(default=None, min_length=1, max_length=200, examples=["espeak-en"])
    """null: that of the house, or of the room's assistant in Home Assistant."""

    style: str | None = Field(default=None, min_length=1, max_length=200)
    """One of the voice's styles; it needs a `voice`."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if bool(self.rooms) is self.everywhere:
            raise ValueError("say where: either rooms, or everywhere")
        if self.style is not None and self.voice is None:
            raise ValueError("a style is one of a voice: name the voice as well")
        return self

    def announcement(self) -> Announcement:
        return Announcement(self.text, self.voice, self.style)

    def where(self) -> list[str] | None:
        return None if self.everywhere else self.rooms


class RoomOutcome(RoomEntry):
    announced: bool

    error: ErrorDetail | None
    """Why not."""

    @classmethod
    def of_outcome(cls, outcome: Outcome) -> Self:
        error = error_body(outcome.error).error if outcome.error is not None else None
        entry = RoomEntry.of(outcome.room).model_dump()
        return cls.model_validate({**entry, "announced": error is None, "error": error})


class AnnounceAnswer(BaseModel):
    rooms: list[RoomOutcome]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Self:
        """Raises what went wrong where it went wrong everywhere."""
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        if failures and len(failures) == len(outcomes):
            raise failures[0]
        return cls(rooms=[RoomOutcome.of_outcome(outcome) for outcome in outcomes])


def install(app: web.Application, announcements: Announcements) -> None:
    """To be called before the server starts."""
    app[ANNOUNCEMENTS] = announcements


async def list_rooms(request: web.Request) -> web.Response:
    found = await request.app[ANNOUNCEMENTS].reach()
    return json_answer(RoomList.of(found))


async def announce(request: web.Request) -> web.Response:
    body = await read_json(request, AnnounceBody)
    outcomes = await request.app[ANNOUNCEMENTS].announce(body.announcement(), body.where())
    return json_answer(AnnounceAnswer.of(outcomes))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/rooms",
        list_rooms,
        "Where something can be announced; looking for satellites takes some seconds.",
        tag=_TAG,
        answers={200: RoomList},
    ),
    Endpoint(
        "POST",
        "/api/announce",
        announce,
        "Say something in rooms, until it has been heard there.",
        tag=_TAG,
        body=AnnounceBody,
        answers={200: AnnounceAnswer},
    ),
)
