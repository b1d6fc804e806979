"""A Speaker and a Wyoming server in this process, and a client made of the wyoming package."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from koe.adapters.wyoming import WyomingServer
from koe.engine import Engine
from koe.settings import ListenAddress, SpeechSettings, VoiceSettings, WyomingSettings
from koe.speech import Speaker

PATIENCE = 20.0
"""Seconds after which a test gives up waiting: far more than anything here takes."""


@dataclass
class House:
    speaker: Speaker
    server: WyomingServer

    @property
    def uri(self) -> str:
        return self.server.uris[0]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncClient]:
        async with AsyncClient.from_uri(self.uri) as client:
            yield client

    async def say(self, text: str, **options: Any) -> "Heard":
        """Legacy synthesis on a connection of its own."""
        async with self.client() as client:
            await client.write_event(Synthesize(text, **options).event())
            return await hear(client)

    async def stream(self, pieces: Iterable[str], **options: Any) -> "Heard":
        """Streaming synthesis, as Home Assistant does it."""
        async with self.client() as client:
            for event in stream_events(pieces, **options):
                await client.write_event(event)
            return await hear(client, last="synthesize-stopped")


@dataclass
class Heard:
    """What a client got for one request."""

    events: list[Event] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """Without repetitions of audio-chunk."""
        types = [event.type for event in self.events]
        return [t for i, t in enumerate(types) if i == 0 or t != "audio-chunk" or types[i - 1] != "audio-chunk"]

    @property
    def pcm(self) -> bytes:
        return b"".join(event.payload or b"" for event in self.events if event.type == "audio-chunk")

    @property
    def rate(self) -> int:
        return int(self.events[0].data["rate"])

    @property
    def error(self) -> str | None:
        """The error's code."""
        return next((event.data["code"] for event in self.events if event.type == "error"), None)

    @property
    def error_text(self) -> str:
        return next((str(event.data["text"]) for event in self.events if event.type == "error"), "")


def stream_events(pieces: Iterable[str], *, repeat_whole: bool = True, voice: str | None = None) -> list[Event]:
    pieces = list(pieces)
    chosen = SynthesizeVoice(name=voice) if voice else None
    whole = [Synthesize("".join(pieces), voice=chosen).event()] if repeat_whole else []
    return [
        SynthesizeStart(voice=chosen).event(),
        *(SynthesizeChunk(piece).event() for piece in pieces),
        *whole,
        SynthesizeStop().event(),
    ]


async def hear(client: AsyncClient, last: str = "audio-stop") -> Heard:
    """The events of one request: to its last one, an error, or the end of the connection."""
    heard = Heard()
    async with asyncio.timeout(PATIENCE):
        while (event := await client.read_event()) is not None:
            heard.events.append(event)
            if event.type in (last, "error"):
                break
    return heard


@asynccontextmanager
async def house(
    *engines: Engine,
    fallback: str | None = None,
    speech: SpeechSettings | None = None,
    voice: VoiceSettings | None = None,
    listen: Sequence[str] = ("tcp://127.0.0.1:0",),
    grace: float = 0.0,
    **wyoming: Any,
) -> AsyncIterator[House]:
    """Running from here to the end of the block; `wyoming` are settings of that section."""
    speaker = Speaker(
        engines,
        fallback=fallback,
        default_language="en-US",
        speech=speech or SpeechSettings(),
        voice=voice or VoiceSettings(),
    )
    addresses = tuple(ListenAddress.parse(uri) for uri in listen)
    server = WyomingServer(speaker, WyomingSettings(listen=addresses, **wyoming), "Koe")
    try:
        await speaker.start()
        await server.start()
        yield House(speaker, server)
    finally:
        await server.stop(grace)
        await speaker.stop()
