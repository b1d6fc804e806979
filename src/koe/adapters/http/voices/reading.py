"""Clips and fields as clients send them: JSON with base64, or a form with files."""

import asyncio
import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from koe.adapters.http.errors import HttpError, parse_json
from koe.adapters.http.house import House
from koe.adapters.http.limits_form import Form, read_form
from koe.adapters.http.voices.bodies import CheckBody, ReferenceBody, TranscribeBody
from koe.audio import reference
from koe.audio.decode import read_audio
from koe.core.errors import KoeError, MalformedInput
from koe.core.pcm import to_int16
from koe.core.profile import REFERENCE_RATE
from koe.voices.files import MAX_REFERENCES
from koe.voices.making import PreparedClip, prepare_clip

_Model = TypeVar("_Model", bound=BaseModel)
_WithAudio = TypeVar("_WithAudio", CheckBody, TranscribeBody)

FORM = "multipart/form-data"
_DATA_URL_HEAD = 200
"""Characters that may stand before the comma of `data:audio/wav;base64,...`, as browsers write it."""


@dataclass(frozen=True, slots=True)
class Recording:
    audio: bytes | str
    """Or base64 of it."""

    transcript: str
    param: str
    """The field that it came in."""


def recordings_of(references: Sequence[ReferenceBody]) -> list[Recording]:
    return [
        Recording(each.audio, each.transcript, f"references.{index}.audio") for index, each in enumerate(references)
    ]


async def read_with_clips(request: web.Request, model: type[_Model]) -> tuple[_Model, list[Recording]]:
    """The body, and the clips of a form; those of JSON are in the body. Raises HttpError."""
    if request.content_type != FORM:
        return await read_long_json(request, model), []
    form = await read_form(request)
    check_fields(form, texts=("text", "data"), files=("ref",))
    data = form.texts.get("data", ["{}"])
    if len(data) != 1:
        raise HttpError(400, "data: send it once", code="malformed-input", param="data")
    body = parse_json(data[0], model)
    if getattr(body, "references", ()):
        raise HttpError(400, "references: a form has its clips in the files ref", code="malformed-input", param="data")
    files, texts = list(form.named("ref")), form.texts.get("text", [])
    if len(files) > MAX_REFERENCES:
        raise HttpError(400, f"ref: at most {MAX_REFERENCES} clips", code="limit-exceeded", param="ref")
    if texts and len(texts) != len(files):
        words = f"text: there are {len(files)} clips and {len(texts)} texts: send one for each, also an empty one"
        raise HttpError(400, words, code="malformed-input", param="text")
    texts = texts or [""] * len(files)
    return body, [
        Recording(file.content, text, f"ref.{index}")
        for index, (file, text) in enumerate(zip(files, texts, strict=True))
    ]


async def read_recording(request: web.Request, model: type[_WithAudio]) -> tuple[_WithAudio, Recording]:
    """A body of one recording: JSON, or a form with the file `audio`. Raises HttpError."""
    if request.content_type != FORM:
        body = await read_long_json(request, model)
        return body, Recording(body.audio, "", "audio")
    form = await read_form(request)
    check_fields(form, texts=[name for name in model.model_fields if name != "audio"], files=("audio",))
    if len(form.files) != 1:
        raise HttpError(400, "audio: send one file", code="malformed-input", param="audio")
    body = parse_json(json.dumps(form.plain() | {"audio": "-"}), model)
    return body, Recording(form.files[0].content, "", "audio")


async def read_long_json(request: web.Request, model: type[_Model]) -> _Model:
    """JSON that may be long. Raises HttpError, 415 where the body is neither that nor a form."""
    kind = request.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        raise HttpError(415, f"send application/json or a form ({FORM})", code="unsupported-media-type")
    return await asyncio.to_thread(parse_json, await request.read(), model)


def check_fields(form: Form, *, texts: Sequence[str], files: Sequence[str]) -> None:
    """Raises HttpError 400 that names a part that means nothing here."""
    for name in form.texts:
        if name not in texts:
            wrong = "send it as a file (with a filename)" if name in files else "there is no such field"
            raise _no_such(name, wrong)
    for file in form.files:
        if file.name not in files:
            wrong = "it is no file: leave out its filename" if file.name in texts else "there is no such file"
            raise _no_such(file.name, wrong)


def readable(name: str) -> str:
    """For people: a form's headers may hold bytes that are no text."""
    return name[:100].encode(errors="replace").decode()


async def prepared(
    house: House, recordings: Sequence[Recording], *, transcribe: bool = False, language: str | None = None
) -> list[PreparedClip]:
    """Raises HttpError that names the field."""
    clips = [await asyncio.to_thread(_prepared, each) for each in recordings]
    if not transcribe:
        return clips
    return [clip if clip.reference.transcript else await _with_transcript(house, clip, language) for clip in clips]


async def transcript_of(house: House, wav: bytes, language: str | None) -> str:
    """Of a prepared clip. Raises MalformedInput, EngineUnavailable, EngineError."""
    pcm = await asyncio.to_thread(lambda: to_int16(reference.from_wav(wav)))
    text = await house.transcribe(pcm, REFERENCE_RATE, language)
    if not text.strip():
        raise MalformedInput("the speech-to-text server heard no words in the clip: give them yourself")
    return " ".join(text.split())


async def _with_transcript(house: House, clip: PreparedClip, language: str | None) -> PreparedClip:
    text = await transcript_of(house, clip.wav, language)
    return replace(clip, reference=replace(clip.reference, transcript=text))


def checked(recording: Recording) -> reference.Prepared:
    """What would become of it. Blocks. Raises HttpError."""
    with _named(recording):
        return reference.prepare(read_audio(_bytes(recording.audio), most_seconds=reference.MOST_READ_SECONDS))


def _prepared(recording: Recording) -> PreparedClip:
    with _named(recording):
        return prepare_clip(_bytes(recording.audio), recording.transcript)


@contextmanager
def _named(recording: Recording) -> Iterator[None]:
    """What is wrong with it is said of the field that it came in."""
    try:
        yield
    except KoeError as error:
        raise HttpError(400, f"{recording.param}: {error.message}", code=error.code, param=recording.param) from error


def _bytes(audio: bytes | str) -> bytes:
    """Raises MalformedInput."""
    if isinstance(audio, bytes):
        return audio
    if audio.startswith("data:"):
        audio = audio[audio.find(",", 0, _DATA_URL_HEAD) + 1 :]
    try:
        return base64.b64decode("".join(audio.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedInput("it is no base64") from None


def _no_such(name: str, wrong: str) -> HttpError:
    return HttpError(400, f"{readable(name)}: {wrong}", code="malformed-input", param=readable(name))
