"""What is said in a clip, and what a voice sounds like."""

import asyncio
from contextlib import aclosing

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.busy import TURNS
from koe.adapters.http.encoding import CONTENT_TYPES, EncodedSpeech
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.speech import ADAPTER
from koe.adapters.http.speech_answer import outflow
from koe.adapters.http.voices.answers import SPEAKING, TextAnswer
from koe.adapters.http.voices.bodies import TranscribeBody, TryBody
from koe.adapters.http.voices.forms import TranscribeForm
from koe.adapters.http.voices.listing import TAG, entries
from koe.adapters.http.voices.reading import prepared, read_recording, transcript_of
from koe.audio.flow import FlowFormat
from koe.core.errors import EngineUnavailable
from koe.core.samples import sample
from koe.speech import SpeechRequest, SpeechStats
from koe.speech.telling import telling


async def transcribe(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    body, recording = await read_recording(request, TranscribeBody)
    (clip,) = await prepared(house, [recording])
    return json_answer(TextAnswer(text=await transcript_of(house, clip.wav, body.language)))


async def test(request: web.Request) -> web.StreamResponse:
    """As `POST /v1/audio/speech`, but no other voice stands in."""
    house, voice_id = request.app[HOUSE], request.match_info["voice_id"]
    body = await read_json(request, TryBody) if request.body_exists else TryBody()
    language = await asyncio.to_thread(language_of, house, voice_id)
    format = FlowFormat(body.response_format)
    rate = 24_000 if format is FlowFormat.PCM else None
    asked = SpeechRequest(voice=voice_id, language=body.language, seed=body.seed, sample_rate=rate, wait=True)
    utterance = house.speaker.open(asked)
    utterance.feed(body.text or sample(body.language or language))
    utterance.finish()
    metrics = request.app[METRICS]
    async with (
        outflow(request, CONTENT_TYPES[format]) as out,
        request.app[TURNS].turn(metrics, ADAPTER),
        telling(utterance, metrics, ADAPTER),
    ):
        speech = EncodedSpeech(utterance, format)
        async with aclosing(speech.pieces()) as pieces:
            async for piece in pieces:
                check_that_it_spoke(speech.stats, voice_id)
                seed = {} if speech.stats.seed is None else {"X-Koe-Seed": str(speech.stats.seed)}
                told = {"X-Koe-Voice": voice_id, "X-Koe-Sample-Rate": str(speech.sample_rate), **seed}
                await out.write(piece, told)
    return out.response


def language_of(house: House, voice_id: str) -> str:
    """The one that it speaks best. Raises UnknownVoice, EngineUnavailable where it can't speak now."""
    found = next((each for each in entries(house) if each.id == voice_id and voice_id), None)
    if found is None:
        house.store.get(voice_id)
        raise AssertionError("a voice that the store has is listed")
    if found.state not in SPEAKING:
        raise EngineUnavailable(f"{voice_id} can't speak: {found.reason}")
    return found.languages[0]


def check_that_it_spoke(stats: SpeechStats, voice_id: str) -> None:
    """Raises EngineUnavailable where another voice stood in."""
    if stats.fallback is not None or stats.voice != voice_id:
        raise EngineUnavailable(f"{voice_id} can't speak: {stats.fallback or f'{stats.voice} stood in for it'}")


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/voices/transcribe",
        transcribe,
        "Ask the speech-to-text server what is said in a clip (a form has it as the file `audio`).",
        tag=TAG,
        body=TranscribeBody,
        uploads=True,
        form=TranscribeForm,
        answers={200: TextAnswer},
    ),
    Endpoint(
        "POST",
        "/api/voices/{voice_id}/test",
        test,
        "Let a voice speak a sentence; no other one stands in.",
        tag=TAG,
        body=TryBody,
        answers={200: tuple(CONTENT_TYPES.values())},
    ),
)
