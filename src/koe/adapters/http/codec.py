"""The model's codec itself: sound to its tokens and back, for programs that compute with them."""

import asyncio
import base64
import binascii
from contextlib import aclosing
from typing import Annotated

import numpy as np
import soxr
from aiohttp import web
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, Strict

from koe.adapters.http.answers import json_answer
from koe.adapters.http.encoding import CONTENT_TYPES, encoded
from koe.adapters.http.endpoints import Endpoint, FormFile
from koe.adapters.http.errors import HttpError, parse_json
from koe.adapters.http.house import HOUSE
from koe.adapters.http.limits_form import read_form
from koe.adapters.http.speech_answer import outflow
from koe.adapters.http.speech_body import WireFormat
from koe.audio.decode import read_audio
from koe.audio.flow import FlowEncoder, FlowFormat
from koe.core.errors import EngineUnavailable, KoeError
from koe.core.installation import install
from koe.engine.qwen.coding import (
    CODEBOOK_SIZE,
    CODEBOOKS,
    FRAME_RATE,
    MAX_DECODE_FRAMES,
    MAX_ENCODE_SECONDS,
    SAMPLE_RATE,
    check_sound,
)
from koe.engine.qwen.engine import QwenEngine
from koe.speech import Speaker

TAG = "Codec"

_FORM = "multipart/form-data"
_RAW = ("audio/*", "application/octet-stream")

Code = Annotated[int, Strict(), Field(ge=0, lt=CODEBOOK_SIZE)]
Frame = Annotated[list[Code], Field(min_length=CODEBOOKS, max_length=CODEBOOKS)]


class EncodeBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    audio: Annotated[
        str,
        Field(
            min_length=1,
            description=f"Base64 of a sound (WAV, FLAC, MP3, OGG, M4A) of {MAX_ENCODE_SECONDS:g} seconds at the most.",
            examples=["UklGRiQAAABXQVZFZm10IBAAAAABAAEA..."],
        ),
    ]


class EncodeForm(BaseModel):
    file: Annotated[FormFile, Field(description="The sound.")]


class DecodeBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    codes: Annotated[
        list[Frame],
        Field(
            min_length=1,
            max_length=MAX_DECODE_FRAMES,
            description=f"Frames of 80 ms, {CODEBOOKS} codes each.",
            examples=[[[1995, 512, 7, 88, 1021, 345, 9, 1500, 2, 77, 640, 31, 1200, 5, 318, 44]]],
        ),
    ]
    response_format: WireFormat = "wav"


class CodesAnswer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    sample_rate: int = Field(examples=[SAMPLE_RATE])
    """Hz of the sound that the codes stand for."""

    frame_rate: float = Field(examples=[FRAME_RATE])
    """Hz."""

    codes: list[list[int]] = Field(
        examples=[[[1995, 512, 7, 88, 1021, 345, 9, 1500, 2, 77, 640, 31, 1200, 5, 318, 44]]]
    )
    """For each frame its codes, the one that says most first."""

    duration: float = Field(examples=[0.08])
    """Seconds of the sound that was sent; a last partial frame counts as a whole one."""


async def encode(request: web.Request) -> web.Response:
    engine = qwen_of(request.app[HOUSE].speaker)
    data = await _sent(request)
    samples = await asyncio.to_thread(_samples, data)
    codes = await engine.encode(samples)
    answer = CodesAnswer(
        sample_rate=SAMPLE_RATE,
        frame_rate=FRAME_RATE,
        codes=codes.tolist(),
        duration=round(len(samples) / SAMPLE_RATE, 3),
    )
    return json_answer(answer)


async def decode(request: web.Request) -> web.StreamResponse:
    engine = qwen_of(request.app[HOUSE].speaker)
    if not _is_json(request):
        raise HttpError(415, "send application/json", code="unsupported-media-type")
    # It may be long.
    body = await asyncio.to_thread(parse_json, await request.read(), DecodeBody)
    sound, format = await engine.decode(np.array(body.codes, np.int64)), FlowFormat(body.response_format)
    headers = {"X-Koe-Sample-Rate": str(SAMPLE_RATE)}
    encoder = FlowEncoder(format, SAMPLE_RATE)
    async with (
        outflow(request, CONTENT_TYPES[format]) as out,
        aclosing(sound),
        aclosing(encoded(sound, encoder)) as pieces,
    ):
        async for piece in pieces:
            await out.write(piece, headers)
    return out.response


def qwen_of(speaker: Speaker) -> QwenEngine:
    """Raises EngineUnavailable."""
    engine = speaker.engine(QwenEngine.name)
    if not isinstance(engine, QwenEngine):
        remedy = f"run {install('qwen')}, and see that engine.qwen.enabled is true"
        raise EngineUnavailable(f"Qwen3-TTS isn't in use here: {remedy}")
    return engine


async def _sent(request: web.Request) -> bytes:
    """The file, in whichever way it comes. Raises HttpError."""
    kind = request.content_type
    if kind == _FORM:
        form = await read_form(request)
        files = list(form.named("file"))
        if len(files) != 1 or len(form.files) != 1 or form.texts:
            raise HttpError(400, "file: send the sound as this file, and nothing else", code="malformed-input")
        return files[0].content
    if _is_json(request):
        body = await asyncio.to_thread(parse_json, await request.read(), EncodeBody)
        return await asyncio.to_thread(_from_base64, body.audio)
    # aiohttp takes what says nothing of itself for application/octet-stream.
    if kind.startswith("audio/") or (kind == "application/octet-stream" and "Content-Type" in request.headers):
        return await request.read()
    raise HttpError(
        415,
        f"send the sound as it is (audio/*), in JSON as base64, or in a form ({_FORM})",
        code="unsupported-media-type",
    )


def _is_json(request: web.Request) -> bool:
    return request.content_type == "application/json" or request.content_type.endswith("+json")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise HttpError(400, "audio: it is no base64", code="malformed-input", param="audio") from None


def _samples(data: bytes) -> NDArray[np.float32]:
    """Mono, 24 kHz: made so as the package's tokenizer makes it. Raises HttpError."""
    try:
        decoded = read_audio(data, most_seconds=MAX_ENCODE_SECONDS)
        samples: NDArray[np.float32] = decoded.samples.mean(axis=1)
        if decoded.sample_rate != SAMPLE_RATE:
            samples = soxr.resample(samples, decoded.sample_rate, SAMPLE_RATE, quality="HQ")
        # Where a rate doesn't divide the other, there may be a sample more.
        samples = samples[: int(MAX_ENCODE_SECONDS * SAMPLE_RATE)]
        check_sound(samples)
    except KoeError as error:
        raise HttpError(400, f"audio: {error.message}", code=error.code, param="audio") from error
    return samples


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/audio/encode",
        encode,
        f"The codec's tokens of a sound of {MAX_ENCODE_SECONDS:g} seconds at the most: sent as it is (audio/*), as "
        "base64 in JSON, or in a form as `file`. Rooms go first.",
        tag=TAG,
        body=EncodeBody,
        uploads=True,
        form=EncodeForm,
        raw=_RAW,
        answers={200: CodesAnswer},
    ),
    Endpoint(
        "POST",
        "/api/audio/decode",
        decode,
        f"The sound of the codec's tokens, of {MAX_DECODE_FRAMES * 80 // 60000} minutes at the most. Rooms go first.",
        tag=TAG,
        body=DecodeBody,
        answers={200: tuple(CONTENT_TYPES.values())},
    ),
)
