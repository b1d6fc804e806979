"""`GET /api/jobs/{job_id}/events`: a job as it goes on. It belongs to the house: whoever listens only looks on."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from aiohttp import web

from koe.adapters.http import sse
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import error_body
from koe.adapters.http.jobs.bodies import JobEntry
from koe.adapters.http.jobs.listing import TAG, job_id, jobs_of
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.core.errors import KoeError
from koe.storage.job import Job

SILENCE = 10.0
"""Seconds without news after which a comment is sent: it also finds out who has left."""

EVENT = "job"
"""Each holds a JobEntry without what is null."""


async def events(request: web.Request) -> web.StreamResponse:
    watched = cast(AsyncGenerator[Job], jobs_of(request).queue.watch(job_id(request)))
    async with outflow(request, sse.CONTENT_TYPE) as out, aclosing(watched):
        try:
            while (job := await _next(out, watched)) is not None:
                await out.write(sse.event(EVENT, JobEntry.of(job)))
        except KoeError as error:
            # Where it is removed meanwhile.
            if not out.begun:
                raise
            await out.write(sse.event("error", error_body(error)))
    return out.response


async def _next(out: Outflow, watched: AsyncGenerator[Job]) -> Job | None:
    """None at the end."""

    async def coming() -> Job | None:
        return await anext(watched, None)

    return await sse.meanwhile(coming(), SILENCE, lambda: out.write(sse.COMMENT))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/jobs/{job_id}/events",
        events,
        "A job now, and whenever it has changed, until it has ended: events `job`; `error` where it is removed.",
        tag=TAG,
        answers={200: sse.CONTENT_TYPE},
    ),
)
