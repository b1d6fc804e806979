"""Which settings can be changed while Koe runs, and from when on that counts."""

from collections.abc import Iterable
from enum import StrEnum

_NEVER = ("version", "http", "words.whisper", "wyoming.listen", "engine.remote.servers", "home_assistant")
"""Who reaches the house, and how: a mistake would lock its people out, or let others in. Where it sends what is said,
and its keys. And whatever names a file."""

_NOW = (
    "engine.espeak",
    "engine.fallback",
    "engine.qwen.styles",
    "log.level",
    "outputs.keep_rooms",
    "speech",
    "transcription",
    "voice",
)


class Effect(StrEnum):
    NOW = "now"
    """For requests that begin afterwards."""

    NEXT_START = "next start"


def effect(name: str) -> Effect | None:
    """None: it is changed in the settings file alone."""
    if _is_in(name, _NEVER):
        return None
    return Effect.NOW if _is_in(name, _NOW) else Effect.NEXT_START


def _is_in(name: str, listed: Iterable[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in listed)
