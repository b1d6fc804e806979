"""The sounds of a project: added, heard, seen and removed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody, HttpError, read_json, read_query
from koe.adapters.http.form_files import FORM, SavedFile, read_files, wrong
from koe.adapters.http.projects.bodies import ClipAnswer, ClipList, ClipsForm, RunClip, WaveformQuery
from koe.adapters.http.projects.keeping import TAG, project_id, project_of
from koe.adapters.http.projects.workshop import Workshop, workshop_of
from koe.adapters.http.runs_file import RunFile
from koe.adapters.http.voices.answers import WaveformAnswer
from koe.audio.outline import outline
from koe.audio.sound import FileSound
from koe.core.errors import KoeError
from koe.pipelines.threads import to_its_end
from koe.storage.project_files import ClipRecord
from koe.storage.projects import Stopped

FLAC = "audio/flac"
MOST_FILES = 64
_FOREVER = "private, max-age=31536000, immutable"
"""A clip never changes: its id is made of what it sounds like."""


async def add(request: web.Request) -> web.Response:
    workshop = workshop_of(request)
    if request.content_type != FORM:
        body = await read_json(request, RunClip)
        projects, target = workshop.projects, project_id(request)
        record = await workshop.work(lambda stopped: projects.copy_run(target, body.run, body.file, body.name, stopped))
        return json_answer(ClipList(clips=[ClipAnswer.of(record)]), 201)
    # Before anything of it is taken.
    await project_of(request)
    async with workshop.bench() as folder:
        form = await read_files(request, folder, texts=(), most_files=MOST_FILES)
        if not form.files:
            raise wrong("file", "is needed")
        added = [await _added(workshop, project_id(request), file) for file in form.files]
    return json_answer(ClipList(clips=[ClipAnswer.of(record) for record in added]), 201)


async def hear(request: web.Request) -> web.StreamResponse:
    """The bytes, or a range of them."""
    project = await project_of(request)
    answer = RunFile(await asyncio.to_thread(project.clip_file, _clip_id(request)))
    answer.headers["Cache-Control"] = _FOREVER
    return answer


async def waveform(request: web.Request) -> web.Response:
    query, workshop = read_query(request, WaveformQuery), workshop_of(request)
    project = await project_of(request)
    record, path = project.clip(_clip_id(request)), project.clip_file(_clip_id(request))
    found = await workshop.work(lambda stopped: _seen(path, record, query, stopped))
    answer = json_answer(found)
    answer.headers["Cache-Control"] = _FOREVER
    return answer


async def remove(request: web.Request) -> web.Response:
    await to_its_end(workshop_of(request).projects.remove_clip, project_id(request), _clip_id(request))
    return web.Response(status=204)


async def _added(workshop: Workshop, project_id: str, file: SavedFile) -> ClipRecord:
    """Raises HttpError that names the file."""
    try:
        return await workshop.work(
            lambda stopped: workshop.projects.add_clip(project_id, file.path, file.title, stopped)
        )
    except KoeError as error:
        raise HttpError(400, f"{file.filename}: {error.message}", code=error.code, param="file") from error


def _seen(path: Path, record: ClipRecord, query: WaveformQuery, stopped: Stopped) -> WaveformAnswer:
    first = min(record.frames, round(query.start * record.sample_rate))
    end = record.frames if query.end is None else min(record.frames, round(query.end * record.sample_rate))
    points = outline(FileSound(path), query.points, first, end, stopped)
    return WaveformAnswer(duration=max(0, end - first) / record.sample_rate, points=points)


def _clip_id(request: web.Request) -> str:
    return request.match_info["clip_id"]


def _endpoints() -> Iterator[Endpoint]:
    path = "/api/projects/{project_id}/clips"
    yield Endpoint(
        "POST",
        path,
        add,
        "Copy sounds into a project: files of a form, or a file of a run.",
        tag=TAG,
        body=RunClip,
        uploads=True,
        form=ClipsForm,
        answers={201: ClipList},
    )
    path += "/{clip_id}"
    answers = {200: FLAC, 206: FLAC, 304: "", 412: "", 416: ""}
    yield Endpoint("GET", path, hear, "A clip, or a range of it.", tag=TAG, answers=answers)
    yield Endpoint(
        "GET",
        f"{path}/waveform",
        waveform,
        "What a clip, or a part of it, looks like.",
        tag=TAG,
        query=WaveformQuery,
        answers={200: WaveformAnswer},
    )
    summary = "Remove a clip that no version is made of."
    yield Endpoint("DELETE", path, remove, summary, tag=TAG, answers={204: "", 409: ErrorBody})


ENDPOINTS = tuple(_endpoints())
