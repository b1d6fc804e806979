"""`POST /v1/audio/speech/batch`: up to 32 texts, each with its own result or error.

A batch waits for one turn, as every request does, and lends itself further ones only while nobody else wants them. The
rooms of the house come before it. Its answer leaves result by result, in the order of the texts.
"""

import asyncio
import base64
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from koe.adapters.http.busy import TURNS, Turns
from koe.adapters.http.encoding import CONTENT_TYPES, EncodedSpeech
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorDetail, error_body, read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS, Metrics
from koe.adapters.http.speech import ADAPTER, TAG, in_form
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.adapters.http.speech_body import BatchBody
from koe.adapters.http.speech_choice import speech_request
from koe.core.errors import LimitExceeded
from koe.engine import Priority
from koe.speech.telling import telling


class BatchResult(BaseModel):
    index: int
    status: Literal["success", "error"]
    audio_data: str | None = None
    """Base64."""

    media_type: str | None = None
    sample_rate: int | None = None
    """Hz."""

    voice: str | None = None
    seed: int | None = None
    error: ErrorDetail | None = None


class BatchAnswer(BaseModel):
    id: str
    results: list[BatchResult]
    total: int
    succeeded: int
    failed: int


async def speak_all(request: web.Request) -> web.StreamResponse:
    body = await read_json(request, BatchBody)
    house, turns = request.app[HOUSE], request.app[TURNS]
    _check_length(body, house.loaded.settings.speech.max_characters)
    metrics = request.app[METRICS]
    async with outflow(request, "application/json") as out, turns.turn(metrics, ADAPTER):
        batch = Batch(house, turns, metrics, body)
        try:
            await _tell(out, batch)
        finally:
            await batch.aclose()
    return out.response


class Batch:
    """Speaks one text after the other with the turn that its maker has, and more at once where turns are spare."""

    def __init__(self, house: House, turns: Turns, metrics: Metrics, body: BatchBody) -> None:
        self._house, self._turns, self._metrics = house, turns, metrics
        self._body = body
        self._left = deque(range(len(body.items)))
        loop = asyncio.get_running_loop()
        self._results: list[asyncio.Future[BatchResult]] = [loop.create_future() for _ in body.items]
        self._tasks = {asyncio.create_task(self._speak_all())}
        self._use_spare_turns()

    async def results(self) -> AsyncIterator[BatchResult]:
        """In the order of the texts."""
        for result in self._results:
            yield await result

    async def aclose(self) -> None:
        self._left.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak_all(self) -> None:
        while self._left:
            await self._speak(self._left.popleft())
            self._use_spare_turns()

    def _use_spare_turns(self) -> None:
        while self._left and self._turns.take_spare():
            task = asyncio.create_task(self._speak(self._left.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._give_back)

    def _give_back(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._turns.give()
        self._use_spare_turns()

    async def _speak(self, index: int) -> None:
        try:
            result = await self._spoken(index)
        except Exception as error:
            result = BatchResult(index=index, status="error", error=error_body(error).error)
        self._results[index].set_result(result)

    async def _spoken(self, index: int) -> BatchResult:
        text = self._body.text(index)
        utterance = self._house.speaker.open(in_form(await speech_request(self._house, text, Priority.BATCH), text))
        utterance.feed(text.input)
        utterance.finish()
        speech = EncodedSpeech(utterance, text.format)
        async with telling(utterance, self._metrics, ADAPTER), aclosing(speech.pieces()) as pieces:
            audio = b"".join([piece async for piece in pieces])
        return BatchResult(
            index=index,
            status="success",
            audio_data=base64.b64encode(audio).decode(),
            media_type=CONTENT_TYPES[text.format],
            sample_rate=speech.sample_rate,
            voice=utterance.stats.voice,
            seed=utterance.stats.seed,
        )


async def _tell(out: Outflow, batch: Batch) -> None:
    """A BatchAnswer, of which no more is kept than what isn't told yet."""
    succeeded = failed = 0
    async for result in batch.results():
        before = b"," if out.begun else b'{"id":"batch-%s","results":[' % secrets.token_hex(8).encode()
        await out.write(before + result.model_dump_json(exclude_none=True).encode())
        succeeded, failed = succeeded + (result.error is None), failed + (result.error is not None)
    counts = (succeeded + failed, succeeded, failed)
    await out.write(b'],"total":%d,"succeeded":%d,"failed":%d}' % counts)


def _check_length(body: BatchBody, most: int) -> None:
    characters = sum(len(item.input) for item in body.items)
    if characters > most:
        raise LimitExceeded(
            f"the texts together have {characters} characters, and at most {most} are spoken in one request "
            "(setting speech.max_characters)"
        )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/audio/speech/batch",
        speak_all,
        "Speak up to 32 texts; each has its own result or error.",
        tag=TAG,
        body=BatchBody,
        answers={200: BatchAnswer},
    ),
)
