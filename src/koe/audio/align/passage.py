"""What goes to the aligning process and what comes back: one JSON object a line, an answer for each passage."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from koe.core.languages import LANGUAGES
from koe.core.text.parts import TextFormat
from koe.core.words import TimedWord

MOST_SECONDS = 4 * 3600.0
"""Of one passage: whisper has all of it in memory."""

MOST_CHARACTERS = 1_000_000


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Passage(_Line):
    """A text, and where in a file it is spoken."""

    file: str
    """Its path."""

    start: Annotated[float, Field(ge=0)] = 0.0
    seconds: float | None = None
    """None: to the end of the file."""

    text: str
    text_format: TextFormat = "text"
    language: str | None = None
    """BCP-47 tag; None: found out from the text."""

    candidates: tuple[str, ...] = LANGUAGES
    """The languages that it may be in, where none is given."""

    whisper: str | None = None
    """The folder of a faster-whisper model, or its name where it was downloaded before."""


class Aligned(_Line):
    aligner: str
    language: str
    words: tuple[TimedWord, ...]
    """Times are counted from the start of the file, characters from the start of the text."""


class Failure(_Line):
    code: str
    """Of a KoeError."""

    message: str
