"""What there is to speak with, as OpenAI's clients and vLLM-Omni's ask for it."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.speech import TAG
from koe.adapters.http.speech_choice import HOUSE_MODEL, OPENAI_MODELS, checkpoints, unknown_model
from koe.core.profile import Profile
from koe.core.voice import Voice

CONSENT = "consent: "
"""How the tag of a voice begins that tells of its speaker's consent."""

_BEGINNING = 1767225600
"""OpenAI's list says of each model when it was made, in seconds since 1970; here it never matters."""


class VoiceOnOffer(BaseModel):
    id: str
    name: str
    languages: list[str]
    """BCP-47 tags; the first is the one that it speaks best."""

    engine: str
    kind: str
    styles: list[str]


class UploadedVoice(BaseModel):
    """A voice that a user made, as vLLM-Omni tells of it."""

    name: str
    """Its id."""

    created_at: int
    """Seconds since 1970."""

    consent: str | None = None
    """As it was given with the recording."""

    ref_text: str | None = None
    speaker_description: str | None = None


class Voices(BaseModel):
    voices: list[str]
    uploaded_voices: list[UploadedVoice]
    details: list[VoiceOnOffer]
    """Of all `voices`, in their order."""

    default: str | None
    """The one that speaks where none is named; null where it can't now."""


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = _BEGINNING
    owned_by: str = "koe"


class Models(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


async def list_voices(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    voices, usual = house.speaker.voices(), house.speaker.usual_voice()
    offered = {voice.id for voice in voices}
    answer = Voices(
        voices=[voice.id for voice in voices],
        uploaded_voices=[uploaded_voice(profile) for profile in house.store.profiles() if profile.id in offered],
        details=[_on_offer(voice) for voice in voices],
        default=usual.id if usual is not None else None,
    )
    return json_answer(answer)


async def list_models(request: web.Request) -> web.Response:
    return json_answer(Models(data=[Model(id=name) for name in await _models(request.app[HOUSE])]))


async def show_model(request: web.Request) -> web.Response:
    """Raises HttpError 404. Of OpenAI's names those are known that a request may use."""
    wanted, known = request.match_info["model"], await _models(request.app[HOUSE])
    if wanted not in (*known, *OPENAI_MODELS):
        raise unknown_model(wanted, known)
    return json_answer(Model(id=wanted))


async def _models(house: House) -> list[str]:
    ready = [name for name, health in house.speaker.health.items() if health.ready]
    return [HOUSE_MODEL, *ready, *await checkpoints(house.loaded.data_dir)]


def _on_offer(voice: Voice) -> VoiceOnOffer:
    return VoiceOnOffer(
        id=voice.id,
        name=voice.name,
        languages=list(voice.languages),
        engine=voice.engine,
        kind=voice.kind,
        styles=list(voice.styles),
    )


def uploaded_voice(profile: Profile) -> UploadedVoice:
    return UploadedVoice(
        name=profile.id,
        created_at=int(profile.created.timestamp()),
        consent=next((tag.removeprefix(CONSENT) for tag in profile.tags if tag.startswith(CONSENT)), None),
        ref_text=profile.transcript or None,
        speaker_description=profile.design or profile.description or None,
    )


ENDPOINTS = (
    Endpoint("GET", "/v1/audio/voices", list_voices, "The voices that can speak now.", tag=TAG, answers={200: Voices}),
    Endpoint(
        "GET", "/v1/models", list_models, "The engines and checkpoints that are here.", tag=TAG, answers={200: Models}
    ),
    Endpoint("GET", "/v1/models/{model:.+}", show_model, "One engine or checkpoint.", tag=TAG, answers={200: Model}),
)
