"""One run: what is known of it, its files, and doing it again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeVar

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.busy import TURNS
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody, HttpError, read_json
from koe.adapters.http.house import HOUSE
from koe.adapters.http.jobs.bodies import JobAnswer
from koe.adapters.http.jobs.listing import accepted, jobs_of
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.runs_bodies import KeepTakeBody, MarkBody, RegenerateBody, RunAnswer
from koe.adapters.http.runs_file import RunFile
from koe.adapters.http.speech import ADAPTER
from koe.adapters.http.speech_answer import outflow
from koe.core.errors import MalformedInput, UnknownRun
from koe.pipelines.again import Seeds, check_repeatable, do_again
from koe.pipelines.keep_take import keep_take
from koe.pipelines.speak import SpeechProducer, seed_again
from koe.storage.archive import zip_pieces
from koe.storage.outputs import Outputs
from koe.storage.run import Run

TAG = "History"

ZIP = "application/zip"

Again = Callable[[web.Request, Run, Seeds], Awaitable[Run]]
"""Do a run again; it waits for its own turn to speak."""

OUTPUTS = web.AppKey("outputs", Outputs)
"""`request.app[OUTPUTS]`"""

AGAIN: web.AppKey[Mapping[str, Again]] = web.AppKey("again", dict)
"""By task."""

_Result = TypeVar("_Result")


def install(app: web.Application, outputs: Outputs, again: Mapping[str, Again]) -> None:
    """Before the server starts."""
    app[OUTPUTS], app[AGAIN] = outputs, again


def speaking_again(producer: SpeechProducer) -> Again:
    """What one voice said."""

    async def again(request: web.Request, run: Run, seed: Seeds) -> Run:
        async with request.app[TURNS].turn(request.app[METRICS], ADAPTER):
            return await producer.again(run, seed_again(run, seed))

    return again


async def show(request: web.Request) -> web.Response:
    run = await run_of(request)
    return json_answer(await asyncio.to_thread(_answer, run))


async def mark(request: web.Request) -> web.Response:
    body, outputs = await read_json(request, MarkBody), outputs_of(request)
    run = await asyncio.to_thread(lambda: outputs.mark(_id(request), favourite=body.favourite, pinned=body.pinned))
    return json_answer(await asyncio.to_thread(_answer, run))


async def remove(request: web.Request) -> web.Response:
    outputs = outputs_of(request)
    await asyncio.to_thread(lambda: outputs.remove(_id(request)))
    return web.Response(status=204)


async def file(request: web.Request) -> web.StreamResponse:
    """The bytes, or a range of them."""
    run, name = await run_of(request), request.match_info["name"]
    return RunFile(await asyncio.to_thread(lambda: run.file(name)))


async def archive(request: web.Request) -> web.StreamResponse:
    run = await run_of(request)
    pieces = zip_pieces(run)
    headers = {"Content-Disposition": f'attachment; filename="{run.folder.name}.zip"'}
    if request.method == "HEAD":
        return web.Response(content_type=ZIP, headers=headers)
    async with outflow(request, ZIP) as out:
        # Not a piece more is read than the client takes.
        while (piece := await asyncio.to_thread(lambda: next(pieces, None))) is not None:
            await out.write(piece, headers)
    return out.response


async def regenerate(request: web.Request) -> web.Response:
    body = await read_json(request, RegenerateBody)
    run = await run_of(request)
    again = request.app[AGAIN].get(run.meta.task)
    if again is None:
        return await _regenerate_as_job(request, run, body)
    made = await again(request, run, body.seed)
    return json_answer(await asyncio.to_thread(_answer, made), 201)


async def _regenerate_as_job(request: web.Request, run: Run, body: RegenerateBody) -> web.Response:
    check_repeatable(run)
    jobs = jobs_of(request)
    job = await accepted(do_again(jobs.queue, jobs.store, run, body.seed))
    return json_answer(JobAnswer.of(job), 202)


async def keep(request: web.Request) -> web.Response:
    """The file is copied, nothing is spoken again."""
    body, outputs, house = await read_json(request, KeepTakeBody), outputs_of(request), request.app[HOUSE]
    run = await run_of(request)
    kept = await asyncio.to_thread(lambda: keep_take(outputs, house.store, run, body.file, as_default=body.as_default))
    return json_answer(await asyncio.to_thread(_answer, kept), 201)


def outputs_of(request: web.Request) -> Outputs:
    """Raises HttpError 503 where this server keeps none."""
    outputs = request.app.get(OUTPUTS)
    if outputs is None:
        raise HttpError(503, "this server keeps no runs now: its log says why", code="unavailable")
    return outputs


async def run_of(request: web.Request) -> Run:
    """That the path names. Raises UnknownRun, HttpError."""
    outputs = outputs_of(request)
    return await asyncio.to_thread(lambda: outputs.get(_id(request)))


def _id(request: web.Request) -> str:
    return request.match_info["run_id"]


def _answer(run: Run) -> RunAnswer:
    try:
        given = run.input()
    except (MalformedInput, UnknownRun):
        given = None
    return RunAnswer(**dict(run.meta), **dict(run.flags), has_words=run.has_words, input=given)


def _endpoints() -> Iterator[Endpoint]:
    path = "/api/runs/{run_id}"
    yield Endpoint("GET", path, show, "All that is known of a run.", tag=TAG, answers={200: RunAnswer})
    yield Endpoint(
        "PATCH",
        path,
        mark,
        "Make a run a favourite one, or keep it for good.",
        tag=TAG,
        body=MarkBody,
        answers={200: RunAnswer},
    )
    yield Endpoint("DELETE", path, remove, "Remove a run and its files.", tag=TAG, answers={204: ""})
    yield Endpoint(
        "GET",
        f"{path}/files/{{name}}",
        file,
        "One of a run's files, or a range of it.",
        tag=TAG,
        answers=dict.fromkeys((200, 206), RunFile.TYPES) | {304: "", 412: "", 416: ""},
    )
    yield Endpoint("GET", f"{path}/zip", archive, "All files of a run in one zip.", tag=TAG, answers={200: ZIP})
    yield Endpoint(
        "POST",
        f"{path}/regenerate",
        regenerate,
        "Do a run again: a new run of the same input, of a production as a job (202).",
        tag=TAG,
        body=RegenerateBody,
        answers={201: RunAnswer, 202: JobAnswer, 409: ErrorBody},
    )
    yield Endpoint(
        "POST",
        f"{path}/keep",
        keep,
        "Keep one take of a production, such as the best variation, as a favourite run of its own.",
        tag=TAG,
        body=KeepTakeBody,
        answers={201: RunAnswer},
    )


ENDPOINTS = tuple(_endpoints())
