"""What flows between the stages of `koe.core.text`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Speech:
    """Words to be spoken. Neighbours join without anything between them: spaces are in the text."""

    text: str

    language: str | None = None
    """BCP-47 tag in which the text was read; None where nobody knows it (the voice decides)."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence that the text asked for."""

    seconds: float


Part = Speech | Pause

TextFormat = Literal["text", "ssml"]
