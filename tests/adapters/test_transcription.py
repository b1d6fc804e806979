"""Asking a real speech-to-text server of the wyoming package, and servers that misbehave. What is found on the LAN is
tested in a network namespace, where this file runs again for its functions `on_the_lan_*`."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from koe.adapters import transcription
from koe.adapters.transcription import FoundServer, discover, transcribe
from koe.core.errors import EngineError, EngineTimeout, EngineUnavailable
from koe.core.pcm import to_int16
from tests.support.house import PATIENCE
from tests.support.namespace import HERE, NO_NETWORK, run_in_namespace, run_tests_in_namespace

NOBODY = Attribution("", "")
SERVICE_TYPE = "_wyoming._tcp.local."


def whisper(*languages: str, installed: bool = True) -> Info:
    models = [
        AsrModel("base", NOBODY, True, None, None, list(languages)),
        AsrModel("large", NOBODY, False, None, None, ["xx"]),
    ]
    return Info(asr=[AsrProgram("whisper", NOBODY, installed, None, None, models)])


def piper() -> Info:
    voice = TtsVoice("de", NOBODY, True, None, None, ["de-DE"])
    return Info(tts=[TtsProgram("piper", NOBODY, True, None, None, [voice])])


class Listener(AsyncEventHandler):
    """Transcribes audio as a description of that audio."""

    info = whisper("de", "en", "auto")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.pcm = b""
        self.rate = 0
        self.most_at_once = 0
        self.language: str | None = None

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(self.info.event())
        elif Transcribe.is_type(event.type):
            self.language = Transcribe.from_event(event).language
        elif AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
            assert (start.width, start.channels) == (2, 1)
            self.rate = start.rate
        elif AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            assert chunk.rate == self.rate
            self.pcm += chunk.audio
            self.most_at_once = max(self.most_at_once, len(chunk.audio))
        elif AudioStop.is_type(event.type):
            return await self.answer()
        return True

    async def answer(self) -> bool:
        seconds = len(self.pcm) / (2 * self.rate)
        await self.write_event(Transcript(f"{seconds:.3f} seconds at {self.rate} Hz in {self.language}").event())
        return False


def saying(*events: Event, hang_up: bool = False, info: Info | None = None) -> type[Listener]:
    """One that answers with these, whatever it heard."""

    class Saying(Listener):
        async def answer(self) -> bool:
            for event in events:
                await self.write_event(event)
            return not hang_up

    Saying.info = info or Listener.info
    return Saying


def sending(data: bytes) -> type[Listener]:
    """One whose answer is no event."""

    class Sending(Listener):
        async def answer(self) -> bool:
            self.writer.write(data)
            return True

    return Sending


class Place:
    """A server that runs, and who talked to it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.handlers: list[Listener] = []


@asynccontextmanager
async def serving(kind: type[Listener], host: str = "127.0.0.1") -> AsyncIterator[Place]:
    server = AsyncTcpServer(host, 0)

    def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Listener:
        place.handlers.append(kind(reader, writer))
        return place.handlers[-1]

    await server.start(handler)
    assert isinstance(server._server, asyncio.Server)
    place = Place(f"tcp://{host}:{server._server.sockets[0].getsockname()[1]}")
    try:
        yield place
    finally:
        await server.stop()


def tone(seconds: float, rate: int) -> bytes:
    return to_int16(0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate))


async def ask(uri: str, pcm: bytes = bytes(32_000), **options: float) -> str:
    return await transcribe(pcm, 16_000, "de", uri, **options)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000, 8_000])
async def test_all_audio_arrives_at_16_khz_in_the_language_of_the_region(rate: int) -> None:
    async with serving(Listener) as place:
        said = await transcribe(tone(2.5, rate), rate, "de-CH", place.uri)
        assert said == "2.500 seconds at 16000 Hz in de"
        heard = np.frombuffer(place.handlers[0].pcm, "<i2").astype(float)
        assert np.argmax(np.abs(np.fft.rfft(heard))) == 440 * 2.5
        assert place.handlers[0].most_at_once <= 8192


async def test_audio_at_16_khz_arrives_as_it_is_and_no_language_is_none() -> None:
    pcm = tone(0.7001, 16_000)
    async with serving(Listener) as place:
        assert (await transcribe(pcm, 16_000, None, place.uri)).endswith("in None")
        assert place.handlers[0].pcm == pcm


async def test_a_unix_socket_is_an_address_as_well(tmp_path: Path) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Listener(reader, writer).run()

    async with await asyncio.start_unix_server(converse, tmp_path / "stt.sock"):
        assert await ask(f"unix://{tmp_path}/stt.sock") == "1.000 seconds at 16000 Hz in de"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([Transcript("[00:00.000 --> 00:01.000]  Speaker 1: Guten Tag.\n (lacht)")], "Guten Tag."),
        ([Transcript("")], ""),
        ([TranscriptStart(), TranscriptChunk("Guten"), TranscriptChunk(" Tag."), TranscriptStop()], "Guten Tag."),
        ([TranscriptStart(), TranscriptChunk("Guden"), Transcript("Guten Tag."), TranscriptStop()], "Guten Tag."),
        ([TranscriptStart(), TranscriptStop()], ""),
    ],
)
async def test_transcripts_come_whole_or_in_pieces_and_are_cleaned(
    events: list[Transcript | TranscriptStart | TranscriptChunk | TranscriptStop], said: str
) -> None:
    async with serving(saying(*(event.event() for event in events))) as place:
        assert await ask(place.uri) == said


async def test_events_of_no_concern_are_passed_over() -> None:
    others = [Event("loaded", {"seconds": 2}), Event("transcript-later", {}, b"payload")]
    async with serving(saying(*others, Transcript("Hallo.").event())) as place:
        assert await ask(place.uri) == "Hallo."


async def test_an_error_is_passed_on_with_its_words_and_the_address() -> None:
    async with serving(saying(Error("no model for 'de'", "x").event())) as place:
        with pytest.raises(EngineError, match=rf"{place.uri} says: no model for 'de'"):
            await ask(place.uri)


@asynccontextmanager
async def never_reading(*events: Event) -> AsyncIterator[str]:
    """The address of a server that says this to everybody, and takes nothing: what is sent to it can't end."""
    over = asyncio.Event()

    async def converse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for event in events:
            await async_write_event(event, writer)
        await over.wait()
        writer.close()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


MORE_THAN_SOCKETS_HOLD = bytes(32_000_000)


async def test_an_error_is_heard_while_the_audio_is_still_being_sent() -> None:
    async with never_reading(Error("too loud").event()) as uri:
        with pytest.raises(EngineError, match="too loud"):
            await ask(uri, MORE_THAN_SOCKETS_HOLD)


async def test_a_server_that_never_answers_is_given_up() -> None:
    async with serving(saying()) as place:
        with pytest.raises(EngineTimeout, match=rf"{place.uri} did not answer within 0\.2 seconds"):
            await ask(place.uri, timeout=0.2)


async def test_a_server_that_never_reads_is_given_up() -> None:
    async with never_reading() as uri:
        with pytest.raises(EngineTimeout, match=f"{uri} did not answer"):
            await ask(uri, MORE_THAN_SOCKETS_HOLD, timeout=0.2)


async def test_a_server_that_hangs_up_is_no_endless_wait() -> None:
    for events in ([], [TranscriptChunk("Guten").event()]):
        async with serving(saying(*events, hang_up=True)) as place:
            with pytest.raises(EngineError, match=rf"{place.uri} closed the connection"):
                await ask(place.uri)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Wyoming server"),
        (b"\xff\xfe\x00\n", "no Wyoming server"),
        (b"[]\n", "no Wyoming server"),
        (b"{}\n", "no Wyoming server"),
        (b'{"type": "transcript", "data": []}\n', "no Wyoming server"),
        (b'{"type": "transcript", "data_length": "9"}\n', "no Wyoming server"),
        (b'{"type": "x", "data": ' + b"[" * 100_000 + b"\n", "no Wyoming server"),
        (b'{"type": "transcript"}\n', "transcript without a text"),
        (b'{"type": "transcript", "data": {"text": 5}}\n', "transcript without a text"),
        (b'{"type": "transcript-chunk", "data": {"text": null}}\n', "transcript-chunk without a text"),
        (b'{"type": "info", "data": {"asr": [{"name": "x"}]}}\n', "a way nobody understands"),
        (b'{"type": "x", "payload_length": 4000000000}\n', "more than 1048576 bytes"),
        (b'{"type": "x", "data_length": 4000000000}\n', "more than 1048576 bytes"),
        (b" " * 1_100_000, "more than 1048576 bytes"),
        (b'{"type": "transcript-chunk", "data": {"text": "a"}}\n' * 22_000, "more than 1048576 bytes"),
    ],
)
async def test_rubbish_is_an_error_that_names_the_address(answer: bytes, words: str) -> None:
    async with serving(sending(answer)) as place:
        with pytest.raises(EngineError, match=words) as caught:
            await ask(place.uri)
    assert place.uri in str(caught.value)


async def test_a_server_for_something_else_is_told_at_once() -> None:
    async with serving(saying(info=piper())) as place:
        with pytest.raises(EngineUnavailable, match=f"{place.uri} is none that transcribes"):
            await ask(place.uri)


async def test_nobody_there_is_said_with_the_address(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        uri = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(EngineUnavailable, match=rf"{uri} \(.*refused.*\): is it running"):
            await ask(uri)
    with pytest.raises(EngineUnavailable, match=rf"{tmp_path}/none \(No such file"):
        await ask(f"unix://{tmp_path}/none")


@pytest.mark.parametrize("uri", ["tcp://*:10300", "192.168.1.5", "http://localhost:1"])
async def test_addresses_that_are_none_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="tcp://"):
        await ask(uri)


@pytest.mark.parametrize(
    ("language", "known"), [("de", True), ("de-CH", True), ("en", True), ("fr", False), (None, True)]
)
def test_a_region_does_not_matter_to_what_a_server_knows(language: str | None, known: bool) -> None:
    assert FoundServer("tcp://x:1", "whisper", ("de-DE", "en")).knows(language) is known


@pytest.mark.timeout(180)
def test_in_a_network_of_its_own() -> None:
    run_tests_in_namespace(__file__, timeout=170)


@asynccontextmanager
async def announced(**kinds: type[Listener]) -> AsyncIterator[dict[str, Place]]:
    """A server of each kind, announced under its name."""
    places: dict[str, Place] = {}
    async with AsyncExitStack() as stack:
        zeroconf = await stack.enter_async_context(AsyncZeroconf(interfaces=[HERE], ip_version=IPVersion.V4Only))
        for name, kind in kinds.items():
            places[name] = await stack.enter_async_context(serving(kind, HERE))
        registered = [zeroconf.async_register_service(_service(name, place)) for name, place in places.items()]
        await asyncio.gather(*await asyncio.gather(*registered))
        yield places


def _service(name: str, place: Place) -> ServiceInfo:
    port = int(place.uri.rpartition(":")[2])
    return ServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}", port=port, parsed_addresses=[HERE])


async def on_the_lan_those_that_transcribe_are_found() -> None:
    kinds: dict[str, type[Listener]] = {
        "whisper": Listener,
        "piper": saying(info=piper()),
        "removed": saying(info=whisper("de", installed=False)),
        "rubbish": saying(info=Info(asr=[AsrProgram("x", NOBODY, True, None, None, None)])),  # type: ignore[arg-type]
    }
    async with announced(**kinds) as places, asyncio.timeout(PATIENCE):
        found: list[FoundServer] = []
        while not (found and all(place.handlers for place in places.values())):
            found = await discover(1.0)
        assert found == [FoundServer(places["whisper"].uri, "whisper", ("de", "en"))]


async def on_the_lan_the_one_that_knows_the_language_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcription, "SEARCH_SECONDS", PATIENCE)
    kinds: dict[str, type[Listener]] = {
        "english": saying(info=whisper("en")),
        "piper": saying(info=piper()),
        "german": Listener,
    }
    async with announced(**kinds) as places:
        assert await transcribe(tone(1, 24_000), 24_000, "de-AT", None) == "1.000 seconds at 16000 Hz in de"
        assert places["german"].handlers[-1].pcm
        assert not any(handler.pcm for name in ("english", "piper") for handler in places[name].handlers)


async def on_the_lan_without_one_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcription, "SEARCH_SECONDS", 0.5)
    async with announced(piper=saying(info=piper())):
        with pytest.raises(EngineUnavailable, match=r"was found.*transcription\.server .*type what the clip says"):
            await transcribe(b"", 16_000, None, None)


async def on_the_lan_one_that_lacks_the_language_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with announced(english=saying(info=whisper("en"))) as places, asyncio.timeout(PATIENCE):
        while not (found := await discover(0.5)):
            pass

        async def look(*_: object, **__: object) -> list[FoundServer]:
            return found

        monkeypatch.setattr(transcription, "search", look)
        with pytest.raises(EngineUnavailable, match=rf"knows 'fr' \(whisper at {places['english'].uri} "):
            await transcribe(b"", 16_000, "fr", None)


async def on_the_lan_an_address_without_a_machine_is_given_up() -> None:
    with pytest.raises(EngineError, match=r"10\.77\.0\.99"):
        await ask("tcp://10.77.0.99:10300", timeout=0.2)


@pytest.mark.timeout(60)
def test_without_a_network_nothing_is_found_and_nothing_fails() -> None:
    script = "import asyncio, koe.adapters.transcription as it; print(asyncio.run(it.discover(0.2)))"
    ran = run_in_namespace([sys.executable, "-c", script], network=NO_NETWORK, timeout=50)
    assert ran.stdout == "[]\n", ran.stderr
