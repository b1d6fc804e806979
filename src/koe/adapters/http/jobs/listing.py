"""The jobs, their progress and their items; what the other endpoints about jobs have in common."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import RETRY_AFTER, HttpError, read_query
from koe.adapters.http.jobs.bodies import ItemAnswer, ItemList, ItemsQuery, JobAnswer, JobEntry, JobList, JobsQuery
from koe.core.errors import Busy
from koe.pipelines.jobs import JobQueue
from koe.storage.job import Job
from koe.storage.jobs import JobStore

TAG = "Jobs"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Jobs:
    queue: JobQueue
    store: JobStore

    planning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One dry run at a time: each keeps a thread busy, and reads a file of any size."""


JOBS = web.AppKey("jobs", Jobs)
"""`request.app[JOBS]`"""


def install(app: web.Application, queue: JobQueue, store: JobStore) -> None:
    """Before the server starts; both belong to whoever calls."""
    app[JOBS] = Jobs(queue, store)


def jobs_of(request: web.Request) -> Jobs:
    """Raises HttpError 503 where this server does none."""
    jobs = request.app.get(JOBS)
    if jobs is None:
        raise HttpError(503, "this server does no jobs now: its log says why", code="unavailable")
    return jobs


def job_id(request: web.Request) -> str:
    return request.match_info["job_id"]


async def in_whole(work: Coroutine[Any, Any, _Result]) -> _Result:
    """To the end, also where the client leaves: half of a change would leave a job that nobody works on."""
    working = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([working])
        raise


async def accepted(submitting: Coroutine[Any, Any, Job]) -> Job:
    """To the end. Raises HttpError 409 where the queue is full."""
    try:
        return await in_whole(submitting)
    except Busy as error:
        raise HttpError(409, error.message, code=error.code, retry_after=RETRY_AFTER) from error


async def list_jobs(request: web.Request) -> web.Response:
    queue, query = jobs_of(request).queue, read_query(request, JobsQuery)
    found = await queue.jobs()
    return json_answer(JobList(jobs=[JobEntry.of(job) for job in found[: query.limit]]))


async def show(request: web.Request) -> web.Response:
    return json_answer(JobAnswer.of(await jobs_of(request).queue.job(job_id(request))))


async def list_items(request: web.Request) -> web.Response:
    queue, query = jobs_of(request).queue, read_query(request, ItemsQuery)
    job = await queue.job(job_id(request))
    # One more than wanted tells whether there is another page.
    found = await queue.items(job.id, query.state, after=query.after, limit=query.limit + 1)
    shown = found[: query.limit]
    more = len(found) > len(shown)
    return json_answer(ItemList(items=[ItemAnswer.of(item) for item in shown], next=shown[-1].number if more else None))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/jobs",
        list_jobs,
        "The jobs, the newest first.",
        tag=TAG,
        query=JobsQuery,
        answers={200: JobList},
    ),
    Endpoint("GET", "/api/jobs/{job_id}", show, "One job, and how far it is.", tag=TAG, answers={200: JobAnswer}),
    Endpoint(
        "GET",
        "/api/jobs/{job_id}/items",
        list_items,
        "What a job has to speak, and what became of it.",
        tag=TAG,
        query=ItemsQuery,
        answers={200: ItemList},
    ),
)
