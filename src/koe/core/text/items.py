"""What the readers of plain text and SSML hand to the normaliser: text in pieces that stand for themselves."""

from dataclasses import dataclass

from koe.core.text.parts import Pause

MAX_PAUSE = 10.0
"""Seconds; nobody waits longer for a voice to go on."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text without markup, not yet cleaned nor verbalised; white space at its end separates it."""

    text: str

    language: str | None = None
    """The language that the markup names, if it does."""


@dataclass(frozen=True, slots=True)
class SaidAs:
    """Text whose reading the markup prescribes."""

    text: str
    interpret_as: str
    format: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Here a sentence, a paragraph or a line of a list ends."""


Item = Words | SaidAs | Break | Pause


def bounded_pause(seconds: float) -> list[Pause]:
    """The pause, at most `MAX_PAUSE` long; nothing where there is none."""
    return [Pause(min(seconds, MAX_PAUSE))] if seconds > 0 else []
