"""Voices made, changed and removed."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import HttpError, read_json
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.voices.answers import MadeAnswer
from koe.adapters.http.voices.bodies import ChangeBody, ReferencesBody, VoiceBody
from koe.adapters.http.voices.forms import ReferencesForm, VoiceForm
from koe.adapters.http.voices.listing import TAG, made_answer
from koe.adapters.http.voices.reading import Recording, prepared, read_with_clips, recordings_of, transcript_of
from koe.adapters.http.voices.references import number_of, read_clip, reference_of
from koe.core.errors import MalformedInput, UnknownVoice
from koe.core.profile import Profile, Sampling
from koe.core.voice import Voice
from koe.voices import making
from koe.voices.making import Made, PreparedClip

_DETAILS = ("description", "tags", "instruct", "seed", "speed", "pitch", "gain", "effects", "size")

_one_at_a_time = threading.Lock()
"""Of the changes that build on what is there: two that come at once would otherwise undo each other."""


async def make(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    body, uploaded = await read_with_clips(request, VoiceBody)
    recordings = uploaded or recordings_of(body.references)
    if bool(recordings) == bool(body.base):
        words = "give either clips (references, or the files ref of a form) or a built-in voice (base)"
        raise HttpError(400, words, code="malformed-input", param="references")
    details = {name: getattr(body, name) for name in _DETAILS} | {"sampling": Sampling(**dict(body.sampling))}
    common: dict[str, Any] = {"id": body.id, "languages": body.languages or (), **details}
    if body.base:
        made = await asyncio.to_thread(lambda: _varied(house, body.name, body.base, common))
    else:
        clips = await _clips(house, recordings, body.transcribe, body.languages)
        made = await asyncio.to_thread(lambda: making.clone(house.store, body.name, clips, **common))
    return await made_response(house, made, 201)


async def change(request: web.Request) -> web.Response:
    house, voice_id = request.app[HOUSE], request.match_info["voice_id"]
    body = await read_json(request, ChangeBody)
    transcripts: Sequence[str] | None = body.transcripts if "transcripts" in body.model_fields_set else None
    if body.transcribe:
        transcripts = await _heard(house, voice_id)

    def changed() -> Made:
        profile = house.store.get(voice_id)
        changes = {
            name: getattr(body, name) for name in body.model_fields_set - {"transcripts", "transcribe", "sampling"}
        }
        if "sampling" in body.model_fields_set:
            changes["sampling"] = _sampling(profile, body)
        if transcripts is not None:
            changes["references"] = _with_texts(profile, transcripts)
        return making.edit(house.store, voice_id, **changes)

    return await made_response(house, await asyncio.to_thread(_alone, changed))


async def remove(request: web.Request) -> web.Response:
    await asyncio.to_thread(request.app[HOUSE].store.remove, request.match_info["voice_id"])
    return web.Response(status=204)


async def add_references(request: web.Request) -> web.Response:
    house, voice_id = request.app[HOUSE], request.match_info["voice_id"]
    # Before a long upload.
    profile = await asyncio.to_thread(house.store.get, voice_id)
    body, uploaded = await read_with_clips(request, ReferencesBody)
    recordings = uploaded or recordings_of(body.references)
    if not recordings:
        words = "give at least one clip (references, or the files ref of a form)"
        raise HttpError(400, words, code="malformed-input", param="references")
    clips = await _clips(house, recordings, body.transcribe, profile.languages)

    def changed() -> Made:
        before = _kept(house, voice_id) if body.mode == "append" else []
        return making.edit(house.store, voice_id, [*before, *clips])

    return await made_response(house, await asyncio.to_thread(_alone, changed))


async def remove_reference(request: web.Request) -> web.Response:
    house, voice_id, number = request.app[HOUSE], request.match_info["voice_id"], number_of(request)

    def changed() -> Made:
        reference_of(house.store, voice_id, number)
        kept = _kept(house, voice_id)
        del kept[number - 1]
        if not kept:
            raise MalformedInput(f"this is the only clip of {voice_id}: give it another one first, or remove the voice")
        return making.edit(house.store, voice_id, kept)

    return await made_response(house, await asyncio.to_thread(_alone, changed))


async def made_response(house: House, made: Made, status: int = 200) -> web.Response:
    return json_answer(await asyncio.to_thread(made_answer, house, made), status)


def _alone(change: Callable[[], Made]) -> Made:
    with _one_at_a_time:
        return change()


async def _clips(
    house: House, recordings: Sequence[Recording], transcribe: bool, languages: Sequence[str] | None
) -> list[PreparedClip]:
    return await prepared(house, recordings, transcribe=transcribe, language=languages[0] if languages else None)


def _varied(house: House, name: str, base: str, common: dict[str, Any]) -> Made:
    return making.vary(house.store, name, _built_in(house, base), **common)


def _built_in(house: House, voice_id: str) -> Voice:
    """Raises HttpError 404."""
    own = {profile.id for profile in house.store.profiles()}
    found = next((voice for voice in house.speaker.voices() if voice.id == voice_id and voice.id not in own), None)
    if found is None:
        words = f"base: there is no built-in voice {voice_id[:100]!r} (GET /api/voices lists them)"
        raise HttpError(404, words, code=UnknownVoice.code, param="base")
    return found


def _sampling(profile: Profile, body: ChangeBody) -> Sampling:
    """What is absent in it stays."""
    if body.sampling is None:
        return Sampling()
    return Sampling(**asdict(profile.sampling) | body.sampling.model_dump(exclude_unset=True))


def _with_texts(profile: Profile, texts: Sequence[str]) -> tuple[Any, ...]:
    if len(texts) != len(profile.references):
        words = f"transcripts: {profile.id} has {len(profile.references)} clips: send one for each"
        raise HttpError(400, words, code="malformed-input", param="transcripts")
    pairs = zip(profile.references, texts, strict=True)
    return tuple(replace(reference, transcript=" ".join(text.split())) for reference, text in pairs)


async def _heard(house: House, voice_id: str) -> list[str]:
    profile = await asyncio.to_thread(house.store.get, voice_id)
    wavs = [await asyncio.to_thread(read_clip, house.store, profile, each) for each in profile.references]
    return [await transcript_of(house, wav, profile.languages[0]) for wav in wavs]


def _kept(house: House, voice_id: str) -> list[PreparedClip]:
    """The references that a voice has, as they are on disk."""
    profile, kept = house.store.get(voice_id), []
    for reference in profile.references:
        wav = read_clip(house.store, profile, reference)
        kept.append(PreparedClip(replace(reference, sha256=hashlib.sha256(wav).hexdigest()), wav, ()))
    return kept


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/voices",
        make,
        "Make a voice of clips, or out of a built-in voice.",
        tag=TAG,
        body=VoiceBody,
        uploads=True,
        form=VoiceForm,
        answers={201: MadeAnswer},
    ),
    Endpoint(
        "PATCH",
        "/api/voices/{voice_id}",
        change,
        "Change a voice; what isn't named stays.",
        tag=TAG,
        body=ChangeBody,
        answers={200: MadeAnswer},
    ),
    Endpoint("DELETE", "/api/voices/{voice_id}", remove, "Remove a voice and its clips.", tag=TAG, answers={204: ""}),
    Endpoint(
        "POST",
        "/api/voices/{voice_id}/references",
        add_references,
        "Give a voice more clips, or others.",
        tag=TAG,
        body=ReferencesBody,
        uploads=True,
        form=ReferencesForm,
        answers={200: MadeAnswer},
    ),
    Endpoint(
        "DELETE",
        "/api/voices/{voice_id}/references/{number}",
        remove_reference,
        "Take a clip from a voice that has several.",
        tag=TAG,
        answers={200: MadeAnswer},
    ),
)
