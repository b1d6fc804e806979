"""`POST /v1/audio/compose`: sounds that are sent along, and those of runs, in one mix."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from koe import disk
from koe.adapters.http.encoding import CONTENT_TYPES
from koe.adapters.http.endpoints import Endpoint, FormFile
from koe.adapters.http.errors import HttpError, parse_json
from koe.adapters.http.form_files import FORM, SavedFile, read_files, wrong
from koe.adapters.http.projects.bodies import RenderBody
from koe.adapters.http.projects.performing import Keep, Performance, arranged, perform, perform_again
from koe.adapters.http.projects.rendering import render_again
from koe.adapters.http.projects.workshop import workshop_of
from koe.adapters.http.runs import outputs_of
from koe.adapters.http.speech import TAG
from koe.adapters.http.speech_body import WireFormat
from koe.audio.flow import FlowFormat
from koe.audio.render import Rendering
from koe.audio.sound import FileSound, Sound
from koe.audio.transcode import transcode
from koe.core.composition import MOST_SECONDS, Composition, CompositionClip
from koe.core.errors import KoeError, MalformedInput, UnsupportedAbility
from koe.core.problem import shown
from koe.pipelines.again import Seeds, damaged_input
from koe.pipelines.composing import window_of
from koe.storage.outputs import Outputs
from koe.storage.projects import Stopped
from koe.storage.run import Run

MOST_FILES = 64


class ComposeBody(Composition):
    """A composition, and in which form it is wanted."""

    response_format: WireFormat = "mp3"

    keep: Annotated[bool, Strict()] = False
    """Whether it becomes a run as well: the header X-Koe-Run has its id."""

    title: Annotated[str, Field(max_length=200, examples=["Evening in the rain"])] = ""
    """Of that run, by which the history finds it."""


class ComposeForm(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    data: ComposeBody
    """As JSON."""

    file: Annotated[list[FormFile], Field(max_length=MOST_FILES)] = []
    """The sounds that its clips name as `upload`, by their filenames."""


class Sounds:
    """Of the clips of one request."""

    def __init__(self, uploads: Mapping[str, Path], outputs: Outputs) -> None:
        """`uploads`: by filename, in the form that is mixed."""
        self._uploads, self._outputs = uploads, outputs
        self._known: dict[tuple[str | None, ...], FileSound] = {}

    def __call__(self, clip: CompositionClip) -> Sound:
        """Raises UnknownRun, MalformedInput."""
        named = clip.upload, clip.run, clip.file
        if named not in self._known:
            self._known[named] = FileSound(self._path(clip))
        return self._known[named]

    def _path(self, clip: CompositionClip) -> Path:
        if clip.run is not None and clip.file is not None:
            return self._outputs.get(clip.run).file(clip.file)
        if clip.upload is None:
            raise MalformedInput("clips belong to a project, which is rendered by POST /api/projects/{id}/render")
        if clip.upload not in self._uploads:
            there = ", ".join(self._uploads) or "none"
            raise MalformedInput(f"no file of this request has the filename {clip.upload!r}; there are: {there[:1000]}")
        return self._uploads[clip.upload]


async def compose(request: web.Request) -> web.StreamResponse:
    workshop, outputs = workshop_of(request), outputs_of(request)
    async with workshop.bench() as folder:
        body, files = await _read(request, folder)
        _check_names(body, files)
        uploads = await workshop.work(lambda stopped: _transcoded(files, folder, stopped)) if files else {}
        return await perform(request, await _performance(body, Sounds(uploads, outputs), outputs))


async def again(request: web.Request, run: Run, seed: Seeds) -> Run:
    """A kept mix made again, of a project or of runs; there is nothing in it that a seed would change. Raises
    UnsupportedAbility where files were sent along, MalformedInput where its input was damaged, UnknownRun and
    UnknownProject where what it is made of is gone."""
    given = {**await asyncio.to_thread(run.input), "keep": True}
    project = given.pop("project", None)
    try:
        if project is not None:
            return await render_again(request, str(project), RenderBody.model_validate_json(json.dumps(given)))
        body = ComposeBody.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise damaged_input(run, error) from None
    if uploads := [clip.upload for _, clip in body.placed() if clip.upload is not None]:
        raise UnsupportedAbility(
            f"the run {run.id} can't be done again: the files that were sent along with it are not kept "
            f"({shown(', '.join(dict.fromkeys(uploads)))}). Make a project of them: it keeps its sounds"
        )
    outputs = outputs_of(request)
    return await perform_again(request, await _performance(body, Sounds({}, outputs), outputs))


async def _performance(body: ComposeBody, sounds: Sounds, outputs: Outputs) -> Performance:
    found = await arranged(body, sounds, format := FlowFormat(body.response_format))
    given = body.model_dump(mode="json", exclude_unset=True)
    return Performance(
        body,
        Rendering(found.mix, loudness=body.loudness),
        window_of(found),
        found.mix.sample_rate,
        format,
        Keep(outputs, body.title, given) if body.keep else None,
    )


async def _read(request: web.Request, folder: Path) -> tuple[ComposeBody, list[SavedFile]]:
    """JSON, or a form with it and with files. Raises HttpError."""
    kind = request.content_type
    if kind == FORM:
        form = await read_files(request, folder, texts=("data",), most_files=MOST_FILES)
        if "data" not in form.texts:
            raise wrong("data", "is needed")
        return await asyncio.to_thread(parse_json, form.texts["data"], ComposeBody), form.files
    if kind != "application/json" and not kind.endswith("+json"):
        raise HttpError(415, f"send application/json or a form ({FORM})", code="unsupported-media-type")
    return await asyncio.to_thread(parse_json, await request.read(), ComposeBody), []


def _check_names(body: ComposeBody, files: list[SavedFile]) -> None:
    """Raises HttpError."""
    named, seen = {clip.upload for _, clip in body.placed()}, set[str]()
    for file in files:
        if file.filename in seen:
            raise wrong("file", f"two files are called {file.filename!r}: give each a name of its own")
        if file.filename not in named:
            raise wrong("file", f"no clip names {file.filename!r} as its `upload`")
        seen.add(file.filename)


def _transcoded(files: list[SavedFile], folder: Path, stopped: Stopped) -> dict[str, Path]:
    """By filename. Raises HttpError that names the file."""
    made, left = dict[str, Path](), float(MOST_SECONDS)
    for file in files:
        target = folder / f"{file.path.name}.flac"
        try:
            with disk.told(folder):
                left -= transcode(file.path, target, most_seconds=left, stopped=stopped).seconds
        except KoeError as error:
            raise HttpError(400, f"{file.filename}: {error.message}", code=error.code, param="file") from error
        file.path.unlink()
        made[file.filename] = target
    return made


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/audio/compose",
        compose,
        "Mix sounds of runs, and of files that are sent along, on tracks; the audio leaves while it is mixed.",
        tag=TAG,
        body=ComposeBody,
        uploads=True,
        form=ComposeForm,
        answers={200: tuple(CONTENT_TYPES.values())},
    ),
)
