"""What is done with checkpoints that are here: loaded, unloaded, removed, pinned, verified."""

import asyncio

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.codec import qwen_of
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody, read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.models.bodies import ModelEntry, PinBody, VerifyAnswer
from koe.adapters.http.models.listing import MODELS, TAG, asked_for, refusals, shown
from koe.core.errors import Busy
from koe.engine.qwen.catalogue import Catalogue, Verdict, verify
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.downloads import Conflict
from koe.engine.qwen.engine import QwenEngine


async def load(request: web.Request) -> web.Response:
    entry = await asked_for(request)
    qwen_of(request.app[HOUSE].speaker).load(entry.name)
    return await shown(request, 202)


async def unload(request: web.Request) -> web.Response:
    entry = await asked_for(request)
    with refusals():
        await qwen_of(request.app[HOUSE].speaker).unload(entry.name)
    return await shown(request)


async def remove(request: web.Request) -> web.Response:
    house, models, name = request.app[HOUSE], request.app[MODELS], request.match_info["name"]
    with refusals():
        if part := await asyncio.to_thread(models.catalogue.part, name):
            if part.name in models.downloads.running:
                raise Conflict(f"{part.name} is being downloaded: cancel that first")
            await asyncio.to_thread(models.catalogue.remove_part, part)
            return web.Response(status=204)
        checkpoint = await asyncio.to_thread(models.catalogue.removable, name)
        if isinstance(engine := house.speaker.engine(QwenEngine.name), QwenEngine):
            await engine.forget(checkpoint.name)
        # To the end, also where the client leaves: half of it would be told of as damaged.
        await asyncio.shield(_to_the_end(models.catalogue, checkpoint, house))
    return web.Response(status=204)


async def pin(request: web.Request) -> web.Response:
    body = await read_json(request, PinBody)
    catalogue, name = request.app[MODELS].catalogue, request.match_info["name"]
    with refusals():
        await asyncio.to_thread(catalogue.pin, name, body.revision)
    return await shown(request)


async def unpin(request: web.Request) -> web.Response:
    await asyncio.to_thread(request.app[MODELS].catalogue.unpin, request.match_info["name"])
    return await shown(request)


async def verify_files(request: web.Request) -> web.Response:
    models = request.app[MODELS]
    with refusals():
        checkpoint = await asyncio.to_thread(models.catalogue.checkpoint, request.match_info["name"])
    if models.verifying.locked():
        raise Busy("another checkpoint is being verified: try again later")
    # To the end, also where the client leaves, or those who leave would have many read at once.
    verdict = await asyncio.shield(_verified(models.verifying, checkpoint))
    return json_answer(VerifyAnswer(whole=not verdict.wrong, wrong=list(verdict.wrong), told=verdict.told))


async def _verified(one_at_a_time: asyncio.Lock, checkpoint: Checkpoint) -> Verdict:
    async with one_at_a_time:
        return await asyncio.to_thread(verify, checkpoint)


async def _to_the_end(catalogue: Catalogue, checkpoint: Checkpoint, house: House) -> None:
    try:
        await asyncio.to_thread(catalogue.remove, checkpoint)
    finally:
        await house.speaker.refresh(QwenEngine.name)


ENDPOINTS = (
    Endpoint(
        "DELETE",
        "/api/models/{name}",
        remove,
        "Remove a checkpoint, or what is here of it, from the disk; not while it speaks.",
        tag=TAG,
        answers={204: "", 409: ErrorBody},
    ),
    Endpoint(
        "POST",
        "/api/models/{name}/load",
        load,
        "Begin to load a checkpoint; its state tells when it is.",
        tag=TAG,
        answers={202: ModelEntry},
    ),
    Endpoint(
        "POST",
        "/api/models/{name}/unload",
        unload,
        "Give back the memory of a checkpoint; not while it speaks.",
        tag=TAG,
        answers={200: ModelEntry, 409: ErrorBody},
    ),
    Endpoint(
        "PUT",
        "/api/models/{name}/pin",
        pin,
        "Keep downloads of a checkpoint to one revision.",
        tag=TAG,
        body=PinBody,
        answers={200: ModelEntry},
    ),
    Endpoint("DELETE", "/api/models/{name}/pin", unpin, "Follow the newest again.", tag=TAG, answers={200: ModelEntry}),
    Endpoint(
        "POST",
        "/api/models/{name}/verify",
        verify_files,
        "Read every file of a checkpoint and compare it with what was published.",
        tag=TAG,
        answers={200: VerifyAnswer},
    ),
)
