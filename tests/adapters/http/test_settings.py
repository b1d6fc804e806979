"""Settings over HTTP: seen, changed while the house speaks, taken back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from koe.adapters.http import batch, busy, settings, speech
from koe.adapters.http.house import HOUSE
from koe.app import open_speaker
from koe.app.settings import live_settings
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine
from koe.engine.qwen.engine import QwenEngine, is_installed
from koe.settings import QwenSettings, load
from koe.settings.schema.http import HttpSettings
from tests.support.hollow import hollow_checkpoint
from tests.support.http_house import HttpHouse, fuzz, http_house

ENDPOINTS = (*settings.ENDPOINTS, *speech.ENDPOINTS, *batch.ENDPOINTS)
Entries = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def same_log_level() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


def changing(data_dir: Path, *engines: Any, **variables: str) -> AbstractAsyncContextManager[HttpHouse]:
    """A house with the settings of that folder and these variables."""
    loaded = load(data_dir, {"http.max_waiting": "3"}, variables)

    def prepare(app: web.Application, section: HttpSettings) -> None:
        busy.install(app, section)
        house = app[HOUSE]
        house.loaded = loaded
        settings.install(app, live_settings(loaded, house.speaker))

    given = loaded.settings
    return http_house(data_dir, ENDPOINTS, *engines, prepare=prepare, speech=given.speech, voice=given.voice)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "koe.yaml").write_text("name: Home\nvoice: {language: de}\n")
    async with changing(tmp_path, KOE_STOP_GRACE="2") as house:
        yield house


async def seen(it: HttpHouse) -> Entries:
    return await entries(it.client.get("/api/settings"))


async def changed(it: HttpHouse, changes: Mapping[str, object]) -> Entries:
    return await entries(it.client.patch("/api/settings", json=changes))


async def entries(asking: Any) -> Entries:
    async with asking as answer:
        assert answer.status == 200, await answer.text()
        return {each["name"]: each for each in (await answer.json())["settings"]}


async def refused(it: HttpHouse, status: int, changes: Mapping[str, object]) -> dict[str, Any]:
    async with it.client.patch("/api/settings", json=changes) as answer:
        assert answer.status == status, await answer.text()
        error: dict[str, Any] = (await answer.json())["error"]
        return error


async def spoken(it: HttpHouse, text: str = "Hello there.", **fields: Any) -> tuple[int, bytes]:
    body = {"input": text, "model": "koe", "response_format": "pcm"} | fields
    async with it.client.post("/v1/audio/speech", json=body) as answer:
        return answer.status, await answer.read()


async def test_every_setting_tells_all_about_itself(it: HttpHouse) -> None:
    found = await seen(it)
    language, grace, listen = found["voice.language"], found["stop.grace"], found["http.listen"]
    assert (language["value"], language["default"], language["source"]) == ("de", None, "file")
    assert language["set_by"].endswith("koe.yaml line 2")
    assert (language["changeable"], language["takes_effect"], language["pending"]) == (True, "now", False)
    assert (grace["value"], grace["source"], grace["changeable"]) == (2, "environment", False)
    assert (listen["default"], listen["changeable"], listen["takes_effect"]) == (["tcp://127.0.0.1:10211"], False, None)
    assert found["engine.espeak.rate"]["json_schema"] == {"type": "integer", "minimum": 80, "maximum": 450}
    assert found["log.level"]["json_schema"]["enum"] == ["debug", "info", "warning", "error"]
    assert all(each["description"] for each in found.values())


async def test_a_change_counts_at_once_and_can_be_taken_back(it: HttpHouse) -> None:
    before = await changed(it, {"voice.default": "fake-high", "voice.language": None})
    assert list(before) == ["voice.default", "voice.language"]
    assert before["voice.language"]["value"] is None
    assert before["voice.language"]["source"] == "overlay"
    assert it.house.speaker.default_voice().id == "fake-high"
    after = await entries(it.client.delete("/api/settings/voice.language"))
    assert (after["voice.language"]["value"], after["voice.language"]["changed"]) == ("de", False)
    assert (await seen(it))["voice.default"]["changed"]


async def test_limits_count_for_requests_that_begin_afterwards(it: HttpHouse) -> None:
    assert (await spoken(it))[0] == 200
    await changed(it, {"speech.max_characters": 5})
    assert (await spoken(it))[0] == 400
    async with it.client.post("/v1/audio/speech/batch", json={"items": [{"input": "Hello there."}]}) as answer:
        assert answer.status == 400
    await entries(it.client.delete("/api/settings/speech.max_characters"))
    assert (await spoken(it))[0] == 200


async def test_espeak_speaks_at_its_new_rate(tmp_path: Path) -> None:
    async with changing(tmp_path, EspeakEngine()) as it:
        _, before = await spoken(it)
        await changed(it, {"engine.espeak.rate": 350})
        _, after = await spoken(it)
        assert len(after) < 0.7 * len(before)


@pytest.mark.skipif(not is_installed(), reason="needs the extra qwen")
async def test_voices_have_the_new_styles(tmp_path: Path) -> None:
    hollow_checkpoint(tmp_path / "models" / "Qwen3-TTS-12Hz-1.7B-CustomVoice", size="1.7B")
    engine = QwenEngine(QwenSettings(warm_up=False), tmp_path)
    async with changing(tmp_path, engine) as it:
        await changed(it, {"engine.qwen.styles": {"pirate": "Talk like a pirate."}})
        assert it.house.speaker.voices()[0].styles == ("pirate",)


async def test_the_log_level_counts_at_once(it: HttpHouse) -> None:
    await changed(it, {"log.level": "error"})
    assert logging.getLogger().level == logging.ERROR


async def test_other_changes_wait_for_the_next_start(it: HttpHouse) -> None:
    slots = (await changed(it, {"engine.qwen.slots": 8}))["engine.qwen.slots"]
    assert (slots["value"], slots["pending"], slots["next_value"]) == (4, True, 8)
    assert (slots["takes_effect"], slots["source"], slots["changed"]) == ("next start", "default", True)
    assert load(it.house.loaded.data_dir, environ={}).settings.engine.qwen.slots == 8


@pytest.mark.parametrize(
    ("status", "changes", "param", "words"),
    [
        (422, {"voice.defualt": "x"}, "voice.defualt", "did you mean voice.default?"),
        (422, {"voice": {"default": None}}, "voice", "voice.default, voice.language"),
        (422, {"voice.default": "fake-hihg"}, "voice.default", "the nearest are fake-high"),
        (409, {"speech.max_seconds": "x", "stop.grace": 1}, "stop.grace", "KOE_STOP_GRACE"),
        (422, {"name": "Other", "speech.max_seconds": True}, "speech.max_seconds", "a number from 1 to 86400"),
        (422, {"engine.fallback": "fake"}, "engine.fallback", "engine.fake.enabled is false"),
        (422, {"transcription.server": "tcp://*:1"}, "transcription.server", "no address of one server"),
        (403, {"http.listen": ["tcp://*:1"]}, "http.listen", "koe.yaml"),
        (403, {"wyoming.listen": ["tcp://*:1"]}, "wyoming.listen", "koe.yaml"),
        (403, {"engine.remote.servers": ["http://elsewhere"]}, "engine.remote.servers", "koe.yaml"),
        (409, {"stop.grace": 1}, "stop.grace", "KOE_STOP_GRACE"),
        (400, {}, None, "at least 1"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_changes(
    it: HttpHouse, status: int, changes: dict[str, object], param: str | None, words: str
) -> None:
    before = await seen(it)
    error = await refused(it, status, changes)
    assert words in error["message"]
    assert param in (None, error["param"])
    assert await seen(it) == before
    assert not it.house.loaded.changes_file.exists()


async def test_what_cannot_be_taken_back_is_told(it: HttpHouse) -> None:
    async with it.client.delete("/api/settings/nmae") as answer:
        assert (answer.status, "did you mean name?" in await answer.text()) == (404, True)
    # Nothing was changed, so there is nothing to do.
    await entries(it.client.delete("/api/settings/http.listen"))


async def test_changes_of_many_at_once_are_all_kept(it: HttpHouse) -> None:
    wanted = {f"speech.{name}_timeout": 20.5 for name in ("first_audio", "chunk", "request", "text")}
    await asyncio.gather(*(changed(it, {name: value}) for name, value in wanted.items()))
    again = load(it.house.loaded.data_dir, environ={}).settings.speech
    assert again == it.house.loaded.settings.speech
    assert {again.first_audio_timeout, again.chunk_timeout, again.request_timeout, again.text_timeout} == {20.5}


async def test_a_fallback_that_is_not_here_yet_is_no_obstacle(it: HttpHouse) -> None:
    await changed(it, {"engine.fallback": "qwen"})
    assert (await spoken(it))[0] == 200


async def test_a_house_starts_without_the_voice_that_was_chosen(tmp_path: Path) -> None:
    changes = tmp_path / "config" / "changes.yaml"
    changes.parent.mkdir()
    changes.write_text("version: 2\nvoice: {default: gone}\n")
    async with open_speaker(load(tmp_path, environ={})) as speaker:
        assert speaker.default_voice().id != "gone"


async def test_made_up_requests_are_answered_as_documented(tmp_path: Path) -> None:
    loaded = load(tmp_path, environ={})

    def prepare(app: web.Application, _: HttpSettings) -> None:
        settings.install(app, live_settings(loaded, app[HOUSE].speaker))

    async with http_house(tmp_path, settings.ENDPOINTS, FakeEngine(), prepare=prepare) as it:
        await fuzz(it)
