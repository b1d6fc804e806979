"""Jobs paused, resumed, cancelled, tried again and removed."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint, Handler
from koe.adapters.http.errors import ErrorBody, HttpError
from koe.adapters.http.jobs.bodies import JobAnswer
from koe.adapters.http.jobs.listing import TAG, in_whole, job_id, jobs_of
from koe.core.errors import RequestError, UnknownJob
from koe.pipelines.jobs import JobQueue
from koe.storage.job import Job

_Result = TypeVar("_Result")

_Change = Callable[[JobQueue, str], Coroutine[Any, Any, Job]]

_CHANGES: dict[str, tuple[_Change, str]] = {
    "pause": (JobQueue.pause, "Let a job rest; what is under way is begun anew later."),
    "resume": (JobQueue.resume, "Go on with a job that is paused."),
    "cancel": (JobQueue.cancel, "Give up a job; what was made is kept until it is removed."),
    "retry": (JobQueue.retry, "Try again what failed, or was never tried because of a cancellation."),
}


def _changing(change: _Change) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return json_answer(JobAnswer.of(await _changed(change(jobs_of(request).queue, job_id(request)))))

    return handle


async def remove(request: web.Request) -> web.Response:
    await _changed(jobs_of(request).queue.remove(job_id(request)))
    return web.Response(status=204)


async def _changed(change: Coroutine[Any, Any, _Result]) -> _Result:
    """Raises HttpError 409 where the job's state doesn't allow it."""
    try:
        return await in_whole(change)
    except UnknownJob:
        raise
    except RequestError as error:
        raise HttpError(409, error.message, code=error.code) from error


def _endpoints() -> Iterator[Endpoint]:
    path = "/api/jobs/{job_id}"
    for verb, (change, summary) in _CHANGES.items():
        yield Endpoint(
            "POST",
            f"{path}/{verb}",
            _changing(change),
            summary,
            tag=TAG,
            answers={200: JobAnswer, 409: ErrorBody},
        )
    summary = "Remove a job with what it made, but not the run that it became."
    yield Endpoint("DELETE", path, remove, summary, tag=TAG, answers={204: "", 409: ErrorBody})


ENDPOINTS = tuple(_endpoints())
