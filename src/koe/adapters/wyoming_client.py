"""A Wyoming server as a Speaker: any server that can speak, Koe or another, with the verbs of `koe.speech`.

async with connect("tcp://192.168.1.5:10210") as speaker:
    utterance = speaker.open(SpeechRequest(voice="espeak-de"))
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.client import AsyncClient, AsyncTcpClient, AsyncUnixClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info, TtsProgram
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from koe.core.errors import BY_CODE, DeadlineExceeded, EngineError, EngineUnavailable, KoeError, MalformedInput
from koe.core.pcm import BYTES_PER_SAMPLE, duration
from koe.core.voice import Voice
from koe.settings import ListenAddress
from koe.speech import SpeechRequest, SpeechStats

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 30.0
_FAREWELL_SECONDS = 2.0

_MOST_TEXT_AT_ONCE = 16384
"""Characters; servers limit how large an event may be."""

_MALFORMED = (KeyError, TypeError, AttributeError, ValueError)


@contextlib.asynccontextmanager
async def connect(uri: str, *, reply_timeout: float = REPLY_SECONDS) -> AsyncIterator["RemoteSpeaker"]:
    """`reply_timeout`: seconds that the server may be silent once it has the whole text.

    Raises EngineUnavailable where nobody answers, ValueError where `uri` is none.
    """
    client = _client(uri)
    try:
        yield RemoteSpeaker(client, await _meet(client, uri), reply_timeout)
    finally:
        await _leave(client)


class RemoteSpeaker:
    """One connection, so one utterance at a time."""

    def __init__(self, client: AsyncClient, program: TtsProgram, reply_timeout: float) -> None:
        self._client, self._program, self._reply_timeout = client, program, reply_timeout

    @property
    def title(self) -> str:
        """The server's name for itself."""
        return self._program.name

    def voices(self) -> list[Voice]:
        return [
            Voice(
                id=voice.name,
                name=voice.description or voice.name,
                languages=tuple(voice.languages),
                engine=self.title,
                styles=tuple(speaker.name for speaker in voice.speakers or ()),
            )
            for voice in self._program.voices
            if voice.installed
        ]

    def open(self, request: SpeechRequest) -> "RemoteUtterance":
        """To be called in the event loop that will iterate."""
        return RemoteUtterance(self._client, self._program, request, self._reply_timeout)


class RemoteUtterance:
    """The contract of `koe.speech.Utterance`; errors of the server come back as Koe's own."""

    def __init__(self, client: AsyncClient, program: TtsProgram, request: SpeechRequest, reply_timeout: float) -> None:
        self._client, self._request, self._reply_timeout = client, request, reply_timeout
        self._streaming = program.supports_synthesize_streaming
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._clock = asyncio.get_running_loop().time
        self._first_text: float | None = None
        self._sample_rate: int | None = None
        self._sent_bytes = 0
        self._to_mono = AudioChunkConverter(width=BYTES_PER_SAMPLE, channels=1)
        self.stats = SpeechStats(voice=request.voice or "the server's own", engine=program.name)
        self._chunks = self._spoken()

    @property
    def sample_rate(self) -> int:
        """Hz; known from the first chunk on."""
        if self._sample_rate is None:
            raise RuntimeError("the sample rate is known from the first chunk on")
        return self._sample_rate

    def feed(self, text: str) -> None:
        if self._first_text is None:
            self._first_text = self._clock()
        self.stats.characters += len(text)
        self._texts.put_nowait(text)

    def finish(self) -> None:
        self._texts.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        await self._chunks.aclose()

    async def _spoken(self) -> AsyncGenerator[bytes]:
        sender = asyncio.create_task(self._send())
        try:
            async for event in self._events(sender):
                if pcm := self._pcm(event):
                    self._measure(pcm)
                    yield pcm
                if self._is_last(event):
                    return
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _events(self, sender: "asyncio.Task[None]") -> AsyncIterator[Event]:
        while True:
            event = await self._next_event(sender)
            if Error.is_type(event.type):
                raise _as_koe_error(event)
            yield event

    async def _next_event(self, sender: "asyncio.Task[None]") -> Event:
        reading = asyncio.ensure_future(self._client.read_event())
        try:
            while not (await asyncio.wait({reading}, timeout=self._reply_timeout))[0]:
                # As long as text is still to come, the server's silence is no fault.
                if sender.done():
                    raise DeadlineExceeded(f"the server said nothing for {self._reply_timeout:g} seconds")
            event = reading.result()
        except (OSError, EOFError) as error:
            raise EngineError(f"the connection to the server broke: {error}") from error
        finally:
            reading.cancel()
        if event is None:
            raise EngineError("the server closed the connection before it had spoken everything")
        return event

    async def _send(self) -> None:
        voice = _voice(self._request)
        text_format = self._request.text_format
        if self._streaming:
            await self._client.write_event(SynthesizeStart(voice, text_format).event())
        texts: list[str] = []
        while (text := await self._texts.get()) is not None:
            texts.append(text)
            if self._streaming:
                await self._send_chunks(text)
        # Servers without live text speak this one; the others know the text already and ignore it.
        await self._client.write_event(Synthesize("".join(texts), voice, text_format).event())
        if self._streaming:
            await self._client.write_event(SynthesizeStop().event())

    async def _send_chunks(self, text: str) -> None:
        for start in range(0, len(text), _MOST_TEXT_AT_ONCE):
            chunk = text[start : start + _MOST_TEXT_AT_ONCE]
            await self._client.write_event(SynthesizeChunk(chunk).event())

    def _pcm(self, event: Event) -> bytes:
        try:
            if AudioStart.is_type(event.type):
                self._take_rate(AudioStart.from_event(event).rate)
            if not AudioChunk.is_type(event.type):
                return b""
            chunk = self._to_mono.convert(AudioChunk.from_event(event))
        except _MALFORMED as error:
            raise MalformedInput(f"the server sent an {event.type} that is none: {error!r}") from error
        self._take_rate(chunk.rate)
        return chunk.audio

    def _take_rate(self, rate: int) -> None:
        if self._sample_rate not in (None, rate):
            raise MalformedInput(f"the server went from {self._sample_rate} to {rate} Hz in the middle")
        self._sample_rate = rate

    def _is_last(self, event: Event) -> bool:
        return (SynthesizeStopped if self._streaming else AudioStop).is_type(event.type)

    def _measure(self, pcm: bytes) -> None:
        now = self._clock()
        started = self._first_text or now
        self._sent_bytes += len(pcm)
        if self.stats.first_audio is None:
            self.stats.first_audio = now - started
        self.stats.audio_seconds = duration(self._sent_bytes, self.sample_rate)
        self.stats.elapsed = now - started


def _client(uri: str) -> AsyncClient:
    address = ListenAddress.parse(uri)
    if address.kind == "unix":
        return AsyncUnixClient(address.path)
    if address.every_address:
        raise ValueError(f"{uri}: name the server, such as tcp://192.168.1.5:{address.port}")
    return AsyncTcpClient(address.host, address.port)


async def _meet(client: AsyncClient, uri: str) -> TtsProgram:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect()
            return await _describe(client)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "no answer in time"
        raise EngineUnavailable(f"no speech server answers at {uri} ({reason}): is it running?") from error


async def _describe(client: AsyncClient) -> TtsProgram:
    await client.write_event(Describe().event())
    while (event := await client.read_event()) is not None:
        if Info.is_type(event.type):
            return _first_program(event)
        if Error.is_type(event.type):
            raise _as_koe_error(event)
    raise EngineUnavailable("what answers there is no Wyoming server")


def _first_program(event: Event) -> TtsProgram:
    try:
        programs = Info.from_event(event).tts
    except _MALFORMED as error:
        raise MalformedInput(f"the server described itself in a way nobody understands: {error!r}") from error
    if not programs:
        raise EngineUnavailable("the server there is a Wyoming server, but not one that speaks")
    return programs[0]


def _voice(request: SpeechRequest) -> SynthesizeVoice | None:
    if request.voice is None and request.language is None:
        return None
    return SynthesizeVoice(name=request.voice, language=request.language, speaker=request.style)


def _as_koe_error(event: Event) -> KoeError:
    """The error of that code, if it is one of Koe's."""
    text, code = str(event.data.get("text", "the server failed")), event.data.get("code")
    return BY_CODE.get(str(code), EngineError)(text)


async def _leave(client: AsyncClient) -> None:
    # A server that is gone, or reads no more, is left all the same.
    with contextlib.suppress(OSError):
        await asyncio.wait_for(client.disconnect(), _FAREWELL_SECONDS)
