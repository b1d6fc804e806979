"""Speaking through a server of the protocol: with live text, without, and with servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.tts import Synthesize, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from koe.adapters.wyoming_client import RemoteSpeaker, connect
from koe.core.errors import (
    DeadlineExceeded,
    EngineError,
    EngineUnavailable,
    KoeError,
    MalformedInput,
    UnknownVoice,
)
from koe.core.voice import Voice
from koe.speech import SpeechRequest

PCM = bytes(range(256)) * 8
NOBODY = Attribution("", "")
Send = Callable[..., Awaitable[None]]
Answer = Callable[[Event, Send], Awaitable[None]]


class Server:
    """Answers as told, and remembers what it was sent."""

    def __init__(self, answer: Answer, *, streaming: bool) -> None:
        self._answer, self._streaming = answer, streaming
        self.received: list[Event] = []

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(*events: Event) -> None:
            for each in events:
                await async_write_event(each, writer)

        while (event := await async_read_event(reader)) is not None:
            self.received.append(event)
            if Describe.is_type(event.type):
                await send(self._info())
            else:
                await self._answer(event, send)
        writer.close()

    def _info(self) -> Event:
        voice = TtsVoice("de", NOBODY, True, "Deutsch", None, ["de-DE"], [TtsVoiceSpeaker("calm")])
        hidden = TtsVoice("xx", NOBODY, False, None, None, ["xx"])
        program = TtsProgram("Piper", NOBODY, True, None, None, [voice, hidden], self._streaming)
        return Info(tts=[program]).event()


@asynccontextmanager
async def speaker_of(
    tmp_path: Path, answer: Answer, *, streaming: bool = True, reply_timeout: float = 5
) -> AsyncIterator[tuple[RemoteSpeaker, Server]]:
    server = Server(answer, streaming=streaming)
    path = tmp_path / "wyoming.sock"
    async with (
        await asyncio.start_unix_server(server.converse, path),
        connect(f"unix://{path}", reply_timeout=reply_timeout) as speaker,
    ):
        yield speaker, server


def audio(pcm: bytes = PCM, rate: int = 16000, width: int = 2, channels: int = 1) -> list[Event]:
    return [
        AudioStart(rate, width, channels).event(),
        AudioChunk(rate, width, channels, pcm).event(),
        AudioStop().event(),
    ]


async def say(speaker: RemoteSpeaker, *texts: str, request: SpeechRequest | None = None) -> bytes:
    utterance = speaker.open(request or SpeechRequest())
    for text in texts:
        utterance.feed(text)
    utterance.finish()
    try:
        return b"".join([pcm async for pcm in utterance])
    finally:
        await utterance.aclose()


async def test_a_streaming_server_gets_live_text_and_ends_with_stopped(tmp_path: Path) -> None:
    async def answer(event: Event, send: Send) -> None:
        if SynthesizeStop.is_type(event.type):
            await send(*audio(), *audio(), SynthesizeStopped().event())

    async with speaker_of(tmp_path, answer) as (speaker, server):
        request = SpeechRequest(voice="de", style="calm", text_format="ssml")
        assert await say(speaker, "Hello ", "x" * 40_000, request=request) == PCM * 2
        assert await say(speaker, "again") == PCM * 2
    types = [event.type for event in server.received[1:]]
    assert types[:6] == ["synthesize-start", *["synthesize-chunk"] * 4, "synthesize"]
    start = SynthesizeStart.from_event(server.received[1])
    assert start.voice is not None
    assert (start.voice.name, start.voice.speaker, start.text_format) == ("de", "calm", "ssml")
    assert server.received[6].data["text"] == "Hello " + "x" * 40_000


async def test_a_simple_server_gets_the_whole_text_and_ends_with_the_audio(tmp_path: Path) -> None:
    async def answer(event: Event, send: Send) -> None:
        assert Synthesize.from_event(event).text == "Hello you"
        await send(*audio())

    async with speaker_of(tmp_path, answer, streaming=False) as (speaker, server):
        assert await say(speaker, "Hello ", "you") == PCM
    assert [event.type for event in server.received] == ["describe", "synthesize"]


async def test_audio_comes_while_the_text_is_still_open(tmp_path: Path) -> None:
    async def answer(event: Event, send: Send) -> None:
        if event.type == "synthesize-chunk":
            await send(*audio())
        elif SynthesizeStop.is_type(event.type):
            await send(SynthesizeStopped().event())

    async with speaker_of(tmp_path, answer, reply_timeout=0.05) as (speaker, _):
        utterance = speaker.open(SpeechRequest())
        chunks = aiter(utterance)
        utterance.feed("Hello")
        assert await anext(chunks) == PCM
        assert utterance.sample_rate == 16000
        waiting = asyncio.ensure_future(anext(chunks, None))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        utterance.finish()
        assert await waiting is None
        assert utterance.stats.audio_seconds == len(PCM) / 32000
        assert utterance.stats.first_audio is not None


async def test_stereo_and_8_bit_become_16_bit_mono(tmp_path: Path) -> None:
    async def answer(event: Event, send: Send) -> None:
        if SynthesizeStop.is_type(event.type):
            await send(*audio(bytes([128, 128] * 100), width=1, channels=2), SynthesizeStopped().event())

    async with speaker_of(tmp_path, answer) as (speaker, _):
        assert await say(speaker, "Hello") == bytes(200)


async def test_voices_are_those_installed(tmp_path: Path) -> None:
    async def answer(event: Event, send: Send) -> None: ...

    async with speaker_of(tmp_path, answer) as (speaker, _):
        assert speaker.voices() == [Voice("de", "Deutsch", ("de-DE",), "Piper", styles=("calm",))]


async def _koe_error(event: Event, send: Send) -> None:
    await send(Error("there is no voice 'xx'", "unknown-voice").event())


async def _internal_error(event: Event, send: Send) -> None:
    await send(Error("the disk is full", "internal-error").event())


async def _foreign_error(event: Event, send: Send) -> None:
    await send(Error("boom", "Xyz").event())


async def _rate_change(event: Event, send: Send) -> None:
    await send(*audio(), *audio(rate=22050))


async def _bad_chunk(event: Event, send: Send) -> None:
    await send(Event("audio-chunk", {"rate": "fast"}, PCM))


async def _silence(event: Event, send: Send) -> None: ...


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (_koe_error, UnknownVoice, "no voice 'xx'"),
        (_internal_error, KoeError, "the disk is full"),
        (_foreign_error, EngineError, "boom"),
        (_rate_change, MalformedInput, "from 16000 to 22050 Hz"),
        (_bad_chunk, MalformedInput, "audio-chunk that is none"),
        (_silence, DeadlineExceeded, r"nothing for 0\.1 seconds"),
    ],
)
async def test_failures_come_back_in_words(tmp_path: Path, answer: Answer, kind: type[KoeError], words: str) -> None:
    async with speaker_of(tmp_path, answer, reply_timeout=0.1) as (speaker, _):
        with pytest.raises(kind, match=words):
            await say(speaker, "Hello")


async def test_a_server_that_leaves_is_no_endless_wait(tmp_path: Path) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await async_read_event(reader)
        await async_write_event(Info(tts=[TtsProgram("Koe", NOBODY, True, None, None, [], True)]).event(), writer)
        await async_read_event(reader)
        writer.close()

    path = tmp_path / "wyoming.sock"
    async with await asyncio.start_unix_server(converse, path), connect(f"unix://{path}") as speaker:
        with pytest.raises(EngineError, match="connection"):
            await say(speaker, "Hello")


async def test_nobody_there_is_said_with_the_address(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=f"{tmp_path}.*No such file"):
        async with connect(f"unix://{tmp_path}/none.sock"):
            pass


async def test_something_else_there_is_no_speech_server(tmp_path: Path) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    path = tmp_path / "http.sock"
    async with await asyncio.start_unix_server(converse, path):
        with pytest.raises(EngineUnavailable, match="no Wyoming server"):
            async with connect(f"unix://{path}"):
                pass


@pytest.mark.parametrize("uri", ["tcp://*:10210", "192.168.1.5", "http://localhost:1"])
async def test_addresses_that_are_none_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="tcp://"):
        async with connect(uri):
            pass
