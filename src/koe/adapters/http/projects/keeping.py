"""Projects made, listed, opened, changed and removed, and their earlier versions."""

import asyncio
import re
from collections.abc import Iterator, Mapping

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Answer, Endpoint
from koe.adapters.http.errors import ErrorBody, HttpError, read_json
from koe.adapters.http.projects.bodies import (
    Damaged,
    ProjectAnswer,
    ProjectBody,
    ProjectChange,
    ProjectEntry,
    ProjectList,
    VersionAnswer,
    VersionEntry,
    VersionList,
)
from koe.adapters.http.projects.workshop import workshop_of
from koe.audio.arrange import arrange
from koe.core.errors import KoeError, UnknownProject
from koe.pipelines.threads import to_its_end
from koe.storage.project_files import Project
from koe.storage.projects import Projects

TAG = "Projects"


async def list_projects(request: web.Request) -> web.Response:
    found = await asyncio.to_thread(workshop_of(request).projects.all)
    projects = [ProjectEntry.of(each) for each in found if isinstance(each, Project)]
    damaged = [Damaged(id=each.id, reason=each.reason) for each in found if not isinstance(each, Project)]
    return json_answer(ProjectList(projects=projects, damaged=damaged))


async def create(request: web.Request) -> web.Response:
    body, workshop = await read_json(request, ProjectBody), workshop_of(request)
    made = await workshop.work(lambda stopped: workshop.projects.create(body.name, body.composition, stopped))
    return await opened_answer(made, 201)


async def show(request: web.Request) -> web.Response:
    return await opened_answer(await project_of(request))


async def change(request: web.Request) -> web.Response:
    body, workshop = await read_json(request, ProjectChange), workshop_of(request)
    saved = await workshop.work(
        lambda stopped: workshop.projects.save(
            project_id(request),
            name=body.name,
            composition=body.composition,
            based_on=body.version,
            stopped=stopped,
        )
    )
    return await opened_answer(saved)


async def remove(request: web.Request) -> web.Response:
    await to_its_end(workshop_of(request).projects.remove, project_id(request))
    return web.Response(status=204)


async def list_versions(request: web.Request) -> web.Response:
    projects = workshop_of(request).projects
    return json_answer(await asyncio.to_thread(_versions, projects, project_id(request)))


async def show_version(request: web.Request) -> web.Response:
    projects, number = workshop_of(request).projects, number_of(request)
    version = await asyncio.to_thread(projects.version, project_id(request), number)
    return json_answer(
        VersionAnswer(number=version.number, saved=version.saved, composition=version.composition),
    )


async def restore(request: web.Request) -> web.Response:
    projects, number = workshop_of(request).projects, number_of(request)
    return await opened_answer(await to_its_end(projects.restore, project_id(request), number))


async def project_of(request: web.Request) -> Project:
    """Raises UnknownProject."""
    return await asyncio.to_thread(workshop_of(request).projects.get, project_id(request))


def project_id(request: web.Request) -> str:
    return request.match_info["project_id"]


def number_of(request: web.Request) -> int:
    """Raises HttpError 404."""
    text = request.match_info["number"]
    if not re.fullmatch("[0-9]{1,6}", text):
        raise HttpError(404, "versions are counted from 1", code=UnknownProject.code, param="number")
    return int(text)


async def opened_answer(project: Project, status: int = 200) -> web.Response:
    """A project as somebody who works on it needs it."""
    return json_answer(await asyncio.to_thread(_opened, project), status)


def _opened(project: Project) -> ProjectAnswer:
    try:
        arranged = arrange(project.version.composition, project.sound_of)
    except KoeError as error:
        return ProjectAnswer.of(project, None, [error.message])
    return ProjectAnswer.of(project, arranged.spans, ())


def _versions(projects: Projects, project_id: str) -> VersionList:
    found, damaged = list[VersionEntry](), list[int]()
    for number in reversed(projects.get(project_id).numbers):
        try:
            found.append(VersionEntry.of(projects.version(project_id, number)))
        except UnknownProject:
            damaged.append(number)
    return VersionList(versions=found, damaged=damaged)


def _endpoints() -> Iterator[Endpoint]:
    path = "/api/projects"
    yield Endpoint("GET", path, list_projects, "The projects, the newest first.", tag=TAG, answers={200: ProjectList})
    summary = "Begin a project."
    yield Endpoint("POST", path, create, summary, tag=TAG, body=ProjectBody, answers={201: ProjectAnswer})
    path += "/{project_id}"
    summary = "A project: its newest version, its clips, and when each of them is heard."
    yield Endpoint("GET", path, show, summary, tag=TAG, answers={200: ProjectAnswer})
    answers: Mapping[int, Answer] = {200: ProjectAnswer, 409: ErrorBody}
    summary = "Save another composition as a new version, or give the project another name."
    yield Endpoint("PATCH", path, change, summary, tag=TAG, body=ProjectChange, answers=answers)
    yield Endpoint("DELETE", path, remove, "Remove a project, its versions and its clips.", tag=TAG, answers={204: ""})
    path += "/versions"
    yield Endpoint("GET", path, list_versions, "Its versions, the newest first.", tag=TAG, answers={200: VersionList})
    path += "/{number}"
    yield Endpoint("GET", path, show_version, "An earlier composition.", tag=TAG, answers={200: VersionAnswer})
    summary = "Make an earlier version the newest; those between stay."
    yield Endpoint("POST", f"{path}/restore", restore, summary, tag=TAG, answers=answers)


ENDPOINTS = tuple(_endpoints())
