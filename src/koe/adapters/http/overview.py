"""What the house is and how it has been doing: for its admin page, and for whoever looks after it."""

import asyncio
from datetime import datetime
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe import __version__
from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_query
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.recent import PastRequests
from koe.core.errors import UsualProblem

_TAG = "Watching it"
_LEVELS = ("info", "warning", "error")


class Announcement(BaseModel):
    name: str = Field(examples=["Koe"])
    addresses: list[str] = Field(examples=[["192.168.1.5"]])
    port: int = Field(examples=[10210])


class EngineState(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str = Field(examples=["espeak"])

    ready: bool = Field(examples=[True])

    reason: str = Field(examples=[""])
    """Why it can't speak, and what to do; empty where it can."""

    problem: UsualProblem | None = Field(examples=[None])
    """A name for that, where it is a usual one."""


class HouseAnswer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str = Field(examples=["Koe"])

    version: str = Field(examples=["0.1.0"])

    wyoming: list[str] = Field(examples=[["tcp://192.168.1.5:10210"]])
    """Where Home Assistant and other Wyoming clients reach it."""

    discovery: bool = Field(examples=[True])
    """Whether it is to announce itself on the LAN."""

    announced: Announcement | None
    """As what it does; null where it doesn't, or can't now."""

    default_voice: str | None = Field(examples=["espeak-en-us"])
    """The voice that speaks where none is asked for."""

    engines: list[EngineState]

    data_folder: str = Field(examples=["/home/anna/koe"])


class Limit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=200)


class LogQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: Literal["info", "warning", "error"] = Field(default="info", description="And what weighs more.")
    limit: int = Field(default=200, ge=1, le=500)


class LogEntry(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    at: datetime

    level: str = Field(examples=["info"])

    request: str = Field(examples=["h12"])
    """Which one it is about; empty: none."""

    message: str = Field(examples=["listening on tcp://*:10210"])


class LogAnswer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    lines: list[LogEntry]
    """The oldest first."""


async def show_house(request: web.Request) -> web.Response:
    return json_answer(await asyncio.to_thread(_described, request.app[HOUSE]))


async def show_requests(request: web.Request) -> web.Response:
    limit = read_query(request, Limit).limit
    return json_answer(PastRequests(requests=list(request.app[METRICS].recent.newest(limit))))


async def show_log(request: web.Request) -> web.Response:
    query = read_query(request, LogQuery)
    weighty = _LEVELS[_LEVELS.index(query.level) :]
    lines = [line for line in request.app[HOUSE].outside.log.lines() if line.level in weighty]
    return json_answer(LogAnswer(lines=[LogEntry.model_validate(line) for line in lines[-query.limit :]]))


def _described(house: House) -> HouseAnswer:
    """Blocks."""
    settings, announced = house.loaded.settings, house.outside.announced()
    shown = (
        Announcement(name=announced.name, addresses=list(announced.addresses), port=announced.port)
        if announced
        else None
    )
    return HouseAnswer(
        name=settings.name,
        version=__version__,
        wyoming=list(house.outside.wyoming),
        discovery=settings.discovery.enabled,
        announced=shown,
        default_voice=usual.id if (usual := house.speaker.usual_voice()) is not None else None,
        engines=[
            EngineState(name=name, ready=health.ready, reason=health.reason, problem=health.problem)
            for name, health in house.speaker.health.items()
        ],
        data_folder=str(house.loaded.data_dir),
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/house",
        show_house,
        "How it is called, where it is reached, what is announced on the LAN, and which engines can speak.",
        tag=_TAG,
        answers={200: HouseAnswer},
    ),
    Endpoint(
        "GET",
        "/api/requests",
        show_requests,
        "The last speech requests of all rooms, without their texts.",
        tag=_TAG,
        query=Limit,
        answers={200: PastRequests},
    ),
    Endpoint(
        "GET",
        "/api/log",
        show_log,
        "The last lines of the log.",
        tag=_TAG,
        query=LogQuery,
        answers={200: LogAnswer},
    ),
)
