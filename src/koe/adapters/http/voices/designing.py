"""Voices of a description: several made-up ones speak, and the one that is kept becomes a voice of the house."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import cast

from aiohttp import web

from koe.adapters.http import sse
from koe.adapters.http.answers import json_answer
from koe.adapters.http.busy import TURNS
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import error_body, read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.ranges import file_answer, file_answers
from koe.adapters.http.speech import ADAPTER
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.adapters.http.voices.answers import CandidateAnswer, DesignAnswer, DesignDone, DesignList, MadeAnswer
from koe.adapters.http.voices.bodies import DesignBody, KeepBody
from koe.adapters.http.voices.making import made_response
from koe.adapters.http.voices.references import WAV, number_of
from koe.core.errors import KoeError, UnknownVoice
from koe.pipelines.design_clone import Design

_log = logging.getLogger(__name__)

TAG = "Designs"
JSON = "application/json"

SILENCE = 10.0
"""Seconds without a candidate after which a comment is sent, so that nobody on the way takes the connection for dead.
From then on a failure is an event."""


async def design(request: web.Request) -> web.StreamResponse:
    body, house = await read_json(request, DesignBody), request.app[HOUSE]
    accept = request.headers.get("Accept", "")
    as_json = JSON in accept and sse.CONTENT_TYPE not in accept
    designing = designs_of(house, body.description, body.language, body.text, body.drawn)
    async with (
        outflow(request, JSON if as_json else sse.CONTENT_TYPE) as out,
        request.app[TURNS].turn(request.app[METRICS], ADAPTER),
        aclosing(designing),
    ):
        await (_at_the_end(out, designing) if as_json else _as_events(out, designing))
    return out.response


def designs_of(
    house: House, description: str, language: str, text: str | None, seeds: Sequence[int | None]
) -> AsyncGenerator[Design]:
    """The design after each candidate; closing it frees the engine."""
    made = house.designer.design(description, language=language, text=text, seeds=seeds)
    return cast(AsyncGenerator[Design], made)


async def list_designs(request: web.Request) -> web.Response:
    found = await asyncio.to_thread(request.app[HOUSE].designer.designs)
    return json_answer(DesignList(designs=[_design(each) for each in found]))


async def show_design(request: web.Request) -> web.Response:
    return json_answer(_design(await asyncio.to_thread(_asked_for, request)))


async def remove_design(request: web.Request) -> web.Response:
    designer, design_id = request.app[HOUSE].designer, request.match_info["design_id"]
    await asyncio.to_thread(designer.remove, design_id)
    return web.Response(status=204)


async def hear(request: web.Request) -> web.Response:
    def read() -> bytes:
        designer = request.app[HOUSE].designer
        path = designer.clip(_asked_for(request), number_of(request))
        try:
            return path.read_bytes()
        except OSError:
            raise UnknownVoice("this candidate isn't there any more") from None

    return file_answer(request, await asyncio.to_thread(read), WAV)


async def keep(request: web.Request) -> web.Response:
    house, body = request.app[HOUSE], await read_json(request, KeepBody)
    design_id, number = request.match_info["design_id"], number_of(request)
    made = await asyncio.to_thread(
        lambda: house.designer.keep(house.store, design_id, number, body.name, id=body.id, description=body.description)
    )
    return await made_response(house, made, 201)


async def _at_the_end(out: Outflow, designing: AsyncIterator[Design]) -> None:
    latest = [each async for each in designing][-1]
    await out.write(_design(latest).model_dump_json().encode())


async def _as_events(out: Outflow, designing: AsyncGenerator[Design]) -> None:
    try:
        latest: Design | None = None
        while made := await _next(out, designing):
            latest = made
            await out.write(sse.event("candidate", _design(latest).candidates[-1]))
        if latest is not None:
            await out.write(sse.event("done", DesignDone(design=_design(latest))))
    except KoeError as error:
        if not out.begun:
            raise
        # What came before it is whole, and stays.
        _log.warning("the design failed: %s: %s", error.code, error.message)
        await out.write(sse.event("error", error_body(error)))


async def _next(out: Outflow, designing: AsyncGenerator[Design]) -> Design | None:
    """None at the end."""

    async def coming() -> Design | None:
        return await anext(designing, None)

    return await sse.meanwhile(coming(), SILENCE, lambda: out.write(sse.COMMENT))


def _asked_for(request: web.Request) -> Design:
    return request.app[HOUSE].designer.get(request.match_info["design_id"])


def _design(design: Design) -> DesignAnswer:
    return DesignAnswer(
        id=design.id,
        description=design.description,
        text=design.text,
        language=design.language,
        created=design.created,
        candidates=[
            CandidateAnswer(
                id=design.id,
                number=each.number,
                seed=each.seed,
                duration=each.duration,
                url=f"/api/designs/{design.id}/{each.number}",
            )
            for each in design.candidates
        ],
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/designs",
        design,
        "Let made-up voices of a description speak: an event for each (with Accept: application/json, all at the end).",
        tag=TAG,
        body=DesignBody,
        answers={200: (sse.CONTENT_TYPE, DesignAnswer)},
    ),
    Endpoint("GET", "/api/designs", list_designs, "The newest designs.", tag=TAG, answers={200: DesignList}),
    Endpoint("GET", "/api/designs/{design_id}", show_design, "One design.", tag=TAG, answers={200: DesignAnswer}),
    Endpoint(
        "DELETE",
        "/api/designs/{design_id}",
        remove_design,
        "Remove a design; voices that were kept of it stay.",
        tag=TAG,
        answers={204: ""},
    ),
    Endpoint(
        "GET", "/api/designs/{design_id}/{number}", hear, "What a candidate said.", tag=TAG, answers=file_answers(WAV)
    ),
    Endpoint(
        "POST",
        "/api/designs/{design_id}/{number}/keep",
        keep,
        "Make a candidate a voice of the house.",
        tag=TAG,
        body=KeepBody,
        answers={201: MadeAnswer},
    ),
)
