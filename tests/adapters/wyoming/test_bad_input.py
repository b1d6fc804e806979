"""What goes wrong on a LAN. Each time: a clear error, the engine free, and everybody else served meanwhile."""

import asyncio
import json
import resource
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from wyoming.event import Event, async_read_event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeVoice

from koe.adapters.wyoming.connection import Connection
from koe.adapters.wyoming.framing import encode
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine, Faults
from koe.engine.pipe import PcmPipe
from koe.settings import SpeechSettings
from tests.support.espeak import as_long_as
from tests.support.house import PATIENCE, Heard, House, hear, house
from tests.support.waiting import eventually

MIB = 2**20
ONE_LANGUAGE = SynthesizeVoice("fake-high")
SYNTHESIZE = encode(Synthesize("Hello there.").event())
DEEP = b'{"type": "synthesize", "data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}\n"


@asynccontextmanager
async def raw(it: House) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection, for what no decent client sends."""
    host, port = it.uri.removeprefix("tcp://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> list[Event]:
    """All that comes until the server closes."""
    events = []
    async with asyncio.timeout(PATIENCE):
        while (event := await async_read_event(reader)) is not None:
            events.append(event)
    return events


async def assert_serves(it: House) -> None:
    heard = await it.say("Still here?")
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]


def header(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: koe\r\n\r\n", "malformed-input"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\n", "malformed-input"),
        (b"\n", "malformed-input"),
        (b"[]\n", "malformed-input"),
        (b"null\n", "malformed-input"),
        (b'{"type": ["synthesize"]}\n', "malformed-input"),
        (b'{"type": "\xff\xfe"}\n', "malformed-input"),
        (header(type="synthesize", data=None), "malformed-input"),
        (header(type="synthesize", data=[1, 2]), "malformed-input"),
        (header(type="synthesize", data={"text": {"a": 1}}), "malformed-input"),
        (header(type="synthesize-chunk", data={"text": "lost"}), "malformed-input"),
        (header(type="synthesize-stop"), "malformed-input"),
        (header(type="synthesize-start") * 2, "malformed-input"),
        (header(type="synthesize", data={"text": "a", "text_format": "markdown"}), "malformed-input"),
        (header(type="synthesize", data={"text": "<speak>a", "text_format": "ssml"}), "invalid-ssml"),
        (header(type="synthesize", data_length=-1), "malformed-input"),
        (header(type="synthesize", data_length=10**12), "limit-exceeded"),
        (header(type="synthesize", payload_length=2**63), "limit-exceeded"),
        (header(type="synthesize", data_length=5) + b"12345", "malformed-input"),
        (header(type="x", data={"a": "b" * 70 * 1024}), "limit-exceeded"),
        (b"x" * MIB, "limit-exceeded"),
        (DEEP, "limit-exceeded"),
        (header(type="synthesize", data={"text": ""}), "nothing-to-speak"),
        (header(type="synthesize", data={"text": " \n\t\u200b"}), "nothing-to-speak"),
        (header(type="synthesize", data={"text": "😀 👩‍👩‍👧 🇩🇪"}), "nothing-to-speak"),
        (header(type="synthesize", data={"text": "...!?"}), "nothing-to-speak"),
        (header(type="synthesize", data={"text": "Hi", "voice": {"name": "nobody"}}), "unknown-voice"),
        (header(type="synthesize", data={"text": "Hi", "voice": {"language": "xx"}}), "unknown-voice"),
        (header(type="synthesize", data={"text": "Hi", "voice": {"language": "german"}}), "unknown-voice"),
        (
            header(type="synthesize", data={"text": "Hi", "voice": {"name": "espeak-de", "language": "?"}}),
            "unknown-voice",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else f"{value[:40]!r}",
)
async def test_bad_input_gets_one_clear_error_and_a_clean_end(sent: bytes, code: str) -> None:
    async with house(EspeakEngine()) as it:
        async with raw(it) as (reader, writer):
            writer.write(sent)
            [error] = await answer(reader)
        assert (error.type, error.data["code"]) == ("error", code)
        assert len(error.data["text"]) > 10
        await assert_serves(it)


async def test_an_unknown_voice_names_the_nearest() -> None:
    async with house(FakeEngine()) as it:
        heard = await it.say("Hello.", voice=SynthesizeVoice("fake-hihg"))
    assert heard.error == "unknown-voice"
    assert "fake-high" in heard.error_text


async def test_an_empty_stream_is_no_success() -> None:
    async with house(FakeEngine()) as it:
        assert (await it.stream([])).error == "nothing-to-speak"
        assert (await it.stream(["", " ", "🎉"])).error == "nothing-to-speak"


async def test_events_of_other_services_are_ignored() -> None:
    async with house(FakeEngine()) as it, it.client() as client:
        for event_type in ("transcribe", "run-satellite", "detect", "x" * 100):
            await client.write_event(Event(event_type, {"rate": 1}, b"payload"))
        await client.write_event(Synthesize("Hello.").event())
        assert (await hear(client)).types == ["audio-start", "audio-chunk", "audio-stop"]


async def test_a_text_of_a_megabyte_is_refused_whole_or_streamed() -> None:
    megabyte = "Never ending story. " * (MIB // 20)
    async with house(FakeEngine()) as it:
        assert (await it.say(megabyte)).error == "limit-exceeded"
        assert (await it.stream([megabyte[:1000]] * 1100)).error == "limit-exceeded"
        await assert_serves(it)


async def test_the_longest_text_allowed_is_spoken_to_its_end() -> None:
    text = "x" * 49_999 + "."
    async with house(FakeEngine(), speech=SpeechSettings(max_seconds=86400)) as it:
        heard = await it.say(text)
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert len(heard.pcm) == 25_000 * 3840


async def test_speech_that_grows_too_long_ends_with_an_error() -> None:
    async with house(FakeEngine(), speech=SpeechSettings(max_seconds=2)) as it:
        heard = await it.say("A text that takes longer than two seconds. " * 10)
    assert heard.error == "limit-exceeded"
    assert len(heard.pcm) <= 3 * 48000


@pytest.mark.parametrize("sent", [b"", SYNTHESIZE[:20], SYNTHESIZE[:-3], header(type="x", payload_length=9) + b"1234"])
async def test_who_says_nothing_whole_is_closed(sent: bytes) -> None:
    async with house(FakeEngine(), idle_timeout=0.1) as it:
        async with raw(it) as (reader, writer):
            writer.write(sent)
            [error] = await answer(reader)
            assert error.data["code"] == "deadline-exceeded"
        await eventually(lambda: it.server.connections == 0)


async def test_a_slow_writer_can_not_hold_a_connection_by_dripping() -> None:
    async with house(FakeEngine(), idle_timeout=0.3) as it, raw(it) as (reader, writer):
        dripping = asyncio.create_task(_drip(writer, b'{"type": "' + b"x" * 10_000))
        [error] = await answer(reader)
        dripping.cancel()
        assert error.data["code"] == "deadline-exceeded"


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)


async def test_speech_may_end_in_the_very_turn_in_which_the_patience_with_an_event_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = asyncio.get_running_loop()
    spoken: asyncio.Future[None] = clock.create_future()

    async def stream(*_: object) -> None:
        await spoken

    monkeypatch.setattr(Connection, "_stream", stream)
    async with house(FakeEngine(), idle_timeout=0.2) as it, raw(it) as (reader, writer):
        writer.write(SYNTHESIZE + SYNTHESIZE[:9])
        await eventually(lambda: any(connection._unfinished for connection in it.server._open))
        [connection] = it.server._open
        patience_ends = connection._patience.when()
        assert patience_ends is not None
        # A busy turn lets both come due in the next one.
        clock.call_at(patience_ends - 0.01, time.sleep, 0.02)
        clock.call_at(patience_ends - 0.001, spoken.set_result, None)
        [error] = await answer(reader)
    assert error.data["code"] == "deadline-exceeded"
    assert "unexpected" not in caplog.text


async def test_a_slow_writer_that_comes_to_an_end_is_served() -> None:
    async with house(FakeEngine()) as it, raw(it) as (reader, writer):
        for byte in SYNTHESIZE:
            writer.write(bytes([byte]))
            await writer.drain()
        events = Heard([event async for event in _until_stop(reader)])
        assert events.types == ["audio-start", "audio-chunk", "audio-stop"]


async def _until_stop(reader: asyncio.StreamReader) -> AsyncIterator[Event]:
    while (event := await async_read_event(reader)) is not None:
        yield event
        if event.type == "audio-stop":
            return


async def test_three_hundred_silent_connections_lock_nobody_out() -> None:
    async with (
        house(EspeakEngine(), max_connections=100, max_connections_per_address=50) as it,
        AsyncExitStack() as open_ones,
    ):
        for _ in range(300):
            await open_ones.enter_async_context(raw(it))
        await assert_serves(it)
        assert it.server.connections <= 50


async def test_where_all_connections_are_busy_the_next_is_told_so() -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with house(engine, max_connections_per_address=3) as it:
        busy = [asyncio.create_task(it.say("Hello.")) for _ in range(3)]
        await eventually(lambda: engine.open_streams == 3)
        assert (await it.say("Me too.")).error == "busy"
        gate.release(1000)
        assert {heard.error for heard in await asyncio.gather(*busy)} == {None}


async def test_whoever_was_refused_makes_no_place_for_others() -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with house(engine, max_connections_per_address=3) as it, AsyncExitStack() as open_ones:
        for _ in range(3):
            _, writer = await open_ones.enter_async_context(raw(it))
            writer.write(SYNTHESIZE)
        await eventually(lambda: engine.open_streams == 3)
        for _ in range(10):
            reader, _ = await open_ones.enter_async_context(raw(it))
            async with asyncio.timeout(PATIENCE):
                refusal = await async_read_event(reader)
            assert refusal is not None
            assert refusal.data["code"] == "busy"
        assert it.server.connections <= 4
        gate.release(1000)


@pytest.mark.parametrize(
    "sent",
    [
        header(type="ping") * 10_000,
        header(type="transcribe") * 10_000,
        header(type="synthesize-start") + header(type="synthesize-chunk", data={"text": ""}) * 10_000,
    ],
    ids=["ping", "transcribe", "synthesize-chunk"],
)
async def test_a_flood_of_small_events_leaves_turns_to_others(sent: bytes) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with house(FakeEngine()) as it, raw(it) as (reader, writer):
        counting = asyncio.create_task(count_turns())
        writer.write(sent + header(type="ping", data={"text": "the last"}))
        async with asyncio.timeout(PATIENCE):
            while (event := await async_read_event(reader)) is not None and event.data != {"text": "the last"}:
                pass
        counting.cancel()
    assert event is not None
    assert turns > 100


async def test_a_client_that_vanishes_frees_its_engine_within_one_chunk() -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with house(engine) as it:
        async with it.client() as client:
            await client.write_event(Synthesize("A text of many, many chunks. " * 50).event())
            gate.release(1)
            await hear(client, last="audio-chunk")
            assert engine.open_streams == 1
        # No further step of the engine is allowed, so no further chunk is needed either.
        await eventually(lambda: engine.open_streams == 0)
        gate.release(10_000)
        await assert_serves(it)


async def test_a_client_that_vanishes_while_its_text_is_open_frees_its_engine() -> None:
    engine = FakeEngine()
    async with house(engine) as it:
        async with it.client() as client:
            await client.write_event(SynthesizeStart(ONE_LANGUAGE).event())
            await client.write_event(SynthesizeChunk("The first words and then ").event())
            await hear(client, last="audio-chunk")
        await eventually(lambda: engine.open_streams == 0 and it.server.connections == 0)


async def test_a_client_that_stops_reading_costs_a_bounded_buffer_and_then_its_connection() -> None:
    engine = FakeEngine()
    async with house(engine, write_timeout=0.3, speech=SpeechSettings(max_seconds=86400)) as it:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with raw(it) as (_, writer):
            # 33 minutes of speech are 96 MB.
            writer.write(encode(Synthesize("x" * 49_999).event()))
            await eventually(lambda: engine.open_streams == 1)
            await assert_serves(it)
            await eventually(lambda: engine.open_streams == 0)
        await eventually(lambda: it.server.connections == 0)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024


async def test_a_flood_of_describes_without_reading_is_held_back() -> None:
    async with house(EspeakEngine(), write_timeout=0.3) as it:
        async with raw(it) as (_, writer):
            flooding = asyncio.create_task(_flood(writer, header(type="describe") * 1000))
            await assert_serves(it)
            await eventually(lambda: it.server.connections == 0)
            flooding.cancel()
        await assert_serves(it)


async def _flood(writer: asyncio.StreamWriter, data: bytes) -> None:
    try:
        while True:
            writer.write(data)
            await writer.drain()
    except OSError:
        return


async def test_an_engine_that_fails_after_its_first_chunk_is_an_error_and_no_truncated_success() -> None:
    async with house(FakeEngine(faults=Faults(fail_at=2)), EspeakEngine(), fallback="espeak") as it:
        for heard in (await it.say("Hello there."), await it.stream(["Hello ", "there."])):
            assert heard.types == ["audio-start", "audio-chunk", "error"]
            assert heard.error == "engine-failed"


@pytest.mark.parametrize("failure", [OSError("no space left"), TimeoutError(), ValueError("a bug")])
async def test_no_failure_inside_is_taken_for_a_client_that_left(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    taken = PcmPipe.__anext__

    async def fail_at_the_second(pipe: PcmPipe) -> bytes:
        if pipe in seen:
            raise failure
        seen.add(pipe)
        return await taken(pipe)

    seen: set[PcmPipe] = set()
    async with house(FakeEngine(pace=10.0)) as it:
        monkeypatch.setattr(PcmPipe, "__anext__", fail_at_the_second)
        heard = await it.say("Hello there.")
        assert heard.types == ["audio-start", "audio-chunk", "error"]
        monkeypatch.undo()
        await assert_serves(it)


@pytest.mark.parametrize("faults", [Faults(fail_at=0), Faults(hang_at=0), Faults(start="no weights")])
@pytest.mark.parametrize("live", [True, False])
async def test_an_engine_that_fails_before_its_first_chunk_is_replaced(faults: Faults, live: bool) -> None:
    failing = FakeEngine(takes_live_text=live, faults=faults)
    patience = SpeechSettings(first_audio_timeout=0.2, text_timeout=1)
    async with house(failing, EspeakEngine(), fallback="espeak", speech=patience) as it:
        expected = await it.say("Hello there. How are you?", voice=SynthesizeVoice("espeak-en-us"))
        for heard in (await it.say("Hello there. How are you?"), await it.stream(["Hello there. ", "How are you?"])):
            assert heard.types[:3] == ["audio-start", "audio-chunk", "audio-stop"]
            assert heard.rate == 22050
            assert len(heard.pcm) == as_long_as(expected.pcm, sentences=2)


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (Faults(fail_at=0), "engine-failed"),
        (Faults(hang_at=0), "engine-timeout"),
        (Faults(hang_at=3), "engine-timeout"),
        (Faults(start="no weights"), "engine-unavailable"),
    ],
)
async def test_without_a_fallback_the_failure_is_named(faults: Faults, code: str) -> None:
    patience = SpeechSettings(first_audio_timeout=0.2, chunk_timeout=0.2)
    engine = FakeEngine(faults=faults)
    async with house(engine, speech=patience) as it:
        assert (await it.say("Hello there.")).error == code
        await eventually(lambda: engine.open_streams == 0)


async def test_a_slow_engine_is_waited_for() -> None:
    async with house(FakeEngine(pace=8.0)) as it:
        heard = await it.say("Hello there.")
    assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]


async def test_a_text_that_never_ends_is_given_up() -> None:
    engine = FakeEngine()
    async with house(engine, speech=SpeechSettings(text_timeout=0.2)) as it, it.client() as client:
        await client.write_event(SynthesizeStart(ONE_LANGUAGE).event())
        await client.write_event(SynthesizeChunk("The end never ").event())
        heard = await hear(client, last="synthesize-stopped")
        assert heard.error == "deadline-exceeded"
        assert heard.pcm
        assert engine.open_streams == 0


async def test_a_request_that_takes_too_long_as_a_whole_is_given_up() -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with house(engine, speech=SpeechSettings(request_timeout=1)) as it:
        gate.release(3)
        heard = await it.say("Hello there.")
        assert heard.error == "deadline-exceeded"
        gate.release(1000)


@pytest.mark.parametrize("live", [True, False])
async def test_text_without_words_does_not_prolong_a_request(live: bool) -> None:
    engine = FakeEngine(takes_live_text=live)
    async with house(engine, speech=SpeechSettings(request_timeout=1)) as it, raw(it) as (reader, writer):
        writer.write(encode(SynthesizeStart(ONE_LANGUAGE).event()))
        dripping = asyncio.create_task(_drip_nothing(writer))
        [error] = await answer(reader)
        dripping.cancel()
        assert error.data["code"] == "deadline-exceeded"


async def _drip_nothing(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(encode(SynthesizeChunk("").event()))
        await asyncio.sleep(0.01)


async def test_rooms_are_served_while_everything_goes_wrong() -> None:
    async with house(EspeakEngine(), idle_timeout=0.5) as it, AsyncExitStack() as others:
        for sent in _abuse():
            _, writer = await others.enter_async_context(raw(it))
            writer.write(sent)
        heard = await asyncio.gather(*(it.say(f"Room number {room} is listening.") for room in range(10)))
        assert {room.error for room in heard} == {None}


def _abuse() -> Iterable[bytes]:
    yield from [b"x" * 70_000, DEEP, b"\xff" * 1000 + b"\n", SYNTHESIZE[:-1], b"", header(type="x", data_length=9)]
    yield header(type="synthesize", data={"text": "A very long text. " * 2000})
    yield SYNTHESIZE * 50
