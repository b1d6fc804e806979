"""The same under the paths that Open Speech has."""

import asyncio
from contextlib import aclosing

from aiohttp import web

from koe.adapters.http.busy import TURNS
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import read_json
from koe.adapters.http.house import HOUSE
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.speech import ADAPTER
from koe.adapters.http.voices.answers import MadeAnswer, VoiceList
from koe.adapters.http.voices.bodies import ListQuery, PresetBody, VoiceBody
from koe.adapters.http.voices.designing import designs_of
from koe.adapters.http.voices.forms import VoiceForm
from koe.adapters.http.voices.listing import list_own
from koe.adapters.http.voices.making import made_response, make, remove

TAG = "Open Speech"


async def create_preset(request: web.Request) -> web.Response:
    """One candidate, which is kept."""
    house, body = request.app[HOUSE], await read_json(request, PresetBody)
    designing = designs_of(house, body.voice_description, body.language, body.sample_text, (None,))
    async with request.app[TURNS].turn(request.app[METRICS], ADAPTER), aclosing(designing):
        (design,) = [each async for each in designing]
    made = await asyncio.to_thread(house.designer.keep, house.store, design.id, 1, body.name)
    return await made_response(house, made, 201)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/voice-presets/create",
        create_preset,
        "Design a voice and keep it.",
        tag=TAG,
        body=PresetBody,
        answers={201: MadeAnswer},
    ),
    Endpoint(
        "GET",
        "/api/profiles",
        list_own,
        "The voices that were made here.",
        tag=TAG,
        query=ListQuery,
        answers={200: VoiceList},
    ),
    Endpoint(
        "POST",
        "/api/profiles",
        make,
        "As POST /api/voices.",
        tag=TAG,
        body=VoiceBody,
        uploads=True,
        form=VoiceForm,
        answers={201: MadeAnswer},
    ),
    Endpoint(
        "DELETE", "/api/profiles/{voice_id}", remove, "As DELETE /api/voices/{voice_id}.", tag=TAG, answers={204: ""}
    ),
)
