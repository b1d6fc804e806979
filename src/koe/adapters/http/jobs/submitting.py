"""Jobs given, and dry runs of them."""

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody
from koe.adapters.http.house import HOUSE
from koe.adapters.http.jobs.bodies import JobAnswer, JobBody, JobForm
from koe.adapters.http.jobs.listing import TAG, accepted, jobs_of
from koe.adapters.http.jobs.reading import submission
from koe.pipelines.kinds import KINDS
from koe.pipelines.plan import DryRun
from koe.pipelines.threads import to_its_end


async def submit(request: web.Request) -> web.Response:
    jobs = jobs_of(request)
    async with submission(request, jobs.store) as came:
        job = await accepted(jobs.queue.submit(came.given.kind, came.title, came.given.request(), came.source))
    return json_answer(JobAnswer.of(job), 201)


async def plan(request: web.Request) -> web.Response:
    jobs, speaker = jobs_of(request), request.app[HOUSE].speaker
    async with submission(request, jobs.store) as came, jobs.planning:
        voices = {voice.id for voice in speaker.voices()}

        def dry_run() -> DryRun:
            with came.source.open("rb") as source:
                return DryRun.of(KINDS[came.given.kind].plan(source, came.given.options, voices))

        found = await to_its_end(dry_run)
    return json_answer(found)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/jobs",
        submit,
        "Have a file or a text made into a run: it waits its turn, and is worked on beside everything else.",
        tag=TAG,
        body=JobBody,
        uploads=True,
        form=JobForm,
        answers={201: JobAnswer, 409: ErrorBody},
    ),
    Endpoint(
        "POST",
        "/api/jobs/plan",
        plan,
        "What would be spoken of it, and what is wrong with it; nothing is kept.",
        tag=TAG,
        body=JobBody,
        uploads=True,
        form=JobForm,
        answers={200: DryRun},
    ),
)
