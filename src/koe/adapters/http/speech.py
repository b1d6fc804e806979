"""`POST /v1/audio/speech`: a text is spoken, and the answer leaves while it is.

    read -> choose the voice -> wait for a turn -> first PCM -> head of the answer -> pieces -> end

Up to the first PCM a failure is an answer of its own. After it the connection breaks, or a stream of events ends with
an error: what is not whole never looks whole.
"""

import base64
import math
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel

from koe.adapters.http import sse
from koe.adapters.http.busy import TURNS
from koe.adapters.http.encoding import CONTENT_TYPES, PCM_RATE, EncodedSpeech
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorDetail, HttpError, error_body, read_json
from koe.adapters.http.house import HOUSE
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.speech_answer import Outflow, outflow
from koe.adapters.http.speech_body import FormOfAnswer, SpeechBody
from koe.adapters.http.speech_choice import speech_request
from koe.audio.flow import FlowFormat
from koe.core.errors import KoeError
from koe.speech import SpeechRequest, SpeechStats
from koe.speech.telling import telling

TAG = "Speech"
ADAPTER = "http"
"""In the figures."""

FRAMES_PER_SECOND = 12.5


class Delta(BaseModel):
    type: str = "speech.audio.delta"
    audio: str
    """Base64: the next bytes of what the answer would be without events."""

    response_format: str


class Usage(BaseModel):
    input_tokens: int
    """Characters."""

    output_tokens: int
    """Frames of 80 ms."""

    total_tokens: int


class Done(BaseModel):
    type: str = "speech.audio.done"
    usage: Usage


class Failed(BaseModel):
    type: str = "speech.audio.error"
    error: ErrorDetail
    action: str = "discard"
    """What has come before isn't whole."""


async def speak(request: web.Request) -> web.StreamResponse:
    body = await read_json(request, SpeechBody)
    house = request.app[HOUSE]
    if body.keep and not house.speaker.keeps:
        raise HttpError(503, "this server keeps no runs now: its log says why", code="unavailable", param="keep")
    wanted = in_form(await speech_request(house, body), body)
    utterance = house.speaker.open(replace(wanted, keep=bool(body.keep)))
    utterance.feed(body.input)
    utterance.finish()
    metrics = request.app[METRICS]
    as_events = body.stream_format == "sse"
    async with (
        outflow(request, sse.CONTENT_TYPE if as_events else CONTENT_TYPES[body.format]) as out,
        request.app[TURNS].turn(metrics, ADAPTER),
        telling(utterance, metrics, ADAPTER),
    ):
        speech = EncodedSpeech(utterance, body.format)
        await (_as_events(out, speech) if as_events else _as_bytes(out, speech))
    return out.response


def in_form(request: SpeechRequest, body: FormOfAnswer) -> SpeechRequest:
    """At a rate that the client can know of."""
    if body.format is FlowFormat.PCM and body.sample_rate is None:
        return replace(request, sample_rate=PCM_RATE)
    return request


async def _as_bytes(out: Outflow, speech: EncodedSpeech) -> None:
    async with aclosing(speech.pieces()) as pieces:
        async for piece in pieces:
            await out.write(piece, _headers(speech))


async def _as_events(out: Outflow, speech: EncodedSpeech) -> None:
    try:
        async with aclosing(speech.pieces()) as pieces:
            async for piece in pieces:
                if piece:
                    delta = Delta(audio=base64.b64encode(piece).decode(), response_format=speech.format)
                    await out.write(sse.event(delta.type, delta), _headers(speech))
        done = Done(usage=_usage(speech.stats))
        await out.write(sse.event(done.type, done))
    except KoeError as error:
        if out.begun:
            failed = Failed(error=error_body(error).error)
            await out.write(sse.event(failed.type, failed))
        raise


def _headers(speech: EncodedSpeech) -> Mapping[str, str]:
    """What is known with the first sound."""
    stats = speech.stats
    told = {"X-Koe-Voice": stats.voice, "X-Koe-Sample-Rate": str(speech.sample_rate)}
    if stats.seed is not None:
        told["X-Koe-Seed"] = str(stats.seed)
    if stats.fallback is not None:
        # Headers are ASCII.
        told["X-Koe-Fallback"] = quote(stats.fallback[:1000], safe=" '(),:/")
    return told


def _usage(stats: SpeechStats) -> Usage:
    frames = math.ceil(stats.audio_seconds * FRAMES_PER_SECOND)
    return Usage(input_tokens=stats.characters, output_tokens=frames, total_tokens=stats.characters + frames)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/audio/speech",
        speak,
        "Speak a text; the audio leaves while it is made.",
        tag=TAG,
        body=SpeechBody,
        answers={200: (*CONTENT_TYPES.values(), sse.CONTENT_TYPE)},
    ),
)
