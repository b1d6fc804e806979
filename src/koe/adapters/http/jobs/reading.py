"""A job as it comes: JSON with its text, or a form whose file goes to the disk while it arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import TypeAdapter, ValidationError

from koe import disk
from koe.adapters.http.errors import HttpError, invalid
from koe.adapters.http.jobs.bodies import JobBody, JobGiven, of_kind
from koe.pipelines.kinds import KINDS
from koe.pipelines.threads import to_its_end
from koe.storage.jobs import JobStore

_Job = TypeVar("_Job", bound=JobGiven)

FORM = "multipart/form-data"

_MOST_TEXT = 1024 * 1024
"""Bytes of a part that is no file: the table of a large script's speakers fits."""

_MOST_PARTS = 8
_AT_ONCE = 1024 * 1024
"""Bytes that are written in one go."""

_OBJECT = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Submission:
    given: JobGiven
    title: str
    source: Path


@asynccontextmanager
async def submission(request: web.Request, store: JobStore) -> AsyncIterator[Submission]:
    """Its file is gone afterwards, unless somebody has taken it. Raises HttpError that names the field, KoeError where
    the disk fails."""
    with store.upload() as source:
        if request.content_type == FORM:
            yield await _from_form(request, source)
        else:
            yield await _from_json(request, source)


async def _from_json(request: web.Request, source: Path) -> Submission:
    kind = request.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        raise HttpError(415, f"send application/json or a form ({FORM})", code="unsupported-media-type")
    body = await request.read()

    def written() -> Submission:
        wanted = _checked(_object(body), JobBody)
        with disk.told(source.parent):
            source.write_text(wanted.text, encoding="utf-8", newline="")
        return Submission(wanted, wanted.title, source)

    return await to_its_end(written)


async def _from_form(request: web.Request, source: Path) -> Submission:
    texts, filename = await _parts(request, source)
    if filename is None:
        raise _wrong("file", "is needed")
    fields: dict[str, Any] = dict(texts)
    for name in ("options", "output"):
        if name in texts:
            fields[name] = _object(texts[name], name)
    wanted = await asyncio.to_thread(_checked, fields, JobGiven)
    return Submission(wanted, wanted.title or _readable(filename), source)


async def _parts(request: web.Request, source: Path) -> tuple[dict[str, str], str | None]:
    """What is no file, by its name; and what the file, which is at `source` then, is called at the client."""
    texts: dict[str, str] = {}
    filename: str | None = None
    try:
        reader = await request.multipart()
        for _ in range(_MOST_PARTS + 1):
            part = await reader.next()
            if part is None:
                return texts, filename
            if not isinstance(part, BodyPartReader) or not part.name:
                raise _broken("each of its parts is a field with a name")
            name = part.name[:100]
            if name in texts or (name == "file" and filename is not None):
                raise _wrong(name, "send it once")
            if name == "file":
                filename = part.filename or ""
                await _save(part, source)
            else:
                texts[name] = await _text(part, name)
        raise _broken(f"it has more than {_MOST_PARTS} parts")
    except (HttpProcessingError, ValueError, AssertionError, LookupError, RuntimeError) as error:
        # aiohttp says so of broken boundaries, headers and encodings.
        raise _broken(str(error)[:200]) from error


async def _save(part: BodyPartReader, target: Path) -> None:
    def write(data: bytes) -> None:
        # Whoever sends it isn't the disk.
        with disk.told(target.parent), target.open("ab") as file:
            file.write(data)

    waiting = bytearray()
    while piece := await part.read_chunk(_AT_ONCE):
        waiting += piece
        if len(waiting) >= _AT_ONCE:
            await to_its_end(write, bytes(waiting))
            waiting.clear()
    await to_its_end(write, bytes(waiting))


async def _text(part: BodyPartReader, name: str) -> str:
    read = bytearray()
    while piece := await part.read_chunk():
        read += piece
        if len(read) > _MOST_TEXT:
            raise _wrong(name, f"more than {_MOST_TEXT} bytes", code="limit-exceeded")
    return read.decode()


def _checked(fields: dict[str, Any], model: type[_Job]) -> _Job:
    kind = fields.get("kind")
    # Of an unknown kind the options can't be checked, but the kind is told as wrong.
    whole = of_kind(kind, model) if isinstance(kind, str) and kind in KINDS else model
    try:
        return whole.model_validate(fields)
    except ValidationError as error:
        raise invalid(error, model) from None


def _object(data: bytes | str, param: str | None = None) -> dict[str, Any]:
    try:
        return _OBJECT.validate_json(data)
    except ValidationError as error:
        if param is None:
            raise invalid(error) from None
        raise _wrong(param, "a JSON object is needed") from None


def _readable(filename: str) -> str:
    """A title: headers may hold bytes that are no text."""
    return PurePath(filename).stem[:100].encode(errors="replace").decode()


def _wrong(name: str, words: str, code: str = "malformed-input") -> HttpError:
    shown = name.encode(errors="replace").decode()
    return HttpError(400, f"{shown}: {words}", code=code, param=shown)


def _broken(reason: str) -> HttpError:
    return HttpError(400, f"the form is broken: {reason}", code="malformed-input")
