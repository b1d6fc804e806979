"""Projects from house to house."""

import asyncio
from pathlib import Path

from aiohttp import web

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError
from koe.adapters.http.form_files import FORM, read_files, save_body, wrong
from koe.adapters.http.projects.bodies import ImportForm, ProjectAnswer
from koe.adapters.http.projects.keeping import TAG, opened_answer, project_of
from koe.adapters.http.projects.workshop import workshop_of
from koe.adapters.http.speech_answer import outflow
from koe.pipelines.threads import to_its_end
from koe.storage.project_files import Project
from koe.storage.project_transfer import export_project, import_project
from koe.storage.projects import Projects, Stopped

ZIP = "application/zip"
_RAW = (ZIP, "application/x-zip-compressed", "application/octet-stream")


async def export(request: web.Request) -> web.StreamResponse:
    project = await project_of(request)
    headers = {"Content-Disposition": f'attachment; filename="koe-project-{project.id}.zip"'}
    if request.method == "HEAD":
        return web.Response(content_type=ZIP, headers=headers)
    pieces = await asyncio.to_thread(export_project, project)
    async with outflow(request, ZIP) as out:
        # Not a piece more is read than the client takes.
        while (piece := await to_its_end(lambda: next(pieces, None))) is not None:
            await out.write(piece, headers)
    return out.response


async def import_(request: web.Request) -> web.Response:
    workshop = workshop_of(request)
    async with workshop.bench() as folder:
        archive = await _archive(request, folder)
        made = await workshop.work(lambda stopped: _imported(workshop.projects, archive, stopped))
    return await opened_answer(made, 201)


def _imported(projects: Projects, archive: Path, stopped: Stopped) -> Project:
    with archive.open("rb") as file:
        return import_project(projects, file, stopped)


async def _archive(request: web.Request, folder: Path) -> Path:
    if request.content_type in _RAW and "Content-Type" in request.headers:
        return await save_body(request, folder)
    if request.content_type != FORM:
        raise HttpError(415, f"send {ZIP}, or a form with it ({FORM})", code="unsupported-media-type")
    form = await read_files(request, folder, texts=(), most_files=1)
    if not form.files:
        raise wrong("file", "is needed")
    return form.files[0].path


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/projects/{project_id}/export",
        export,
        "A project with all versions and clips in one zip.",
        tag=TAG,
        answers={200: ZIP},
    ),
    Endpoint(
        "POST",
        "/api/projects/import",
        import_,
        "A new project of a zip that Koe exported: application/zip, or a form with the zip as `file`.",
        tag=TAG,
        uploads=True,
        form=ImportForm,
        raw=_RAW,
        answers={201: ProjectAnswer},
    ),
)
