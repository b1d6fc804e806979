"""What the handlers work on: handed to the server once, found by every request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from koe.pipelines.design_clone import Designer
from koe.settings import Loaded
from koe.speech import Speaker
from koe.voices.store import VoiceStore

Transcribe = Callable[[bytes, int, str | None], Awaitable[str]]
"""(16-bit mono PCM, its rate in Hz, BCP-47 tag or None) -> what is said."""


@dataclass(frozen=True, slots=True)
class House:
    loaded: Loaded
    """The settings in force, and where everything lies."""

    speaker: Speaker
    store: VoiceStore
    designer: Designer
    transcribe: Transcribe


HOUSE = web.AppKey("house", House)
"""`request.app[HOUSE]`"""
