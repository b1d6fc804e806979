"""The clips that a voice is made of, to be heard and seen."""

import asyncio
import logging
import re

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError, read_query
from koe.adapters.http.house import HOUSE
from koe.adapters.http.ranges import file_answer, file_answers
from koe.adapters.http.voices.answers import WaveformAnswer
from koe.adapters.http.voices.bodies import WaveformQuery
from koe.adapters.http.voices.listing import TAG
from koe.audio import outline
from koe.audio.reference import from_wav
from koe.core.errors import MalformedInput
from koe.core.profile import REFERENCE_RATE, Profile, Reference
from koe.disk import is_regular
from koe.voices.clips import MAX_BYTES
from koe.voices.store import VoiceStore

_log = logging.getLogger(__name__)

WAV = "audio/wav"


async def hear(request: web.Request) -> web.Response:
    return file_answer(request, await asyncio.to_thread(_asked_for, request), WAV)


async def waveform(request: web.Request) -> web.Response:
    points = read_query(request, WaveformQuery).points

    def seen() -> WaveformAnswer:
        samples = from_wav(_asked_for(request))
        return WaveformAnswer(
            duration=round(len(samples) / REFERENCE_RATE, 3), points=outline.waveform(samples, points)
        )

    return json_answer(await asyncio.to_thread(seen))


def number_of(request: web.Request) -> int:
    """The number in the path; 0, which nothing has, where it is none."""
    text = request.match_info["number"]
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else 0


def read_clip(store: VoiceStore, profile: Profile, reference: Reference) -> bytes:
    """Blocks. Raises MalformedInput where it can't be read."""
    path = store.reference_path(profile.id, reference)
    try:
        if is_regular(path):
            with path.open("rb") as file:
                return file.read(MAX_BYTES)
    except OSError as error:
        _log.warning("%s can't be read: %s", path, error.strerror or error)
    raise MalformedInput(f"the clip {reference.file} of {profile.id} is missing or can't be read: replace it")


def reference_of(store: VoiceStore, voice_id: str, number: int) -> tuple[Profile, Reference]:
    """The voice, and its reference of this number. Blocks. Raises UnknownVoice, HttpError 404."""
    profile = store.get(voice_id)
    if not 1 <= number <= len(profile.references):
        words = f"{profile.id} has {len(profile.references)} references, counted from 1"
        raise HttpError(404, words, code="not-found", param="number")
    return profile, profile.references[number - 1]


def _asked_for(request: web.Request) -> bytes:
    store = request.app[HOUSE].store
    return read_clip(store, *reference_of(store, request.match_info["voice_id"], number_of(request)))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/voices/{voice_id}/references/{number}",
        hear,
        "A clip that a voice is made of; the first is 1.",
        tag=TAG,
        answers=file_answers(WAV),
    ),
    Endpoint(
        "GET",
        "/api/voices/{voice_id}/references/{number}/waveform",
        waveform,
        "What it looks like.",
        tag=TAG,
        query=WaveformQuery,
        answers={200: WaveformAnswer},
    ),
)
