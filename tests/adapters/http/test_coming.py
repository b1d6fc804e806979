"""Voices whose checkpoint is on its way are told so, in the list as in every other place."""

import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from koe.adapters.http import busy, models, voices
from koe.app.coming import coming_voices
from koe.core.errors import EngineUnavailable
from koe.engine.fake import FakeEngine
from koe.engine.qwen.engine import QwenEngine
from koe.settings import QwenSettings
from koe.settings.schema.http import HttpSettings
from tests.adapters.http.test_voices import anna, asked
from tests.support import tiny
from tests.support.http_house import HttpHouse, http_house
from tests.support.waiting import eventually

pytest.importorskip("torch")

tiny_custom_voice, tiny_base, tiny_brief = tiny.tiny_custom_voice, tiny.tiny_base, tiny.tiny_brief

BASE, DESIGN = "Qwen3-TTS-12Hz-0.6B-Base", "Qwen3-TTS-12Hz-1.7B-VoiceDesign"


def put(app: web.Application, settings: HttpSettings) -> None:
    models.install(app)
    busy.install(app, settings)


@asynccontextmanager
async def house(
    data_dir: Path, *checkpoints: Path, downloading: Collection[str] = ()
) -> AsyncIterator[tuple[HttpHouse, QwenEngine]]:
    (data_dir / "models").mkdir()
    for checkpoint in checkpoints:
        (data_dir / "models" / checkpoint.name).symlink_to(checkpoint)
    engine = QwenEngine(QwenSettings(device="cpu", dtype="float32", warm_up=False), data_dir)
    async with http_house(data_dir, (*voices.ENDPOINTS, *models.ENDPOINTS), engine, FakeEngine(), prepare=put) as it:
        it.house.coming_voices = lambda: coming_voices(it.house, {*downloading, *models.downloads_of(it.server.app)})
        yield it, engine


async def states(it: HttpHouse) -> dict[str, tuple[str, str | None]]:
    found: list[dict[str, Any]] = (await asked(it, "GET", "/api/voices"))["voices"]
    return {each["id"]: (each["state"], each["reason"]) for each in found}


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Checkpoints are loaded once it is open."""
    from koe.engine.qwen import household
    from koe.engine.qwen.loading import load

    may = threading.Event()

    def waiting(*given: Any, **options: Any) -> Any:
        assert may.wait(20)
        return load(*given, **options)

    monkeypatch.setattr(household, "load", waiting)
    return may


async def test_voices_of_a_checkpoint_are_loading_while_it_is(
    tmp_path: Path, tiny_custom_voice: Path, tiny_base: Path, gate: threading.Event
) -> None:
    async with house(tmp_path, tiny_custom_voice, tiny_base) as (it, engine):
        await anna(it)
        named = engine.voices()[0].id
        await asked(it, "POST", "/api/voices", 201, json={"name": "Varied", "base": named})
        assert {(await states(it))[each][0] for each in ("anna", named, "varied")} == {"ready"}
        engine.load(tiny_custom_voice.name)
        now = await states(it)
        assert now[named] == now["varied"] == ("loading", f"{tiny_custom_voice.name} is being loaded")
        assert now["anna"] == ("ready", None) and now["fake-low"] == ("ready", None)
        engine.load(tiny_base.name)
        assert (await states(it))["anna"] == ("loading", f"{tiny_base.name} is being loaded")
        assert (await asked(it, "GET", "/api/voices/anna"))["state"] == "loading"
        gate.set()
        await eventually(lambda: any(held.ready for held in engine.held().values()))
        assert (await states(it))[named] == ("ready", None)


async def test_a_voice_that_is_loading_can_be_asked_to_speak(
    tmp_path: Path, tiny_brief: Path, gate: threading.Event
) -> None:
    async with house(tmp_path, tiny_brief) as (it, engine):
        named = engine.voices()[0].id
        engine.load(tiny_brief.name)
        assert (await states(it))[named][0] == "loading"
        gate.set()
        async with it.client.post(f"/api/voices/{named}/test", json={"text": "Yes.", "seed": 1}) as answer:
            assert answer.status == 200 and await answer.read()


async def test_a_voice_whose_checkpoint_is_downloaded_is_told_so(tmp_path: Path, tiny_custom_voice: Path) -> None:
    async with house(tmp_path, tiny_custom_voice, downloading=[DESIGN, BASE]) as (it, _):
        it.house.clone_obstacle = lambda: EngineUnavailable("no checkpoint that clones is here")
        made = await anna(it)
        told = ("downloading", f"{BASE} is being downloaded")
        assert (made["state"], made["reason"]) == told
        assert (await states(it))["anna"] == told
        # It can't speak before.
        async with it.client.post("/api/voices/anna/test") as answer:
            assert answer.status == 503 and "being downloaded" in await answer.text()


async def test_what_else_is_downloaded_changes_nothing(tmp_path: Path, tiny_custom_voice: Path) -> None:
    async with house(tmp_path, tiny_custom_voice, downloading=[DESIGN]) as (it, _):
        it.house.clone_obstacle = lambda: EngineUnavailable("no checkpoint that clones is here")
        assert (await anna(it))["state"] == "missing"
