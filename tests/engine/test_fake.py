"""The fake does what any engine may do, on demand."""

import asyncio
import threading

import pytest

from koe.core.errors import EngineError, EngineUnavailable, ShuttingDown
from koe.engine import Priority, SpeechOptions
from koe.engine.fake import CHARACTERS_PER_CHUNK, VOICES, FakeEngine, FakeStream, Faults
from tests.support.house import PATIENCE

CHUNK_BYTES = 3840


async def hum(stream: FakeStream, text: str = "", *, finish: bool = True) -> bytes:
    stream.feed(text)
    if finish:
        stream.finish()
    return b"".join([chunk async for chunk in stream])


async def started(**options: object) -> FakeEngine:
    engine = FakeEngine(**options)  # type: ignore[arg-type]
    await engine.start()
    return engine


async def test_the_length_follows_the_text_however_it_is_fed() -> None:
    engine = await started()
    whole = await hum(engine.open(VOICES[0], SpeechOptions()), "hello there")
    stream = engine.open(VOICES[0], SpeechOptions())
    for character in "hello there":
        stream.feed(character)
    assert await hum(stream) == whole
    assert len(whole) == 6 * CHUNK_BYTES
    await engine.stop()


async def test_live_text_hums_before_its_end_is_known() -> None:
    engine = await started()
    stream = engine.open(VOICES[0], SpeechOptions())
    stream.feed("hello")
    assert await anext(aiter(stream))
    stream.finish()
    await hum(stream)
    await engine.stop()


async def test_it_never_runs_further_ahead_than_its_lead() -> None:
    steps = threading.Semaphore(0)
    engine = await started(lead_seconds=0.2, faults=Faults(before_step=steps.acquire))
    stream = engine.open(VOICES[0], SpeechOptions())
    stream.feed("x" * 100 * CHARACTERS_PER_CHUNK)
    stream.finish()
    steps.release(1000)
    chunks = aiter(stream)
    received = await anext(chunks)
    while len(received) < 50 * CHUNK_BYTES:
        assert stream.pipe.buffered <= 3 * CHUNK_BYTES
        received += await anext(chunks)
    await stream.aclose()
    await engine.stop()


async def test_a_closed_stream_loses_its_place() -> None:
    engine = await started()
    stream = engine.open(VOICES[0], SpeechOptions())
    other = engine.open(VOICES[1], SpeechOptions())
    assert engine.open_streams == 2
    await stream.aclose()
    await hum(other, "hello")
    assert engine.open_streams == 0
    await engine.stop()


async def test_a_room_goes_before_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, held = threading.Semaphore(0), threading.Event()

    def wait_at_the_gate() -> None:
        held.set()
        gate.acquire()

    engine = await started(faults=Faults(before_step=wait_at_the_gate))
    order: list[str] = []

    def spoken_as(name: str, priority: Priority) -> FakeStream:
        stream = engine.open(VOICES[0], SpeechOptions(priority=priority))
        put = stream.pipe.put

        def noted(pcm: bytes) -> bool:
            order.append(name)
            return put(pcm)

        monkeypatch.setattr(stream.pipe, "put", noted)
        stream.feed("xx")
        return stream

    spoken_as("first", Priority.BATCH)
    # Whoever comes while a step is under way is served in the next one, and all of them in order.
    await asyncio.to_thread(held.wait, PATIENCE)
    streams = [spoken_as("batch", Priority.BATCH), spoken_as("room", Priority.ROOM)]
    gate.release(1000)
    await asyncio.gather(*(anext(aiter(stream)) for stream in streams))
    assert order == ["first", "room", "batch"]
    await engine.stop()


@pytest.mark.parametrize("chunks", [0, 3])
async def test_it_fails_on_demand(chunks: int) -> None:
    engine = await started(faults=Faults(fail_at=chunks))
    stream = engine.open(VOICES[0], SpeechOptions())
    stream.feed("hello there")
    stream.finish()
    received = b""
    with pytest.raises(EngineError, match="on demand"):
        async for chunk in stream:
            received += chunk
    assert len(received) == chunks * CHUNK_BYTES
    await engine.stop()


async def test_a_stream_that_hangs_keeps_its_place_until_it_is_closed() -> None:
    engine = await started(faults=Faults(hang_at=0))
    stream = engine.open(VOICES[0], SpeechOptions())
    stream.feed("hello")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(aiter(stream))
    assert engine.open_streams == 1
    await stream.aclose()
    await engine.stop()


async def test_it_can_refuse_to_start() -> None:
    engine = FakeEngine(faults=Faults(start="no tones left"))
    with pytest.raises(EngineUnavailable, match="no tones left"):
        await engine.start()
    with pytest.raises(EngineUnavailable, match="no tones left"):
        await hum(engine.open(VOICES[0], SpeechOptions()), "hello")


async def test_stopping_ends_open_streams_with_a_reason() -> None:
    engine = await started(faults=Faults(hang_at=0))
    humming = asyncio.create_task(hum(engine.open(VOICES[0], SpeechOptions()), "hello"))
    await asyncio.sleep(0)
    await engine.stop()
    with pytest.raises(ShuttingDown):
        await humming


async def test_the_audio_of_a_stream_is_bounded() -> None:
    engine = await started()
    stream = engine.open(VOICES[0], SpeechOptions(max_seconds=0.24))
    assert len(await hum(stream, "x" * 1000)) == 3 * CHUNK_BYTES
    await engine.stop()
