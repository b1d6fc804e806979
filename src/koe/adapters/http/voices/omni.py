"""Voices as vLLM-Omni's clients upload and remove them.

    POST   /v1/audio/voices         a form: audio_sample, consent, name; ref_text and speaker_description where known
    DELETE /v1/audio/voices/{name}

An uploaded voice is a cloned voice of the house. Its `name` is the id, in small letters as there; what can be no id is
made into one, and the answer tells it. `consent` is kept as a tag. A `speaker_embedding` instead of the sample is
refused: a voice here can always be heard by people, too.
"""

import asyncio
import json
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.answers import json_answer
from koe.adapters.http.endpoints import Endpoint, FormFile
from koe.adapters.http.errors import HttpError, parse_json
from koe.adapters.http.house import HOUSE
from koe.adapters.http.limits_form import read_form
from koe.adapters.http.speech_catalog import CONSENT, UploadedVoice, uploaded_voice
from koe.adapters.http.voices.reading import Recording, check_fields, prepared
from koe.voices import making
from koe.voices.fields import Name, Text
from koe.voices.ids import is_id

TAG = "Voices as vLLM-Omni has them"


class UploadFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(description="By which requests name it.")]
    consent: Annotated[Name, Field(max_length=80, description="That the speaker agrees, or where that is kept.")]
    ref_text: Annotated[Text, Field(description="What is said in the sample.")] = ""
    speaker_description: Text = ""


class UploadForm(UploadFields):
    audio_sample: FormFile


class Uploaded(BaseModel):
    success: Literal[True] = True
    voice: UploadedVoice
    warnings: list[str]
    """For people: what could be better."""


class Removed(BaseModel):
    success: Literal[True] = True
    message: str


async def upload(request: web.Request) -> web.Response:
    house, form = request.app[HOUSE], await read_form(request)
    if "speaker_embedding" in form.texts:
        words = "speaker_embedding: send a recording (audio_sample) instead"
        raise HttpError(400, words, code="unsupported-ability", param="speaker_embedding")
    check_fields(form, texts=tuple(UploadFields.model_fields), files=("audio_sample",))
    if len(form.files) != 1:
        raise HttpError(400, "audio_sample: send one file", code="malformed-input", param="audio_sample")
    fields = parse_json(json.dumps(form.plain()), UploadFields)
    clips = await prepared(house, [Recording(form.files[0].content, fields.ref_text, "audio_sample")])
    name = fields.name.lower()
    made = await asyncio.to_thread(
        lambda: making.clone(
            house.store,
            fields.name,
            clips,
            id=name if is_id(name) else None,
            description=fields.speaker_description,
            tags=(f"{CONSENT}{fields.consent}",),
        )
    )
    return json_answer(Uploaded(voice=uploaded_voice(made.profile), warnings=list(made.warnings)))


async def remove(request: web.Request) -> web.Response:
    """Raises UnknownVoice."""
    name = request.match_info["name"].lower()
    await asyncio.to_thread(request.app[HOUSE].store.remove, name)
    return json_answer(Removed(message=f"the voice {name} was removed"))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/audio/voices",
        upload,
        "Make a voice of a recording.",
        tag=TAG,
        uploads=True,
        form=UploadForm,
        answers={200: Uploaded},
    ),
    Endpoint("DELETE", "/v1/audio/voices/{name}", remove, "Remove a voice.", tag=TAG, answers={200: Removed}),
)
