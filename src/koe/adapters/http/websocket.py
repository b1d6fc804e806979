"""`/ws/speech`: a text is spoken while it is still being written, one utterance after the other on one connection.

    client   start -> text* -> end      (or cancel, at any time)
    server   header -> binary PCM* -> end, or error

What the messages may be is told by `websocket_dialogue` and by the models below. Every `start` that was understood gets
exactly one `end` or `error` with its number; an `error` without a number is about a single message.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorDetail, error_body
from koe.adapters.http.speech import TAG
from koe.adapters.http.websocket_conversation import converse_as
from koe.adapters.http.websocket_dialogue import Action, Dialogue
from koe.speech import SpeechStats


class Header(BaseModel):
    type: Literal["header"] = "header"
    utterance: int
    """Counted from 1 on each connection."""

    sample_rate: int
    """Hz."""

    format: Literal["pcm16"] = "pcm16"
    """Little-endian."""

    channels: Literal[1] = 1
    voice: str
    seed: int | None


class End(BaseModel):
    type: Literal["end"] = "end"
    utterance: int
    cancelled: bool
    voice: str
    engine: str
    seed: int | None
    fallback: str | None
    """Why another voice spoke than the one that was chosen."""

    characters: int
    first_audio: float | None
    """Seconds from the first text to the first PCM."""

    audio_seconds: float
    elapsed: float
    """Seconds from the first text to the last PCM."""


class Error(BaseModel):
    type: Literal["error"] = "error"
    utterance: int | None
    """The one that it has ended; None: it is about a message."""

    error: ErrorDetail


class OwnManner:
    def __init__(self) -> None:
        self._dialogue = Dialogue()

    @property
    def speaking(self) -> bool:
        return self._dialogue.speaking

    def receive(self, data: str) -> Sequence[Action]:
        action = self._dialogue.receive(data)
        return [action] if action is not None else []

    def over(self) -> None:
        self._dialogue.over()

    def began(self, number: int, sample_rate: int, stats: SpeechStats) -> BaseModel:
        return Header(utterance=number, sample_rate=sample_rate, voice=stats.voice, seed=stats.seed)

    def ended(self, number: int, stats: SpeechStats, sent: int, *, cancelled: bool) -> Sequence[BaseModel]:
        return [End(utterance=number, cancelled=cancelled, **asdict(stats))]

    def failed(self, number: int | None, error: Exception, sent: int | None) -> Sequence[BaseModel]:
        return [Error(utterance=number, error=error_body(error).error)]


async def converse(request: web.Request) -> web.StreamResponse:
    return await converse_as(OwnManner(), request)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/ws/speech",
        converse,
        "A WebSocket: text is spoken while it is still being written.",
        tag=TAG,
        answers={101: ""},
    ),
)
