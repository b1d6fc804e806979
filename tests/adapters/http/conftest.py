"""Endpoints that do nothing but what a test of the server needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_json, read_query
from koe.adapters.http.limits_form import read_form


class Sentence(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=2000, examples=["Hello."])
    speed: float = Field(default=1.0, ge=0.25, le=4.0)


class Echo(BaseModel):
    text: str
    speed: float


class Range(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=10, ge=1, le=100)
    tag: list[str] = []


class Taken(BaseModel):
    texts: dict[str, list[str]]
    sizes: list[int]


class Named(BaseModel):
    name: str


@dataclass
class Sample:
    """Handlers, and what they have seen."""

    failure: Callable[[], BaseException] = field(default=lambda: ValueError("a bug"))
    streams: int = 0
    """Endless answers that are being given."""

    async def echo(self, request: web.Request) -> web.Response:
        sentence = await read_json(request, Sentence)
        return web.json_response(Echo(text=sentence.text, speed=sentence.speed).model_dump())

    async def range(self, request: web.Request) -> web.Response:
        return web.json_response(read_query(request, Range).model_dump())

    async def upload(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        taken = Taken(texts=form.texts, sizes=[len(file.content) for file in form.files])
        return web.json_response(taken.model_dump())

    async def named(self, request: web.Request) -> web.Response:
        return web.json_response({"name": request.match_info["name"]})

    async def fail(self, request: web.Request) -> web.Response:
        raise self.failure()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Endless, by 64 KiB."""
        self.streams += 1
        try:
            answer = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
            await answer.prepare(request)
            while True:
                await answer.write(bytes(65536))
        finally:
            self.streams -= 1

    async def break_off(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await answer.prepare(request)
        await answer.write(b"first")
        raise self.failure()

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        audio = "audio/pcm"
        return (
            Endpoint("POST", "/echo", self.echo, "Say it back.", tag="Sample", body=Sentence, answers={200: Echo}),
            Endpoint("GET", "/range", self.range, "Some of it.", tag="Sample", query=Range, answers={200: Range}),
            Endpoint("POST", "/upload", self.upload, "Take files.", tag="Sample", uploads=True, answers={200: Taken}),
            Endpoint("GET", "/named/{name}", self.named, "Say the name.", tag="Sample", answers={200: Named}),
            Endpoint("GET", "/fail", self.fail, "Fail.", tag="Faults", answers={200: Echo}),
            Endpoint("GET", "/stream", self.stream, "Go on for ever.", tag="Faults", answers={200: audio}),
            Endpoint("GET", "/break-off", self.break_off, "Fail in the middle.", tag="Faults", answers={200: audio}),
        )


@pytest.fixture
def sample() -> Sample:
    return Sample()
