"""The official client of OpenAI, as people have it in their programs, with nothing changed but the address."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import openai
import pytest
import pytest_asyncio

from koe.audio.decode import read_audio
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import SAMPLE_RATE, FakeEngine, Faults
from tests.adapters.http.test_speech import TEXT, as_the_speaker_says, speaking
from tests.support.espeak import as_long_as
from tests.support.http_house import TOKEN, HttpHouse
from tests.support.waiting import eventually

Format = Literal["mp3", "opus", "flac", "wav", "pcm"]
FORMATS: tuple[Format, ...] = ("mp3", "opus", "flac", "wav", "pcm")


@pytest_asyncio.fixture
async def humming(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with speaking(tmp_path, FakeEngine()) as it:
        yield it


@pytest_asyncio.fixture
async def client(humming: HttpHouse) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client_of(humming) as it:
        yield it


def client_of(house: HttpHouse) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=TOKEN, max_retries=0)


def is_whole(data: bytes, format: Format, pcm: bytes) -> bool:
    """Whether it lasts as long as the PCM."""
    if format == "pcm":
        return data == pcm
    decoded = read_audio(data, most_seconds=60)
    more = len(decoded.samples) / decoded.sample_rate - len(pcm) / 2 / SAMPLE_RATE
    return 0 <= more <= (0.2 if format == "mp3" else 0.001)


@pytest.mark.parametrize("format", FORMATS)
async def test_it_speaks_in_every_format(humming: HttpHouse, client: openai.AsyncOpenAI, format: Format) -> None:
    answer = await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=format)
    assert is_whole(answer.content, format, await as_the_speaker_says(humming))


@pytest.mark.parametrize("format", FORMATS)
async def test_it_streams_in_every_format(humming: HttpHouse, client: openai.AsyncOpenAI, format: Format) -> None:
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="fake-low", input=TEXT, response_format=format
    ) as answer:
        data = b"".join([piece async for piece in answer.iter_bytes()])
    assert is_whole(data, format, await as_the_speaker_says(humming))


async def test_it_hears_the_first_bytes_before_the_end(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it, client_of(it) as client:
        gate.release(5)
        async with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="fake-high", input=TEXT, response_format="wav"
        ) as answer:
            pieces = answer.iter_bytes()
            first = await anext(pieces)
            assert first and engine.open_streams == 1
            gate.release(1000)
            data = first + b"".join([piece async for piece in pieces])
        assert is_whole(data, "wav", await as_the_speaker_says(it, voice="fake-high"))


async def test_it_leaves_in_mid_stream_and_frees_the_engine(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=10))
    async with speaking(tmp_path, engine) as it, client_of(it) as client:
        async with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="fake-high", input=TEXT, response_format="pcm"
        ) as answer:
            await anext(answer.iter_bytes())
        await eventually(lambda: engine.open_streams == 0)


async def test_it_reads_events(client: openai.AsyncOpenAI) -> None:
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=TEXT, response_format="pcm", stream_format="sse"
    ) as answer:
        lines = [line async for line in answer.iter_lines()]
    assert lines[0] == "event: speech.audio.delta"
    assert "event: speech.audio.done" in lines


async def test_its_other_fields_are_taken(humming: HttpHouse, client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.speech.create(
        model="tts-1",
        voice="fake-high",
        input=TEXT,
        instructions="Calmly.",
        speed=2.0,
        response_format="pcm",
        extra_body={"language": "English", "seed": 7},
    )
    assert len(answer.content) == pytest.approx(len(await as_the_speaker_says(humming)) / 2, rel=0.02)


async def test_the_client_that_waits_in_a_thread_works_as_well(tmp_path: Path) -> None:
    def speak(url: str) -> bytes:
        with openai.OpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0) as client:
            answer = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="wav")
            return answer.content

    async with speaking(tmp_path, EspeakEngine()) as it:
        decoded = read_audio(await asyncio.to_thread(speak, it.url), most_seconds=60)
        assert 2 * len(decoded.samples) == as_long_as(await as_the_speaker_says(it), sentences=3)


async def test_it_lists_the_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["koe", "fake"]
    assert (await client.models.retrieve("fake")).owned_by == "koe"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nobody")


async def test_its_errors_are_those_that_it_knows(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    async with speaking(tmp_path, engine, max_speaking=1, max_waiting=0) as it, client_of(it) as client:
        with pytest.raises(openai.NotFoundError, match="fake-high"):
            await client.audio.speech.create(model="tts-1", voice="fake-hihg", input=TEXT)
        with pytest.raises(openai.BadRequestError) as wrong:
            await client.audio.speech.create(model="tts-1", voice="fake-high", input=TEXT, speed=9)
        assert (wrong.value.param, wrong.value.code) == ("speed", "malformed-input")
        hung = asyncio.create_task(client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT))
        await eventually(lambda: engine.open_streams == 1)
        with pytest.raises(openai.RateLimitError):
            await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
        hung.cancel()
        await eventually(lambda: engine.open_streams == 0)


async def test_a_failure_in_mid_stream_is_no_good_end(tmp_path: Path) -> None:
    async with speaking(tmp_path, FakeEngine(faults=Faults(fail_at=20))) as it, client_of(it) as client:
        with pytest.raises((openai.APIConnectionError, Exception), match=r"peer closed|Connection error|incomplete"):
            await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="pcm")
