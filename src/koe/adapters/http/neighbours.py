"""The other Wyoming servers on the network: satellites, and whatever else announces itself."""

import asyncio
from typing import Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.house import HOUSE
from koe.core.errors import Busy
from koe.core.neighbour import Neighbour, NeighbourKind

_SEARCHES = web.AppKey("searches", asyncio.Semaphore)
_MOST_AT_ONCE = 4
"""Each asks the whole network."""


class NeighbourEntry(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str = Field(examples=["Kitchen"])
    """What it calls itself, or is announced as."""

    uri: str = Field(examples=["tcp://192.168.1.20:10700"])

    kinds: list[NeighbourKind]
    """What it does; empty where it doesn't answer."""

    programs: list[str] = Field(examples=[["faster-whisper"]])

    answers: bool = Field(examples=[True])

    problem: str | None
    """Why not."""

    itself: bool = Field(examples=[False])
    """It is the very house that was asked."""

    @classmethod
    def of(cls, found: Neighbour, own_name: str | None) -> Self:
        return cls(
            name=found.name,
            uri=found.uri,
            kinds=list(found.kinds),
            programs=list(found.programs),
            answers=found.problem is None,
            problem=found.problem,
            itself=found.announced == own_name,
        )


class NeighbourList(BaseModel):
    neighbours: list[NeighbourEntry]


def install(app: web.Application) -> None:
    """To be called before the server starts."""
    app[_SEARCHES] = asyncio.Semaphore(_MOST_AT_ONCE)


async def list_neighbours(request: web.Request) -> web.Response:
    """Raises Busy."""
    outside, searches = request.app[HOUSE].outside, request.app[_SEARCHES]
    if searches.locked():
        raise Busy("several others are looking for servers on the network: try again in some seconds")
    async with searches:
        found = await outside.neighbours()
    announced = outside.announced()
    own_name = announced.name if announced is not None else None
    answer = NeighbourList(neighbours=[NeighbourEntry.of(each, own_name) for each in found])
    return json_answer(answer)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/neighbours",
        list_neighbours,
        "The Wyoming servers that announce themselves on the network, and what each does; looking takes some seconds.",
        tag="Watching it",
        answers={200: NeighbourList},
    ),
)
