"""What forms about voices (multipart/form-data) may hold, for the document; they are checked where they are read."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from koe.adapters.http.endpoints import FormFile
from koe.adapters.http.voices.bodies import ReferencesBody, VoiceBody
from koe.voices.fields import Language, Text
from koe.voices.files import MAX_REFERENCES


class _ClipsForm(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    ref: Annotated[list[FormFile], Field(max_length=MAX_REFERENCES)] = []
    """The clips."""

    text: Annotated[list[Text], Field(max_length=MAX_REFERENCES)] = []
    """What is said in each of them: none, or one for each."""


class VoiceForm(_ClipsForm):
    data: VoiceBody
    """As JSON, without `references`."""


class ReferencesForm(_ClipsForm):
    data: ReferencesBody = ReferencesBody()
    """As JSON, without `references`."""


class TranscribeForm(BaseModel):
    audio: FormFile
    language: Language | None = None


class CheckForm(BaseModel):
    audio: FormFile


class ImportForm(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    file: FormFile
    """The zip."""
