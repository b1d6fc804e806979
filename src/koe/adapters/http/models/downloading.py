"""Downloads of checkpoints. They belong to the house: whoever listens only looks on."""

import asyncio
import contextlib

from aiohttp import web

from koe.adapters.http import sse
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody, HttpError, error_body, read_json
from koe.adapters.http.models.bodies import DownloadBody, Progress
from koe.adapters.http.models.listing import MODELS, TAG, as_http, entry, refusals
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.core.errors import KoeError
from koe.engine.qwen.downloads import Download

TICK = 0.5
"""Seconds between two looks at a download."""

SILENCE = 10.0
"""Seconds without news after which a comment is sent, so that nobody on the way takes the connection for dead."""

_CANCEL_SECONDS = 10.0


async def download(request: web.Request) -> web.StreamResponse:
    body = await read_json(request, DownloadBody)
    with refusals():
        begun = request.app[MODELS].downloads.begin(body.name, body.revision)
        async with outflow(request, sse.CONTENT_TYPE) as out:
            try:
                await _tell(out, begun)
                await out.write(sse.event("done", await entry(request, begun.name)))
            except KoeError as error:
                if not out.begun:
                    raise
                await out.write(sse.event("error", error_body(as_http(error))))
    return out.response


async def cancel(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    running = request.app[MODELS].downloads.running
    begun = next((each for each in running.values() if each.name.lower() == name.lower()), None)
    if begun is None:
        raise HttpError(404, f"{name[:100]} is not being downloaded", code="not-found", param="name")
    begun.cancel()
    with contextlib.suppress(KoeError):
        await begun.over(_CANCEL_SECONDS)
    return web.Response(status=204)


async def _tell(out: Outflow, begun: Download) -> None:
    """Its progress to its end; raises what ended it."""
    clock = asyncio.get_running_loop().time
    told, since = -1, clock()
    while not await begun.over(TICK):
        seen = await asyncio.to_thread(begun.progress)
        if seen is not None and seen.bytes != told:
            told, since = seen.bytes, clock()
            total = seen.total or seen.bytes
            await out.write(sse.event("progress", Progress(name=begun.name, done=min(told, total), total=total)))
        elif clock() - since > SILENCE:
            since = clock()
            await out.write(b": still at it\n\n")


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/models/download",
        download,
        "Get a checkpoint from the hub, or join its download: events `progress`, then `done` or `error`. It goes on "
        "where an earlier one stopped, whoever listens.",
        tag=TAG,
        body=DownloadBody,
        answers={200: sse.CONTENT_TYPE, 409: ErrorBody},
    ),
    Endpoint(
        "DELETE",
        "/api/models/{name}/download",
        cancel,
        "Cancel a download; what has come is kept for the next one.",
        tag=TAG,
        answers={204: ""},
    ),
)
