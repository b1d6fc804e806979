"""A project, or a part of it, as it is or as it could be, made audible."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from koe.adapters.http.encoding import CONTENT_TYPES
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_json
from koe.adapters.http.projects.bodies import RenderBody
from koe.adapters.http.projects.keeping import TAG, project_of
from koe.adapters.http.projects.performing import Keep, Performance, arranged, perform, perform_again
from koe.adapters.http.projects.workshop import workshop_of
from koe.adapters.http.runs import outputs_of
from koe.audio.flow import FlowFormat
from koe.audio.render import Rendering
from koe.core.composition import Composition
from koe.pipelines.composing import window_of
from koe.storage.project_files import Project
from koe.storage.run import Run


async def render(request: web.Request) -> web.StreamResponse:
    body = await read_json(request, RenderBody)
    async with _performance(request, await project_of(request), body) as asked:
        return await perform(request, asked)


async def render_again(request: web.Request, project_id: str, body: RenderBody) -> Run:
    """Raises UnknownProject where it is gone, and KoeError."""
    project = await asyncio.to_thread(workshop_of(request).projects.get, project_id)
    async with _performance(request, project, body) as asked:
        return await perform_again(request, asked)


@asynccontextmanager
async def _performance(request: web.Request, project: Project, body: RenderBody) -> AsyncIterator[Performance]:
    """How loud it is, is remembered. Raises KoeError."""
    workshop, version = workshop_of(request), project.version
    if body.version is not None:
        version = await asyncio.to_thread(workshop.projects.version, project.id, body.version)
    composition = body.composition or version.composition
    found = await arranged(composition, project.sound_of, format := FlowFormat(body.response_format))
    # Clips never change: the same composition is as loud as it was.
    key = _digest(project.id, composition, found.mix.sample_rate)
    rendering = Rendering(found.mix, loudness=composition.loudness, factor=workshop.factor(key))
    keep = None
    if body.keep:
        given = {"project": project.id, **body.model_dump(mode="json", exclude_unset=True)}
        # The project goes on changing, and the run is to be done again as it was.
        which = {} if body.composition else {"version": version.number}
        keep = Keep(outputs_of(request), project.head.name, given | which)
    window = window_of(found, body.start, body.end, draft=body.draft)
    try:
        yield Performance(composition, rendering, window, found.mix.sample_rate, format, keep)
    finally:
        if rendering.factor is not None:
            workshop.remember(key, rendering.factor)


def _digest(project_id: str, composition: Composition, sample_rate: int) -> str:
    told = f"{project_id} {sample_rate} {composition.model_dump_json()}"
    return hashlib.sha256(told.encode()).hexdigest()


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/projects/{project_id}/render",
        render,
        "A project made audible, or a part of it, also before it is saved; the audio leaves while it is mixed.",
        tag=TAG,
        body=RenderBody,
        answers={200: tuple(CONTENT_TYPES.values())},
    ),
)
