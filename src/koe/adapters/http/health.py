"""Whether it lives, and whether it can speak. Anybody may ask; nothing private is told."""

from collections.abc import Iterator

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.house import HOUSE
from koe.adapters.http.server_state import STATE
from koe.speech import Speaker

_TAG = "Watching it"


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    ready: bool = Field(examples=[True])

    reason: str = Field(examples=[""])
    """Why not; empty where it is."""

    engines: dict[str, bool] = Field(examples=[{"remote": True, "espeak": True, "qwen": False}])
    """Which of them can speak. The log and `koe doctor` say why one can't."""


async def health(request: web.Request) -> web.Response:
    return web.json_response(Health(status="ok").model_dump())


async def ready(request: web.Request) -> web.Response:
    answer = readiness(request.app[HOUSE].speaker, stopping=request.app[STATE].stopping.is_set())
    return web.json_response(answer.model_dump(), status=200 if answer.ready else 503)


def readiness(speaker: Speaker, *, stopping: bool = False) -> Readiness:
    engines = {name: health.ready for name, health in speaker.health.items()}
    if stopping:
        return Readiness(ready=False, reason="the server is stopping", engines=engines)
    if not any(engines.get(voice.engine, False) for voice in speaker.voices()):
        return Readiness(ready=False, reason="no voice can speak", engines=engines)
    return Readiness(ready=True, reason="", engines=engines)


def endpoints() -> Iterator[Endpoint]:
    yield Endpoint(
        "GET", "/health", health, "Whether the server lives.", tag=_TAG, answers={200: Health}, needs_token=False
    )
    yield Endpoint(
        "GET",
        "/ready",
        ready,
        "Whether a voice can speak.",
        tag=_TAG,
        answers={200: Readiness, 503: Readiness},
        needs_token=False,
    )
