"""A dialogue over HTTP: every turn in its voice, pauses between them, streamed, and kept where that is wished."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from koe.adapters.http import busy, conversation, history, runs
from koe.audio.decode import read_audio
from koe.core.pcm import BYTES_PER_SAMPLE
from koe.core.voice import Voice
from koe.engine import Priority, SpeechOptions
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine, FakeStream, Faults
from koe.pipelines.conversation import TASK
from koe.settings import SpeechSettings
from koe.speech import SpeechRequest
from koe.storage.outputs import Outputs
from tests.support.house import PATIENCE
from tests.support.http_house import HttpHouse, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*conversation.ENDPOINTS, *runs.ENDPOINTS, *history.ENDPOINTS)
PATH = "/v1/audio/conversation"
RATE = 24_000
TURNS: list[dict[str, Any]] = [
    {"speaker": "Anna", "input": "Is the kettle on?", "pause_after": 0.25},
    {"speaker": "Bert", "input": "It is."},
    {"speaker": "Anna", "input": "Then where is my tea?"},
]
SPEAKERS = {"Anna": {"voice": "fake-high"}, "Bert": {"voice": "fake-low"}}


@asynccontextmanager
async def talking(data_dir: Path, *engines: Any, **options: Any) -> AsyncIterator[HttpHouse]:
    outputs = Outputs(data_dir / "outputs")
    await asyncio.to_thread(outputs.serve)

    def prepare(app: Any, settings: Any) -> None:
        busy.install(app, settings)
        runs.install(app, outputs, {TASK: conversation.again})

    try:
        async with http_house(data_dir, ENDPOINTS, *engines, prepare=prepare, **options) as house:
            yield house
    finally:
        await asyncio.to_thread(outputs.close)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with talking(tmp_path) as house:
        yield house


def body(**fields: Any) -> dict[str, Any]:
    return {"turns": TURNS, "speakers": SPEAKERS, "response_format": "pcm", **fields}


async def heard(house: HttpHouse, **fields: Any) -> bytes:
    async with house.client.post(PATH, json=body(**fields)) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def refused(house: HttpHouse, status: int = 400, **fields: Any) -> dict[str, Any]:
    async with house.client.post(PATH, json=body(**fields)) as answer:
        assert answer.status == status, await answer.text()
        error: dict[str, Any] = (await answer.json())["error"]
        return error


async def spoken(house: HttpHouse, text: str, **request: Any) -> bytes:
    utterance = house.house.speaker.open(SpeechRequest(**request))
    utterance.feed(text)
    utterance.finish()
    return b"".join([pcm async for pcm in utterance])


def silence(seconds: float) -> bytes:
    return bytes(BYTES_PER_SAMPLE * round(seconds * RATE))


async def test_every_turn_is_spoken_by_its_speaker_with_pauses_between(it: HttpHouse) -> None:
    voices = [SPEAKERS[turn["speaker"]]["voice"] for turn in TURNS]
    parts = [await spoken(it, turn["input"], voice=voice) for turn, voice in zip(TURNS, voices, strict=True)]
    expected = parts[0] + silence(0.25) + parts[1] + silence(0.5) + parts[2]
    assert await heard(it, gap=0.5) == expected


async def test_what_a_turn_says_wins_over_its_speaker_and_that_over_the_whole(it: HttpHouse) -> None:
    turns = [
        {"input": "One."},
        {"input": "Two.", "speaker": "Anna"},
        {"input": "Three.", "speaker": "Anna", "voice": "fake-low", "speed": 2.0},
    ]
    speakers = {"Anna": {"voice": "fake-high", "speed": 0.5}}
    expected = [
        await spoken(it, "One.", voice="fake-low"),
        await spoken(it, "Two.", voice="fake-high", speed=0.5),
        await spoken(it, "Three.", voice="fake-low", speed=2.0),
    ]
    assert await heard(it, turns=turns, speakers=speakers, voice="fake-low", gap=0) == b"".join(expected)


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "opus"])
async def test_it_comes_in_every_format_at_one_rate(tmp_path: Path, format: str) -> None:
    async with talking(tmp_path, FakeEngine(), EspeakEngine()) as it:
        turns = [{"input": "Hello.", "voice": "fake-low"}, {"input": "Hello.", "voice": "espeak-en"}]
        async with it.client.post(PATH, json={"turns": turns, "response_format": format}) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.headers["X-Koe-Sample-Rate"] == "24000"
            decoded = read_audio(await answer.read(), most_seconds=60)
            pcm = await heard(it, turns=turns, speakers={})
            assert decoded.sample_rate == RATE
            assert len(decoded.samples) == pytest.approx(len(pcm) // BYTES_PER_SAMPLE, abs=0.2 * RATE)


async def test_the_first_bytes_leave_with_the_first_sound_and_a_vanished_client_frees_the_engine(
    tmp_path: Path,
) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with talking(tmp_path, engine) as it:
        request = asyncio.create_task(it.client.post(PATH, json=body(keep=True)))
        await eventually(lambda: engine.open_streams == 1)
        assert not request.done()
        gate.release(1)
        async with asyncio.timeout(PATIENCE), await request as answer:
            assert await answer.content.readany()
            assert engine.open_streams == 1
            answer.close()
        gate.release(1000)
        await eventually(lambda: engine.open_streams == 0)
        await eventually(lambda: it.server.busy == 0)
        async with it.client.get("/api/history") as answer:
            assert (await answer.json())["runs"] == []
        assert not [path for path in (tmp_path / "outputs" / "runs").iterdir() if path.is_dir()]
        assert len(await heard(it)) > 0


async def test_it_becomes_a_run_where_that_is_wished(it: HttpHouse) -> None:
    async with it.client.post(PATH, json=body(response_format="flac", keep=True)) as answer:
        assert answer.status == 200
        run_id, sound = answer.headers["X-Koe-Run"], await answer.read()
    async with it.client.get(f"/api/runs/{run_id}") as answer:
        told = await answer.json()
    assert (told["task"], told["voice"], told["engine"]) == ("conversation", "fake-high, fake-low", "fake")
    assert told["text"] == "Is the kettle on?\nIt is.\nThen where is my tea?"
    assert told["input"]["turns"] == TURNS
    async with it.client.get(f"/api/runs/{run_id}/files/audio.flac") as answer:
        kept = read_audio(await answer.read(), most_seconds=60).samples
    assert kept.tobytes() == read_audio(sound, most_seconds=60).samples.tobytes()
    assert told["duration"] == pytest.approx(len(kept) / RATE)
    async with it.client.get("/api/history?q=kettle") as answer:
        assert [each["id"] for each in (await answer.json())["runs"]] == [run_id]


class Seeded(FakeEngine):
    """It draws seeds, as an engine with a model does."""

    drawn = 100

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        stream = super().open(voice, options)
        if options.seed is None:
            self.drawn += 1
        stream.seed = self.drawn if options.seed is None else options.seed
        return stream


async def ask(it: HttpHouse, method: str, path: str, status: int = 200, **options: Any) -> dict[str, Any]:
    async with it.client.request(method, path, **options) as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json(content_type=None)
        return told


async def test_it_is_done_again_with_the_seeds_that_it_had_or_others(tmp_path: Path) -> None:
    async with talking(tmp_path, Seeded()) as it:

        async def seeds(run_id: str) -> list[int]:
            items = (await ask(it, "GET", f"/api/runs/{run_id}/files/manifest.json"))["items"]
            assert [(item["number"], item["text"], item["group"]) for item in items] == [
                (number, turn["input"], turn["speaker"]) for number, turn in enumerate(TURNS, start=1)
            ]
            return [item["seed"] for item in items]

        async with it.client.post(PATH, json=body(keep=True, speakers={**SPEAKERS, "Bert": {"seed": 5}})) as answer:
            assert answer.status == 200
            first = answer.headers["X-Koe-Run"]
            await answer.read()
        drawn = await seeds(first)
        assert (len(set(drawn)), drawn[1]) == (3, 5)
        path = f"/api/runs/{first}/regenerate"
        same = await ask(it, "POST", path, 201, json={})
        assert (same["task"], same["text"]) == ("conversation", "\n".join(turn["input"] for turn in TURNS))
        assert await seeds(same["id"]) == drawn
        assert await seeds((await ask(it, "POST", f"/api/runs/{same['id']}/regenerate", 201, json={}))["id"]) == drawn
        assert not set(await seeds((await ask(it, "POST", path, 201, json={"seed": "new"}))["id"])) & set(drawn)
        assert await seeds((await ask(it, "POST", path, 201, json={"seed": 7}))["id"]) == [7, 7, 7]
        assert (await ask(it, "GET", "/api/history"))["runs"][0]["seed"] == 7


async def test_the_turns_of_a_run_are_told_with_their_times_and_it_is_done_again_without_seeds(it: HttpHouse) -> None:
    async with it.client.post(PATH, json=body(keep=True, gap=0.5)) as answer:
        run_id, pcm = answer.headers["X-Koe-Run"], await answer.read()
    items = (await ask(it, "GET", f"/api/runs/{run_id}/files/manifest.json"))["items"]
    assert items[0]["start"] == 0
    assert items[1]["start"] == pytest.approx(items[0]["seconds"] + 0.25)
    assert items[2]["start"] == pytest.approx(items[1]["start"] + items[1]["seconds"] + 0.5)
    assert items[2]["start"] + items[2]["seconds"] == pytest.approx(len(pcm) / BYTES_PER_SAMPLE / RATE)
    again = await ask(it, "POST", f"/api/runs/{run_id}/regenerate", 201, json={})
    first = await ask(it, "GET", f"/api/runs/{run_id}")
    assert again["input"] == first["input"]
    assert again["files"][0] == first["files"][0]
    # One that can't be spoken any more leaves nothing behind, and one that was damaged says so.
    file = next((it.house.loaded.data_dir / "outputs" / "runs").glob(f"*{run_id}/input.json"))
    file.write_text(file.read_text().replace("fake-low", "fake-gone"))
    assert (await ask(it, "POST", f"/api/runs/{run_id}/regenerate", 404, json={}))["error"]["code"] == "unknown-voice"
    file.write_text('{"turns": []}')
    assert (
        "turns of its input"
        in (await ask(it, "POST", f"/api/runs/{run_id}/regenerate", 400, json={}))["error"]["message"]
    )
    assert len((await ask(it, "GET", "/api/history"))["runs"]) == 2


async def test_all_unknown_voices_are_told_at_once_and_nothing_is_spoken(it: HttpHouse) -> None:
    turns = [
        {"input": "One.", "voice": "fake-hig"},
        {"input": "Two.", "voice": "fake-low"},
        {"input": "Three.", "voice": "nobody"},
        {"input": "Four.", "voice": "fake-hig"},
    ]
    error = await refused(it, 404, turns=turns)
    assert error["code"] == "unknown-voice"
    for words in ("'fake-hig'", "nearest are fake-high", "(turns.0, turns.3)", "'nobody'", "(turns.2)"):
        assert words in error["message"]


async def test_all_speakers_without_a_voice_are_told_at_once(it: HttpHouse) -> None:
    turns = [{"input": "One.", "speaker": name} for name in ("Anna", "Carl", "Dora", "Carl")]
    error = await refused(it, turns=turns)
    assert error["param"] == "speakers"
    assert "'Carl' (turns.1, turns.3); 'Dora' (turns.2)" in error["message"]
    assert await heard(it, turns=turns, voice="fake-low")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"turns": []}, "turns"),
        ({"turns": [{"input": "a"}] * 501}, "turns"),
        ({"turns": [{}]}, "turns.0.input"),
        ({"turns": [{"input": ""}]}, "turns.0.input"),
        ({"turns": [{"input": "a"}, {"input": "…"}]}, "turns.1"),
        ({"turns": [{"input": "a", "speed": 9}]}, "turns.0.speed"),
        ({"turns": [{"input": "a", "pause_after": 61}]}, "turns.0.pause_after"),
        ({"turns": [{"input": "a", "pause_after": -1}]}, "turns.0.pause_after"),
        ({"turns": [{"input": "a", "sample_rate": 16000}]}, "turns.0.sample_rate"),
        ({"turns": [{"input": "a", "response_format": "wav"}]}, "turns.0.response_format"),
        ({"turns": [{"input": "a", "task_type": "VoiceDesign"}]}, "turns.0"),
        ({"turns": [{"input": "a", "ref_audio": "/etc/passwd"}]}, "turns.0.ref_audio"),
        ({"turns": [{"input": "a", "seed": -1}]}, "turns.0.seed"),
        ({"speakers": {"Anna": {"speed": 9}}}, "speakers.Anna.speed"),
        ({"speakers": {"Anna": {"pause_after": 1}}}, "speakers.Anna.pause_after"),
        ({"gap": 100}, "gap"),
        ({"keep": 1}, "keep"),
        ({"response_format": "doc"}, "response_format"),
        ({"response_format": "opus", "sample_rate": 22050}, None),
        ({"path": "/tmp/x"}, "path"),
    ],
)
async def test_what_is_wrong_is_named(it: HttpHouse, fields: dict[str, Any], param: str | None) -> None:
    assert (await refused(it, **fields))["param"] == param


async def test_a_model_that_nobody_is_is_named_with_its_turn(it: HttpHouse) -> None:
    error = await refused(it, 404, turns=[{"input": "a"}, {"input": "a", "model": "nobody"}])
    assert (error["code"], error["param"]) == ("unknown-model", "turns.1.model")


async def test_limits_hold_for_all_turns_together(tmp_path: Path) -> None:
    speech = SpeechSettings(max_characters=30, max_seconds=2.0)
    async with talking(tmp_path, speech=speech) as it:
        error = await refused(it)
        assert (error["code"], "30" in error["message"]) == ("limit-exceeded", True)
        turns = [{"input": "One.", "pause_after": 3.0}, {"input": "Two."}]
        with pytest.raises(aiohttp.ClientError):
            await heard(it, turns=turns)
        assert await heard(it, turns=turns[1:])


async def test_an_engine_that_fails_before_the_first_sound_is_an_answer_of_its_own(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(fail_at=0))
    async with talking(tmp_path, engine) as it:
        assert (await refused(it, 502, keep=True))["code"] == "engine-failed"
        assert engine.open_streams == 0
        assert not [path for path in (tmp_path / "outputs" / "runs").iterdir() if path.is_dir()]


async def test_rooms_go_first(tmp_path: Path) -> None:
    asked: list[Priority] = []

    class Watching(FakeEngine):
        def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
            asked.append(options.priority)
            return super().open(voice, options)

    async with talking(tmp_path, Watching()) as it:
        await heard(it)
    assert asked == [Priority.BATCH] * 3
