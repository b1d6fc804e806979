"""The checkpoints: how they are on disk and in memory."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError
from koe.adapters.http.house import HOUSE
from koe.adapters.http.models.bodies import ModelEntry, ModelList, State
from koe.core.errors import KoeError
from koe.engine.qwen.catalogue import Catalogue, Entry, NotHere, Presence
from koe.engine.qwen.downloads import Cancelled, Conflict, Downloads
from koe.engine.qwen.engine import QwenEngine
from koe.engine.qwen.held import Held, Speaking

TAG = "Models"


@dataclass(frozen=True, slots=True)
class Models:
    catalogue: Catalogue
    downloads: Downloads
    verifying: asyncio.Lock = field(default_factory=asyncio.Lock)


MODELS = web.AppKey("models", Models)
"""`request.app[MODELS]`"""


def install(app: web.Application) -> None:
    """Before the server starts; the downloads end with it."""
    house = app[HOUSE]
    catalogue = Catalogue(house.loaded.data_dir)
    downloads = Downloads(catalogue.store, lambda: house.speaker.refresh(QwenEngine.name))

    async def stop(_: web.Application) -> None:
        await downloads.stop()

    app[MODELS] = Models(catalogue, downloads)
    app.on_cleanup.append(stop)


def downloads_of(app: web.Application) -> Collection[str]:
    """The names of the checkpoints that are being downloaded."""
    return tuple(app[MODELS].downloads.running)


async def list_models(request: web.Request) -> web.Response:
    return json_answer(ModelList(models=await entries(request)))


async def show(request: web.Request) -> web.Response:
    return await shown(request)


async def entries(request: web.Request) -> list[ModelEntry]:
    found = await asyncio.to_thread(request.app[MODELS].catalogue.entries)
    return [_described(each, request) for each in found]


async def asked_for(request: web.Request) -> ModelEntry:
    return await entry(request, request.match_info["name"])


async def entry(request: web.Request, name: str) -> ModelEntry:
    """Raises HttpError 404."""
    with refusals():
        found = await asyncio.to_thread(request.app[MODELS].catalogue.entry, name)
    return _described(found, request)


async def shown(request: web.Request, status: int = 200) -> web.Response:
    return json_answer(await asked_for(request), status)


def _described(each: Entry, request: web.Request) -> ModelEntry:
    engine = request.app[HOUSE].speaker.engine(QwenEngine.name)
    held = engine.held().get(each.name) if isinstance(engine, QwenEngine) else None
    failure = engine.failure(each.name) if isinstance(engine, QwenEngine) else None
    downloading = each.name in request.app[MODELS].downloads.running
    state = _state(each, held, downloading=downloading)
    return ModelEntry(
        name=each.name,
        does=each.does,
        size=each.size,
        state=state,
        told=each.state,
        bytes=each.bytes,
        total=each.total,
        folder=str(each.folder) if each.folder is not None else None,
        revision=each.revision,
        pinned=each.pinned,
        problem=None if state is State.DOWNLOADING else each.problem or failure,
        memory=held.memory if held is not None else None,
        speaking=held.streams if held is not None else 0,
    )


def _state(each: Entry, held: Held | None, *, downloading: bool) -> State:
    if each.presence in (Presence.INCOMPLETE, Presence.MISSING):
        return State.DOWNLOADING if downloading else State(each.presence.value)
    if held is None:
        return State(each.presence.value)
    return State.LOADED if held.ready else State.LOADING


@contextmanager
def refusals() -> Iterator[None]:
    """Failures in the statuses that they have here."""
    try:
        yield
    except KoeError as error:
        raise as_http(error) from error


def as_http(error: KoeError) -> KoeError:
    match error:
        case NotHere():
            return HttpError(404, error.message, code="not-found", param="name")
        case Cancelled() | Conflict() | Speaking():
            return HttpError(409, error.message, code=error.code, param="name")
    return error


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/models",
        list_models,
        "The checkpoints that are here, begun downloads, and what can be downloaded.",
        tag=TAG,
        answers={200: ModelList},
    ),
    Endpoint("GET", "/api/models/{name}", show, "One checkpoint.", tag=TAG, answers={200: ModelEntry}),
)
