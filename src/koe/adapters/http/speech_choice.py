"""Which voice a request means: names as clients of other servers write them, and models that are engines here."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from koe.adapters.http.errors import HttpError
from koe.adapters.http.house import House
from koe.adapters.http.speech_body import HowToSpeak, Manner
from koe.core.errors import EngineUnavailable, RequestError, UnknownVoice
from koe.core.languages import best_match
from koe.core.profile import Clip
from koe.core.voice import Voice
from koe.engine import ENGINES, Priority
from koe.engine.qwen.checkpoints import find
from koe.speech import SpeechRequest
from koe.voices.making import prepare_clip

_log = logging.getLogger(__name__)

HOUSE_MODEL = "koe"
"""Whichever engine speaks the voice."""

CHECKPOINTS_ENGINE = "qwen"

OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Clients that can't be told another one name these: any voice may answer."""

OPENAI_VOICES = frozenset(
    "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()  # noqa: SIM905
)
"""What clients ask for that were never told another one: the house's own voice answers."""


async def speech_request(house: House, body: Manner, priority: Priority = Priority.ROOM) -> SpeechRequest:
    """Raises RequestError, UnknownVoice, EngineUnavailable, HttpError."""
    engine = await _engine_of(house, body.model)
    clip = await asyncio.to_thread(_clip_of, body)
    voice = None if body.designed or clip else _voice_of(house, body, engine)
    instructions = body.instructions or None
    return SpeechRequest(
        voice=voice,
        language=body.language,
        style=body.style or None,
        text_format=body.text_format,
        sample_rate=body.sample_rate if isinstance(body, HowToSpeak) else None,
        instruct=None if body.designed else instructions,
        description=instructions if body.designed else None,
        clip=clip,
        seed=body.seed,
        sampling=body.sampling,
        speed=body.speed,
        effects=body.effects,
        # Nobody else could speak in such a voice meanwhile.
        wait=body.designed or clip is not None,
        priority=priority,
    )


def _clip_of(body: Manner) -> Clip | None:
    """Of a voice that is cloned for this request alone. Raises MalformedInput, UnsupportedAbility."""
    recording = body.recording
    if recording is None:
        return None
    return prepare_clip(recording, "" if body.x_vector_only_mode else body.ref_text or "").clip


async def checkpoints(data_dir: Path) -> list[str]:
    """Names of those that are here and can be used."""
    found = await asyncio.to_thread(find, data_dir)
    return sorted({each.name for each in found if each.problem is None})


async def _engine_of(house: House, model: str | None) -> str | None:
    """The engine that must speak; None: any. Raises HttpError 404 for a model that nobody here is."""
    if not model or model == HOUSE_MODEL or model.startswith(OPENAI_MODELS):
        return None
    if model in house.speaker.health:
        return model
    here = await checkpoints(house.loaded.data_dir)
    if model.rpartition("/")[2] in here:
        return CHECKPOINTS_ENGINE
    raise unknown_model(model, (HOUSE_MODEL, *house.speaker.health, *here))


def unknown_model(model: str, known: Iterable[str]) -> HttpError:
    return HttpError(
        404,
        f"there is no model {model[:100]!r} here; there are: {', '.join(known)} (GET /v1/models)",
        code="unknown-model",
        param="model",
    )


def _voice_of(house: House, body: Manner, engine: str | None) -> str | None:
    voices = house.speaker.voices()
    name = _known(body.voice_name, voices)
    if engine is None:
        return name
    if name is not None:
        return _spoken_by(engine, name, voices, str(body.model))
    own = [voice for voice in voices if voice.engine == engine]
    if not own:
        health = house.speaker.health.get(engine)
        raise EngineUnavailable(f"{body.model} can't speak: {(health and health.reason) or 'it has no voices'}")
    return _of_language(body.language or house.speaker.default_voice().languages[0], own, asked=bool(body.language)).id


def _known(name: str, voices: list[Voice]) -> str | None:
    """The id of the voice that a client means; what nobody knows stays as it is, for the Speaker to explain."""
    ids = {voice.id.lower(): voice.id for voice in voices}
    asked = name.lower()
    for candidate in (asked, *(f"{engine}-{asked}" for engine in ENGINES)):
        if candidate in ids:
            return ids[candidate]
    if asked in OPENAI_VOICES:
        _log.info("the voice %s is one of OpenAI's: the house's own speaks", asked)
        return None
    return name or None


def _spoken_by(engine: str, voice_id: str, voices: list[Voice], model: str) -> str:
    other = next((voice.engine for voice in voices if voice.id == voice_id), engine)
    if other != engine:
        raise RequestError(f"the voice {voice_id} is one of {other}'s: {model} can't speak it (leave out `model`)")
    return voice_id


def _of_language(language: str, voices: list[Voice], *, asked: bool) -> Voice:
    tag = best_match(language, [tag for voice in voices for tag in voice.languages])
    if tag is None and asked:
        raise UnknownVoice(f"no voice of {voices[0].engine} speaks {language!r} (GET /v1/audio/voices lists them)")
    return next((voice for voice in voices if tag in voice.languages), voices[0])
