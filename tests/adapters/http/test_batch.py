"""`POST /v1/audio/speech/batch`: each text with its own result, in its place."""

import asyncio
import base64
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from koe.adapters.http.busy import TURNS
from koe.audio.decode import read_audio
from koe.engine import Priority
from koe.engine.fake import FakeEngine, FakeStream, Faults
from koe.settings import SpeechSettings
from tests.adapters.http.test_speech import as_the_speaker_says, say, speaking
from tests.support.http_house import HttpHouse
from tests.support.waiting import eventually

PATH = "/v1/audio/speech/batch"


@pytest_asyncio.fixture
async def humming(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with speaking(tmp_path, FakeEngine()) as it:
        yield it


async def batch(house: HttpHouse, items: list[Any], **shared: Any) -> dict[str, Any]:
    async with house.client.post(PATH, json={"items": items, **shared}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/json"
        found: dict[str, Any] = await answer.json()
        return found


async def test_every_text_is_spoken_in_its_place(humming: HttpHouse) -> None:
    texts = [f"This is text number {number}, and it is {'long ' * number}." for number in range(32)]
    answer = await batch(humming, [{"input": text} for text in texts], response_format="pcm")
    assert (answer["total"], answer["succeeded"], answer["failed"]) == (32, 32, 0)
    assert [result["index"] for result in answer["results"]] == list(range(32))
    for text, result in zip(texts, answer["results"], strict=True):
        assert (result["status"], result["media_type"], result["sample_rate"]) == ("success", "audio/pcm", 24000)
        assert base64.b64decode(result["audio_data"]) == await as_the_speaker_says(humming, text)


async def test_what_an_item_says_wins_over_what_the_batch_says(humming: HttpHouse) -> None:
    items = [{"input": "Hello."}, {"input": "Hello.", "voice": "fake-low", "response_format": "flac"}]
    answer = await batch(humming, items, voice="fake-high", response_format="pcm", language="English")
    high, low = answer["results"]
    assert (high["voice"], high["media_type"]) == ("fake-high", "audio/pcm")
    assert (low["voice"], low["media_type"]) == ("fake-low", "audio/flac")
    assert len(read_audio(base64.b64decode(low["audio_data"]), most_seconds=60).samples) > 0


async def test_a_text_that_fails_leaves_the_others_alone(humming: HttpHouse) -> None:
    items = [
        {"input": "Hello."},
        {"input": "Hello.", "voice": "nobody"},
        {"input": ""},
        {"input": "<speak>", "text_format": "ssml"},
        {"input": "Hello.", "model": "nobody"},
        {"input": "Hello."},
    ]
    answer = await batch(humming, items, response_format="pcm")
    assert [result["status"] for result in answer["results"]] == ["success", *["error"] * 4, "success"]
    codes = [result["error"]["code"] for result in answer["results"][1:5]]
    assert codes == ["unknown-voice", "nothing-to-speak", "invalid-ssml", "unknown-model"]
    assert (answer["succeeded"], answer["failed"]) == (2, 4)


async def test_an_engine_that_fails_is_an_error_of_each_text(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(fail_at=2))
    async with speaking(tmp_path, engine) as it:
        answer = await batch(it, [{"input": "Hello there."}] * 3)
        assert [result["error"]["code"] for result in answer["results"]] == ["engine-failed"] * 3
        assert not any("audio_data" in result for result in answer["results"])
        assert engine.open_streams == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": [{"input": "a"}] * 33}, "items"),
        ({"items": "a"}, "items"),
        ({"items": ["a"]}, "items.0"),
        ({"items": [{}]}, "items.0.input"),
        ({"items": [{"input": "a"}, {"input": "a", "speed": 9}]}, "items.1.speed"),
        ({"items": [{"input": "a", "items": []}]}, "items.0.items"),
        ({"items": [{"input": "a", "stream_format": "sse"}]}, "items.0.stream_format"),
        ({"items": [{"input": "a"}], "speed": 9}, "speed"),
        ({"items": [{"input": "a"}], "stream": True}, "stream"),
        ({"items": [{"input": "a"}], "input": "b"}, "input"),
    ],
)
async def test_what_is_no_batch_is_refused_by_name(humming: HttpHouse, body: Any, param: str) -> None:
    async with humming.client.post(PATH, json=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == param


async def test_an_item_is_judged_with_what_the_batch_says(humming: HttpHouse) -> None:
    items = [{"input": "a", "sample_rate": 44100}, {"input": "a", "task_type": "VoiceDesign"}]
    [rate, design] = (await batch(humming, items, response_format="opus", instructions="An old sailor."))["results"]
    assert (rate["error"]["code"], "sample_rate" in rate["error"]["message"]) == ("malformed-input", True)
    # It has its description; only nobody is there who designs.
    assert design["error"]["code"] == "engine-unavailable"


async def test_the_texts_together_are_bounded(tmp_path: Path) -> None:
    async with (
        speaking(tmp_path, speech=SpeechSettings(max_characters=100)) as it,
        it.client.post(PATH, json={"items": [{"input": "a" * 51}] * 2}) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "limit-exceeded")


async def test_a_batch_uses_spare_turns_and_lets_others_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    priorities = set()
    step = FakeStream.step

    def noted(stream: FakeStream, faults: Faults) -> None:
        priorities.add(stream.options.priority)
        step(stream, faults)

    monkeypatch.setattr(FakeStream, "step", noted)
    async with speaking(tmp_path, engine, max_speaking=3) as it:
        running = asyncio.create_task(batch(it, [{"input": "Hello there."}] * 8))
        await eventually(lambda: engine.open_streams == 3)
        other = asyncio.create_task(say(it, "Hello."))
        await eventually(lambda: it.server.app[TURNS].waiting == 1)
        gate.release(10_000)
        assert await other
        assert (await running)["succeeded"] == 8
        assert (it.server.app[TURNS].speaking, it.server.app[TURNS].waiting) == (0, 0)
    assert priorities == {Priority.ROOM, Priority.BATCH}


async def test_a_batch_waits_its_turn_or_is_refused_as_a_whole(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    async with speaking(tmp_path, engine, max_speaking=1, max_waiting=0) as it:
        hung = asyncio.create_task(say(it))
        await eventually(lambda: engine.open_streams == 1)
        async with it.client.post(PATH, json={"items": [{"input": "Hello."}]}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (429, "busy")
        hung.cancel()
        await eventually(lambda: engine.open_streams == 0)


async def test_who_leaves_frees_every_turn(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=1))
    async with speaking(tmp_path, engine, max_speaking=3) as it:
        running = asyncio.create_task(batch(it, [{"input": "Hello there."}] * 8))
        await eventually(lambda: engine.open_streams == 3)
        running.cancel()
        await eventually(lambda: engine.open_streams == 0)
        await eventually(lambda: it.server.app[TURNS].speaking == 0)
