"""`/api/settings`: what is in force and why, and changing it. The hand-written koe.yaml stays as it is."""

import asyncio
import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorBody, HttpError, read_json
from koe.adapters.http.house import HOUSE, House
from koe.core.errors import UnknownVoice
from koe.settings import LiveSettings, Settings, SourceKind, names
from koe.settings.changeable import Effect, effect
from koe.settings.live import Refused, Why

SETTINGS = web.AppKey("settings", LiveSettings)
"""`request.app[SETTINGS]`"""

_TAG = "Settings"

_STATUS = {Why.UNKNOWN: 422, Why.WRONG: 422, Why.FORBIDDEN: 403, Why.FIXED: 409}


class ChangesBody(RootModel[dict[str, JsonValue]]):
    """Dotted names with their values: all of them are taken, or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"voice.default": "espeak-de", "voice.language": None}]})

    root: Annotated[dict[str, JsonValue], Field(min_length=1)]


class SettingEntry(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str = Field(examples=["engine.espeak.rate"])

    description: str = Field(examples=["Words per minute."])

    value: JsonValue = Field(examples=[150])
    """In force now."""

    default: JsonValue = Field(examples=[175])

    source: SourceKind
    """Where the value comes from: later ones of these win over earlier ones."""

    set_by: str = Field(examples=["KOE_ENGINE_ESPEAK_RATE"])
    """The same by name: the file and its line, or the variable."""

    changeable: bool
    """Whether it can be changed here: some belong in the settings file, some are fixed by a variable or the command
    line."""

    takes_effect: Effect | None
    """When a change counts: for requests that begin afterwards, or when Koe is started again; null: it can't be changed
    here."""

    changed: bool
    """Whether a change of it is kept, which DELETE takes back."""

    pending: bool
    """Whether another value waits for the next start."""

    next_value: JsonValue = Field(examples=[150])
    """In force after the next start."""

    json_schema: dict[str, Any] = Field(examples=[{"type": "integer", "minimum": 80, "maximum": 450}])
    """What it takes."""


class SettingsAnswer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    settings: list[SettingEntry]

    config_file: str = Field(examples=["/data/config/koe.yaml"])
    """Written by people alone, who may write here what can't be changed over HTTP. It need not exist."""

    changes_file: str = Field(examples=["/data/config/changes.yaml"])
    """Where changes are kept."""


def install(app: web.Application, live: LiveSettings) -> None:
    """To be called before the server starts."""
    app[SETTINGS] = live
    live.watch(lambda loaded: setattr(app[HOUSE], "loaded", loaded))


async def show_settings(request: web.Request) -> web.Response:
    return _answer(request.app[SETTINGS], names.fields())


async def change_settings(request: web.Request) -> web.Response:
    house, live = request.app[HOUSE], request.app[SETTINGS]
    changes = (await read_json(request, ChangesBody)).root
    await asyncio.to_thread(_change, house, live, changes)
    return _answer(live, changes)


async def take_back_setting(request: web.Request) -> web.Response:
    live, name = request.app[SETTINGS], request.match_info["name"]
    try:
        await asyncio.to_thread(live.take_back, name)
    except Refused as error:
        status = 404 if error.why is Why.UNKNOWN else _STATUS[error.why]
        raise _refusal(error, status) from None
    return _answer(live, [name])


def _change(house: House, live: LiveSettings, changes: Mapping[str, JsonValue]) -> None:
    voice = changes.get("voice.default")
    if isinstance(voice, str):
        _check_voice(house, voice)
    try:
        live.change(changes)
    except Refused as error:
        raise _refusal(error, _STATUS[error.why]) from None


def _check_voice(house: House, voice_id: str) -> None:
    """One that can't speak now, but is kept, may be chosen. Raises HttpError 422."""
    known = {voice.id for voice in house.speaker.voices()} | {profile.id for profile in house.store.profiles()}
    if voice_id in known:
        return
    near = difflib.get_close_matches(voice_id[:100], known, n=3, cutoff=0.5)
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    words = f"voice.default: there is no voice {voice_id[:100]!r}{hint} (GET /api/voices lists them all)"
    raise HttpError(422, words, code=UnknownVoice.code, param="voice.default")


def _refusal(error: Refused, status: int) -> HttpError:
    return HttpError(status, error.message, code=error.code, param=error.name)


def _answer(live: LiveSettings, chosen: Collection[str]) -> web.Response:
    loaded = live.in_force
    answer = SettingsAnswer(
        settings=[entry for entry in _entries(live) if entry.name in chosen],
        config_file=str(loaded.config_file),
        changes_file=str(loaded.changes_file),
    )
    return json_answer(answer)


def _entries(live: LiveSettings) -> Iterator[SettingEntry]:
    now, later = live.in_force, live.next
    values, next_values = names.plain_values(now.settings), names.plain_values(later.settings)
    defaults = names.plain_values(Settings())
    for name, schema in names.schemas().items():
        yield SettingEntry(
            name=name,
            description=schema["description"],
            value=values[name],
            default=defaults[name],
            source=now.sources[name].kind,
            set_by=str(now.sources[name]),
            changeable=effect(name) is not None and name not in now.layers.above,
            takes_effect=effect(name),
            changed=later.sources[name].kind is SourceKind.OVERLAY,
            pending=values[name] != next_values[name],
            next_value=next_values[name],
            json_schema={key: each for key, each in schema.items() if key != "description"},
        )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/settings",
        show_settings,
        "Every setting: its value, where that comes from, and what it takes.",
        tag=_TAG,
        answers={200: SettingsAnswer},
    ),
    Endpoint(
        "PATCH",
        "/api/settings",
        change_settings,
        "Change settings; what isn't named stays.",
        tag=_TAG,
        body=ChangesBody,
        answers={200: SettingsAnswer, 409: ErrorBody, 422: ErrorBody},
    ),
    Endpoint(
        "DELETE",
        "/api/settings/{name}",
        take_back_setting,
        "Take a change back: the settings file, or the default, counts again.",
        tag=_TAG,
        answers={200: SettingsAnswer, 422: ErrorBody},
    ),
)
