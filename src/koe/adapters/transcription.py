"""What is said in a clip, asked of a Wyoming speech-to-text server that the user has: whisper, vosk and their like.

text = await transcribe(pcm, 24000, "de", "tcp://192.168.1.5:10300")
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe, Info
from zeroconf import Error as ZeroconfError
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from koe.audio.resample import StreamResampler
from koe.core.errors import EngineError, EngineTimeout, EngineUnavailable
from koe.core.languages import base, canonical, matches
from koe.core.pcm import BYTES_PER_SAMPLE
from koe.core.text.transcript import clean
from koe.settings import ListenAddress

_log = logging.getLogger(__name__)

DISCOVER_SECONDS = 3.0
CONNECT_SECONDS = 5.0
_DESCRIBE_SECONDS = 2.0

_SAMPLE_RATE = 16000
"""Hz, which every speech-to-text server understands."""

_CHUNK_BYTES = 8192

_MOST_BYTES = 1024 * 1024
"""Of all that a server answers; a transcript has some thousands, a description some ten thousands."""

_MOST_CHARACTERS = 500
"""Of an error's text."""

_MOST_SERVICES = 64
"""On the LAN that are asked what they are."""

_SERVICE_TYPE = "_wyoming._tcp.local."

_MALFORMED = (KeyError, TypeError, AttributeError, ValueError, RecursionError)

_REMEDY = "name one in the setting transcription.server (such as tcp://192.168.1.5:10300), or type what the clip says"


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A speech-to-text server that answers."""

    uri: str

    name: str
    """Its program's, such as faster-whisper."""

    languages: tuple[str, ...]
    """BCP-47 tags of its installed models, canonical."""

    def knows(self, language: str | None) -> bool:
        """Whether one of its languages is this one, in any region; None: any will do."""
        return language is None or any(matches(language, tag) for tag in self.languages)


async def transcribe(
    samples_pcm: bytes,
    sample_rate: int,
    language: str | None,
    server: str | None,
    *,
    timeout: float = 60.0,  # noqa: ASYNC109 - it ends in an error that names the server
) -> str:
    """The words of a clip, `clean`; empty where none were heard.

    `samples_pcm`: 16-bit mono at `sample_rate` Hz. `language`: a BCP-47 tag; None: the server finds out. `server`: its
    URI, tcp:// or unix://; None: the first on the LAN that knows the language. `timeout`: seconds from connecting to
    the transcript.

    Raises EngineUnavailable where no server is found or it can't be reached, EngineTimeout, EngineError with what the
    server said or did wrong; ValueError where `language` or `server` is none.
    """
    code = base(language) if language is not None else None
    uri = server if server is not None else (await _first_that_knows(code)).uri
    pcm = await asyncio.to_thread(_resampled, samples_pcm, sample_rate)
    async with _conversation(uri, timeout) as conversation:
        sender = asyncio.create_task(conversation.write(_request(pcm, code)))
        try:
            return clean(await _transcript(conversation))
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


async def discover(timeout: float = DISCOVER_SECONDS) -> list[FoundServer]:  # noqa: ASYNC109 - it ends in an answer
    """The speech-to-text servers that announce themselves on the LAN and answer within `timeout` seconds, which it
    always takes; none where there is no network."""
    return await _look(timeout, enough=lambda _: False)


async def _first_that_knows(language: str | None) -> FoundServer:
    found = await _look(DISCOVER_SECONDS, enough=lambda server: server.knows(language))
    for server in found:
        if server.knows(language):
            return server
    if found:
        others = ", ".join(f"{server.name} at {server.uri}" for server in found)
        raise EngineUnavailable(f"no speech-to-text server on the LAN knows {language!r} ({others} do not): {_REMEDY}")
    raise EngineUnavailable(f"no speech-to-text server was found on the LAN: {_REMEDY}")


def _resampled(pcm: bytes, sample_rate: int) -> bytes:
    if sample_rate == _SAMPLE_RATE:
        return pcm
    resampler = StreamResampler(sample_rate, _SAMPLE_RATE)
    return resampler.feed(pcm) + resampler.finish()


def _request(pcm: bytes, language: str | None) -> Iterator[Event]:
    form = {"rate": _SAMPLE_RATE, "width": BYTES_PER_SAMPLE, "channels": 1}
    # What is no speech-to-text server ignores the rest in silence; its description tells.
    yield Describe().event()
    yield Transcribe(language=language).event()
    yield AudioStart(**form).event()
    for start in range(0, len(pcm), _CHUNK_BYTES):
        yield AudioChunk(**form, audio=pcm[start : start + _CHUNK_BYTES]).event()
    yield AudioStop().event()


async def _transcript(conversation: "_Conversation") -> str:
    streamed: list[str] = []
    while True:
        event = await conversation.read()
        if Transcript.is_type(event.type):
            return conversation.text_of(event)
        if TranscriptChunk.is_type(event.type):
            streamed.append(conversation.text_of(event))
        elif TranscriptStop.is_type(event.type):
            return "".join(streamed)
        elif Info.is_type(event.type):
            conversation.server_of(event)


class _Conversation:
    """One connection; its errors name the server."""

    def __init__(self, uri: str, reader: "_BoundedReader", writer: asyncio.StreamWriter) -> None:
        self._uri, self._reader, self._writer = uri, reader, writer

    async def write(self, events: Iterable[Event]) -> None:
        for event in events:
            await async_write_event(event, self._writer)

    async def read(self) -> Event:
        try:
            event = await async_read_event(self._reader)
        except _MALFORMED:
            event = None
        if event is None or not isinstance(event.data, dict):
            raise EngineError(f"what answers at {self._uri} is no Wyoming server")
        if Error.is_type(event.type):
            text = str(event.data.get("text", "it failed"))[:_MOST_CHARACTERS]
            raise EngineError(f"{_the_server(self._uri)} says: {text}")
        return event

    def text_of(self, event: Event) -> str:
        text = event.data.get("text")
        if not isinstance(text, str):
            raise EngineError(f"{_the_server(self._uri)} sent a {event.type} without a text")
        return text

    def server_of(self, description: Event) -> FoundServer:
        """Raises EngineUnavailable where it does not transcribe."""
        try:
            programs = [program for program in Info.from_event(description).asr if program.installed]
            models = [model for program in programs for model in program.models if model.installed]
            languages = dict.fromkeys(tag for model in models for tag in _tags(model.languages))
        except _MALFORMED as error:
            raise EngineError(f"{_the_server(self._uri)} describes itself in a way nobody understands") from error
        if not programs:
            raise EngineUnavailable(f"the Wyoming server at {self._uri} is none that transcribes")
        return FoundServer(self._uri, str(programs[0].name), tuple(languages))


def _tags(languages: Iterable[str]) -> Iterator[str]:
    for language in languages:
        # Some list "auto" among them.
        with contextlib.suppress(ValueError):
            yield canonical(language)


def _the_server(uri: str) -> str:
    return f"the speech-to-text server at {uri}"


@contextlib.asynccontextmanager
async def _conversation(uri: str, seconds: float) -> AsyncIterator[_Conversation]:
    """With the server there, for at most `seconds`; then, and when the connection breaks, it ends in an EngineError."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await _connect(uri)
            try:
                yield _Conversation(uri, reader, writer)
            finally:
                # Not closed, for that would wait for a server that reads no more.
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError as error:
        raise EngineTimeout(f"{_the_server(uri)} did not answer within {seconds:g} seconds") from error
    except _TooMuch as error:
        raise EngineError(f"{_the_server(uri)} sends more than {_MOST_BYTES} bytes") from error
    except EOFError as error:
        raise EngineError(f"{_the_server(uri)} closed the connection without an answer") from error
    except OSError as error:
        raise EngineError(f"the connection to {_the_server(uri)} broke: {_reason(error)}") from error


async def _connect(uri: str) -> "tuple[_BoundedReader, asyncio.StreamWriter]":
    address = ListenAddress.parse(uri)
    if address.every_address:
        raise ValueError(f"{uri}: name the server, such as tcp://192.168.1.5:{address.port}")
    loop, reader = asyncio.get_running_loop(), _BoundedReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport: asyncio.WriteTransport
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if address.kind == "unix":
                transport, _ = await loop.create_unix_connection(lambda: protocol, address.path)
            else:
                transport, _ = await loop.create_connection(lambda: protocol, address.host, address.port)
    except OSError as error:
        raise EngineUnavailable(
            f"no speech-to-text server answers at {uri} ({_reason(error)}): is it running?"
        ) from error
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _reason(error: OSError) -> str:
    if error.errno is None:
        return str(error) or "no answer in time"
    # The text of asyncio's own errors only repeats the address.
    return str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)


class _TooMuch(Exception):
    """More than _MOST_BYTES."""


class _BoundedReader(asyncio.StreamReader):
    """For the wyoming package, which would keep as much as a server cares to send. EOFError where there is no more."""

    def __init__(self) -> None:
        super().__init__(limit=_MOST_BYTES)
        self._left = _MOST_BYTES

    async def readline(self) -> bytes:
        try:
            line = await super().readline()
        except ValueError as error:
            raise _TooMuch from error
        if not line:
            raise EOFError
        return self._spent(line)

    async def readexactly(self, n: int) -> bytes:
        if n > self._left:
            raise _TooMuch
        return self._spent(await super().readexactly(n))

    def _spent(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuch
        return data


async def _look(seconds: float, enough: Callable[[FoundServer], bool]) -> list[FoundServer]:
    """Those that answer within the time, or up to the first that is enough."""
    found: list[FoundServer] = []
    try:
        async with _searching() as answers, asyncio.timeout(seconds):
            while not any(map(enough, found)):
                found.append(await answers.get())
    except TimeoutError:
        pass
    except (OSError, ZeroconfError) as error:
        _log.warning("could not look for speech-to-text servers on the LAN: %s", error)
    return found


@contextlib.asynccontextmanager
async def _searching() -> "AsyncIterator[asyncio.Queue[FoundServer]]":
    try:
        zeroconf = AsyncZeroconf()
    except RuntimeError as error:
        # What zeroconf raises where there is no interface.
        raise OSError(str(error)) from error
    search = _Search()
    browser = AsyncServiceBrowser(zeroconf.zeroconf, _SERVICE_TYPE, handlers=[search.on_change])
    try:
        yield search.answers
    finally:
        await browser.async_cancel()
        await search.stop()
        await zeroconf.async_close()


class _Search:
    """Asks every Wyoming service what it is, as soon as it is seen."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[FoundServer] = asyncio.Queue()
        self._asked: dict[str, asyncio.Task[None]] = {}

    def on_change(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed or name in self._asked or len(self._asked) >= _MOST_SERVICES:
            return
        self._asked[name] = asyncio.create_task(self._ask(zeroconf, AsyncServiceInfo(service_type, name)))

    async def stop(self) -> None:
        for task in self._asked.values():
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked.values())

    async def _ask(self, zeroconf: Zeroconf, service: AsyncServiceInfo) -> None:
        if not await service.async_request(zeroconf, DISCOVER_SECONDS * 1000):
            return
        for host in service.parsed_scoped_addresses():
            # What can't be reached there, or does something else, was not looked for.
            with contextlib.suppress(EngineError):
                self.answers.put_nowait(await _describe(str(ListenAddress("tcp", host, service.port or 0))))
                return


async def _describe(uri: str) -> FoundServer:
    async with _conversation(uri, _DESCRIBE_SECONDS) as conversation:
        await conversation.write([Describe().event()])
        while not Info.is_type((event := await conversation.read()).type):
            pass
        return conversation.server_of(event)
