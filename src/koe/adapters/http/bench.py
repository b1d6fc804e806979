"""What each checkpoint would do on this machine, measured beside the running house."""

import asyncio
from datetime import datetime
from typing import Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody, ErrorDetail, HttpError, error_body, read_json
from koe.engine.qwen.cpu.bench_process import Bench, Measuring, Running
from koe.engine.qwen.cpu.figures import SIZES, Benchmark, Figures, Measured, Verdict
from koe.engine.qwen.cpu.precision import Quantised
from koe.engine.qwen.published import Size

BENCH = web.AppKey("bench", Bench)
"""`request.app[BENCH]`"""

_TAG = "Models"


class BenchBody(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    sizes: list[Size] = Field(default=list(SIZES), min_length=1, max_length=len(SIZES), examples=[["0.6B"]])


class FiguresEntry(Measured):
    model_config = ConfigDict(use_attribute_docstrings=True)

    rooms: int = Field(examples=[2])
    """So many can be spoken to at once without a pause; four: that or more."""

    verdict: Verdict

    advice: str = Field(examples=["keeps up"])
    """The verdict in words."""

    @classmethod
    def of(cls, figures: Figures) -> Self:
        more = {"rooms": figures.rooms, "verdict": figures.verdict, "advice": figures.advice}
        return cls.model_validate(figures.model_dump() | more)


class Measurement(BaseModel):
    at: datetime
    threads: int = Field(examples=[4])
    figures: list[FiguresEntry]

    @classmethod
    def of(cls, benchmark: Benchmark) -> Self:
        figures = [FiguresEntry.of(each) for each in benchmark.figures]
        return cls(at=benchmark.at, threads=benchmark.threads, figures=figures)


class UnderWay(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    begun: datetime

    count: int = Field(examples=[4])
    """Of what is measured in all."""

    size: Size | None
    """What is measured now; null before the first one."""

    precision: Quantised | None

    figures: list[FiguresEntry]
    """What has been found by now."""

    @classmethod
    def of(cls, running: Running) -> Self:
        size, precision = running.now or (None, None)
        figures = [FiguresEntry.of(each) for each in running.figures]
        return cls(begun=running.begun, count=running.count, size=size, precision=precision, figures=figures)


class BenchAnswer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    obstacle: str | None
    """Why nothing can be measured here, and what to do."""

    running: UnderWay | None

    error: ErrorDetail | None
    """Why the one before has no result."""

    last: Measurement | None
    """The last one with a result, also of an earlier start, or of `koe bench`."""


def install(app: web.Application, bench: Bench) -> None:
    """Before the server starts; what is measured ends with it."""

    async def stop(_: web.Application) -> None:
        await bench.cancel()

    app[BENCH] = bench
    app.on_shutdown.append(stop)


async def show(request: web.Request) -> web.Response:
    return await _answer(request.app[BENCH])


async def begin(request: web.Request) -> web.Response:
    body = await read_json(request, BenchBody)
    try:
        request.app[BENCH].start([size for size in SIZES if size in body.sizes])
    except Measuring as error:
        raise HttpError(409, error.message, code=error.code) from error
    return await _answer(request.app[BENCH], status=202)


async def cancel(request: web.Request) -> web.Response:
    if not await request.app[BENCH].cancel():
        raise HttpError(404, "nothing is being measured", code="not-found")
    return web.Response(status=204)


async def _answer(bench: Bench, status: int = 200) -> web.Response:
    last = await asyncio.to_thread(bench.last)
    answer = BenchAnswer(
        obstacle=bench.obstacle or None,
        running=UnderWay.of(bench.running) if bench.running is not None else None,
        error=error_body(bench.failure).error if bench.failure is not None else None,
        last=Measurement.of(last) if last is not None else None,
    )
    return json_answer(answer, status)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/bench",
        show,
        "What was measured last on this machine, and what is being measured now.",
        tag=_TAG,
        answers={200: BenchAnswer},
    ),
    Endpoint(
        "POST",
        "/api/bench",
        begin,
        "Begin to measure how fast this machine's processor would speak with each size and precision of Qwen3-TTS: it "
        "takes about two minutes, in which speech may be slower. Nothing is downloaded.",
        tag=_TAG,
        body=BenchBody,
        answers={202: BenchAnswer, 409: ErrorBody},
    ),
    Endpoint("DELETE", "/api/bench", cancel, "End it without a result.", tag=_TAG, answers={204: ""}),
)
