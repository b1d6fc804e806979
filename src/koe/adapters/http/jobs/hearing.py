"""What an item of a job sounds like, while the others are still to come."""

import asyncio
import re

from aiohttp import web

from koe import disk
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError
from koe.adapters.http.jobs.listing import TAG, Jobs, job_id, jobs_of
from koe.adapters.http.runs_file import RunFile
from koe.pipelines.production import items_folder
from koe.storage.job import Item, ItemState

FLAC = "audio/flac"


async def hear(request: web.Request) -> web.StreamResponse:
    """The bytes, or a range of them."""
    jobs, text = jobs_of(request), request.match_info["number"]
    job = await jobs.queue.job(job_id(request))
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else -1
    found = await jobs.queue.items(job.id, after=number - 1, limit=1) if number >= 0 else []
    if not found or found[0].number != number:
        words = f"the job {job.id} has {job.progress.items} items, counted from 0"
        raise HttpError(404, words, code="not-found", param="number")
    return await asyncio.to_thread(_sound, jobs, found[0])


def _sound(jobs: Jobs, item: Item) -> RunFile:
    if item.state is not ItemState.DONE or item.result is None:
        raise HttpError(404, f"the item {item.number} isn't made yet", code="not-found", param="number")
    path = items_folder(jobs.store, item.job) / str(item.result.get("file"))
    if not disk.is_plain_file(path):
        words = f"the item {item.number} isn't kept any more: it is in the run that the job became"
        raise HttpError(404, words, code="not-found", param="number")
    return RunFile(path)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/jobs/{job_id}/items/{number}/audio",
        hear,
        "What an item sounds like already, or a range of it; once all of them are in a run, it is heard there.",
        tag=TAG,
        answers={200: FLAC, 206: FLAC, 304: "", 412: "", 416: ""},
    ),
)
