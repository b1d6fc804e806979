"""What can be known before a voice is made: what there is to make it with, and whether a recording is good enough."""

import asyncio
import math

from aiohttp import web

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.house import HOUSE
from koe.adapters.http.voices.answers import AbilitiesAnswer, AbilityAnswer, CheckAnswer
from koe.adapters.http.voices.bodies import CheckBody
from koe.adapters.http.voices.forms import CheckForm
from koe.adapters.http.voices.listing import TAG
from koe.adapters.http.voices.reading import checked, read_recording
from koe.core.errors import EngineUnavailable, KoeError
from koe.core.languages import LANGUAGES, at_home

_NO_TRANSCRIBER = EngineUnavailable("no server is named in the setting transcription.server", problem="no-transcriber")


async def check(request: web.Request) -> web.Response:
    _, recording = await read_recording(request, CheckBody)
    found = await asyncio.to_thread(checked, recording)
    return json_answer(
        CheckAnswer(
            duration=round(found.duration, 3),
            level=round(20 * math.log10(found.rms), 1),
            above_noise=round(found.snr_db, 1),
            sample_rate=found.sample_rate,
            warnings=list(found.warnings),
        )
    )


async def abilities(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    clone, design = await asyncio.to_thread(lambda: (house.clone_obstacle(), house.design_obstacle()))
    named = house.loaded.settings.transcription.server
    return json_answer(
        AbilitiesAnswer(
            clone=_ability(clone),
            design=_ability(design),
            transcribe=_ability(None if named else _NO_TRANSCRIBER),
            languages=[at_home(tag) for tag in LANGUAGES],
        )
    )


def _ability(obstacle: KoeError | None) -> AbilityAnswer:
    if obstacle is None:
        return AbilityAnswer(ready=True)
    return AbilityAnswer(ready=False, reason=obstacle.message, problem=obstacle.problem)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/voices/abilities",
        abilities,
        "Whether voices can be cloned and designed here, and what is missing.",
        tag=TAG,
        answers={200: AbilitiesAnswer},
    ),
    Endpoint(
        "POST",
        "/api/voices/check",
        check,
        "Whether a recording would do for a voice (a form has it as the file `audio`); nothing is kept.",
        tag=TAG,
        body=CheckBody,
        uploads=True,
        form=CheckForm,
        answers={200: CheckAnswer},
    ),
)
