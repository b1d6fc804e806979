"""A voice made ready before it is needed: its model is loaded, and its clip heard."""

import asyncio
import logging
from contextlib import aclosing
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from koe.adapters.http import sse
from koe.adapters.http.busy import TURNS
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import error_body
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.speech import ADAPTER
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.adapters.http.voices.hearing import check_that_it_spoke, language_of
from koe.adapters.http.voices.listing import TAG
from koe.core.errors import KoeError
from koe.core.samples import sample
from koe.engine import Priority
from koe.speech import SpeechRequest, Utterance

_log = logging.getLogger(__name__)

_LOOK = 0.5
"""Seconds between two looks at how far it is."""

_SILENCE = 20
"""Looks without news after which a comment is sent."""

Stage = Literal["queued", "loading", "hearing", "ready"]


class Progress(BaseModel):
    voice: str
    stage: Stage
    seconds: float | None = None
    """Until it was ready, from its turn on."""


async def prepare(request: web.Request) -> web.StreamResponse:
    """What is wrong with the voice itself is an answer of its own; from then on a failure is an event."""
    house, voice_id = request.app[HOUSE], request.match_info["voice_id"]
    language = await asyncio.to_thread(language_of, house, voice_id)
    utterance = house.speaker.open(SpeechRequest(voice=voice_id, wait=True, priority=Priority.BATCH))
    utterance.feed(sample(language))
    utterance.finish()
    async with outflow(request, sse.CONTENT_TYPE) as out, aclosing(utterance):
        preparation = Preparation(out, house, voice_id)
        try:
            await preparation.tell("queued")
            async with request.app[TURNS].turn(request.app[METRICS], ADAPTER):
                await preparation.run(utterance)
        except KoeError as error:
            _log.warning("%s can't be prepared: %s: %s", voice_id, error.code, error.message)
            await out.write(sse.event("error", error_body(error)))
    return out.response


class Preparation:
    """Ends with the first sound: from then on the engine has all that it needs, and the rest is never spoken."""

    def __init__(self, out: Outflow, house: House, voice_id: str) -> None:
        self._out, self._house, self._voice_id = out, house, voice_id
        self._stage: Stage | None = None
        self._quiet = 0

    async def run(self, utterance: Utterance) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        await self._look()
        await sse.meanwhile(_first_sound(utterance), _LOOK, self._look)
        check_that_it_spoke(utterance.stats, self._voice_id)
        await self.tell("ready", round(clock() - begun, 3))

    async def tell(self, stage: Stage, seconds: float | None = None) -> None:
        self._stage, self._quiet = stage, 0
        await self._out.write(sse.event(stage, Progress(voice=self._voice_id, stage=stage, seconds=seconds)))

    async def _look(self) -> None:
        loaded = await asyncio.to_thread(self._house.model_loaded, self._voice_id)
        stage: Stage = "hearing" if loaded else "loading"
        self._quiet += 1
        if stage != self._stage:
            await self.tell(stage)
        elif self._quiet >= _SILENCE:
            self._quiet = 0
            await self._out.write(sse.COMMENT)


async def _first_sound(utterance: Utterance) -> None:
    await anext(aiter(utterance))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/voices/{voice_id}/prepare",
        prepare,
        "Make a voice speak at once from now on: events tell of its stages (queued, loading, hearing, ready or error).",
        tag=TAG,
        answers={200: sse.CONTENT_TYPE},
    ),
)
