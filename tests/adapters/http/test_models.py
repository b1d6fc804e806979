"""Checkpoints over HTTP: a hub on loopback, tiny checkpoints that really speak, and a house that goes on."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from koe.adapters.http import models
from koe.engine import SpeechOptions
from koe.engine.fake import FakeEngine
from koe.engine.qwen.engine import QwenEngine, QwenStream
from koe.settings import QwenSettings
from koe.settings.schema.http import HttpSettings
from tests.support import tiny
from tests.support.hollow import hollow_checkpoint, write_weights
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.hub import COMMIT, FakeHub, fake_hub
from tests.support.waiting import eventually

pytest.importorskip("huggingface_hub")
pytest.importorskip("torch")

tiny_custom_voice, tiny_endless = tiny.tiny_custom_voice, tiny.tiny_endless

SMALL = "Qwen3-TTS-12Hz-0.6B-CustomVoice"
MIB = 1024 * 1024
Events = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_custom_voice: Path) -> Iterator[FakeHub]:
    with fake_hub() as running:
        running.repositories = {f"Qwen/{SMALL}": tiny_custom_voice}
        monkeypatch.setenv("HF_ENDPOINT", running.uri)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        yield running


def put(app: web.Application, _: HttpSettings) -> None:
    models.install(app)


@asynccontextmanager
async def house(data_dir: Path, *checkpoints: Path) -> AsyncIterator[tuple[HttpHouse, QwenEngine]]:
    (data_dir / "models").mkdir()
    for checkpoint in checkpoints:
        (data_dir / "models" / checkpoint.name).symlink_to(checkpoint)
    engine = QwenEngine(QwenSettings(device="cpu", dtype="float32", warm_up=False), data_dir)
    async with http_house(data_dir, models.ENDPOINTS, engine, FakeEngine(), prepare=put) as it:
        yield it, engine


async def asked(it: HttpHouse, method: str, path: str, status: int = 200, **options: Any) -> Any:
    async with it.client.request(method, path, **options) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return json.loads(text) if text else None


async def entry(it: HttpHouse, name: str) -> dict[str, Any]:
    found: dict[str, Any] = await asked(it, "GET", f"/api/models/{name}")
    return found


async def events(it: HttpHouse, name: str = SMALL) -> Events:
    async with it.client.post("/api/models/download", json={"name": name}) as answer:
        text = await answer.text()
        assert answer.content_type == "text/event-stream", text
    pairs = [each.split("\n") for each in text.split("\n\n") if each.startswith("event: ")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in pairs]


def speaking(engine: QwenEngine) -> QwenStream:
    stream = engine.open(engine.voices()[0], SpeechOptions(language="en", wait=True, max_seconds=600))
    stream.feed("The front door is locked.")
    return stream


@pytest.fixture
def slow(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Downloads of the large file wait for this between two pieces."""
    folder = hollow_checkpoint(tmp_path / "hub" / SMALL)
    write_weights(folder / "model.safetensors", "large", numbers=8 * MIB)
    hub.repositories = {f"Qwen/{SMALL}": folder}
    from koe.engine.qwen import hub as module

    go_on, write = threading.Event(), module._Checked.write

    def waiting(self: Any, data: Any) -> int:
        if self.tell() >= 10 * MIB:
            while not go_on.wait(0.01):
                self._check()
        return write(self, data)

    monkeypatch.setattr(module._Checked, "write", waiting)
    return go_on


async def test_the_list_tells_what_the_command_tells(tmp_path: Path, tiny_custom_voice: Path) -> None:
    async with house(tmp_path, tiny_custom_voice) as (it, _):
        listed = {each["name"]: each for each in (await asked(it, "GET", "/api/models"))["models"]}
    assert listed[tiny_custom_voice.name]["state"] == "here"
    assert listed[SMALL]["state"] == "missing"
    assert listed[SMALL]["told"] == "can be downloaded"
    assert len(listed) == 7


async def test_what_is_downloaded_speaks_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with house(tmp_path) as (it, engine):
        assert "models download" in it.house.speaker.health["qwen"].reason
        assert it.house.speaker.health["qwen"].problem == "checkpoint-missing"
        assert not [record for record in caplog.records if record.levelname == "WARNING"]
        assert not [voice for voice in it.house.speaker.voices() if voice.engine == "qwen"]
        told = await events(it, "0.6b-customvoice")
        assert told[-1][0] == "done"
        assert (told[-1][1]["state"], told[-1][1]["revision"]) == ("here", COMMIT)
        assert it.house.speaker.health["qwen"].ready
        stream = speaking(engine)
        stream.finish()
        assert b"".join([pcm async for pcm in stream])
        found = await entry(it, SMALL)
        assert found["state"] == "loaded"
        assert found["memory"] > 100_000


async def test_a_download_goes_on_without_its_listener_and_can_be_joined(tmp_path: Path, slow: threading.Event) -> None:
    async with house(tmp_path) as (it, _):
        async with it.client.post("/api/models/download", json={"name": SMALL}) as answer:
            assert (await answer.content.readline()) == b"event: progress\n"
        assert (await entry(it, SMALL))["state"] == "downloading"
        joined = asyncio.create_task(events(it))
        refused = await asked(it, "POST", "/api/models/download", 409, json={"name": SMALL, "revision": "v1"})
        assert "being downloaded already" in refused["error"]["message"]
        assert (await asked(it, "DELETE", f"/api/models/{SMALL}", 409))["error"]["param"] == "name"
        slow.set()
        told = await joined
        assert told[-1][0] == "done"
        assert all(0 < each["done"] <= each["total"] for kind, each in told if kind == "progress")


async def test_a_cancelled_download_is_kept_and_goes_on_with_the_next(
    tmp_path: Path, hub: FakeHub, slow: threading.Event
) -> None:
    async with house(tmp_path) as (it, _):
        listening = asyncio.create_task(events(it))
        half = tmp_path / "models" / f".download-{SMALL}"
        await eventually(lambda: any(each.stat().st_size >= 10 * MIB for each in half.glob("model.safetensors.*.part")))
        await asked(it, "DELETE", f"/api/models/{SMALL.lower()}/download", 204)
        kind, error = (await listening)[-1]
        assert (kind, error["error"]["code"]) == ("error", "cancelled")
        assert (await entry(it, SMALL))["state"] == "incomplete"
        await asked(it, "DELETE", f"/api/models/{SMALL}/download", 404)
        slow.set()
        assert (await events(it))[-1][0] == "done"
        ranges = hub.fetched(f"{COMMIT}/model.safetensors")
        assert ranges[0] is None
        assert ranges[1] is not None


async def test_what_is_half_here_can_be_removed(tmp_path: Path, hub: FakeHub) -> None:
    hub.cuts["model.safetensors"] = [1, *[0] * 20]
    async with house(tmp_path) as (it, _):
        assert (await events(it))[-1][0] == "error"
        assert (await entry(it, SMALL))["state"] == "incomplete"
        await asked(it, "DELETE", f"/api/models/{SMALL}", 204)
        assert (await entry(it, SMALL))["state"] == "missing"


@pytest.mark.parametrize(
    ("name", "status"),
    [("nonsense", 400), ("http://127.0.0.1/x", 400), ("../../etc", 400), ("a/..", 400), ("nobody/nothing", 503)],
)
async def test_only_repositories_of_the_hub_are_asked_for(tmp_path: Path, hub: FakeHub, name: str, status: int) -> None:
    async with house(tmp_path) as (it, _):
        await asked(it, "POST", "/api/models/download", status, json={"name": name})
    assert [path for _, path, _ in hub.requests] == (
        ["/api/models/nobody/nothing/revision/main"] if status == 503 else []
    )


async def test_what_speaks_is_neither_unloaded_nor_removed(tmp_path: Path, tiny_endless: Path) -> None:
    name = tiny_endless.name
    async with house(tmp_path, tiny_endless) as (it, engine):
        stream = speaking(engine)
        stream.finish()
        await anext(aiter(stream))
        assert (await entry(it, name))["speaking"] == 1
        for method, path in (("POST", f"/api/models/{name}/unload"), ("DELETE", f"/api/models/{name}")):
            assert "is speaking" in (await asked(it, method, path, 409))["error"]["message"]
        assert len(engine.voices()) == 9
        await stream.aclose()
        await eventually(lambda: engine.held()[name].streams == 0)
        assert (await asked(it, "POST", f"/api/models/{name}/unload"))["state"] == "here"
        await asked(it, "DELETE", f"/api/models/{name}", 204)
        await asked(it, "GET", f"/api/models/{name}", 404)
        assert engine.voices() == ()
        assert not it.house.speaker.health["qwen"].ready
    assert not (tmp_path / "models" / name).is_symlink()


async def test_a_checkpoint_is_loaded_before_anybody_needs_it(tmp_path: Path, tiny_custom_voice: Path) -> None:
    name = tiny_custom_voice.name
    async with house(tmp_path, tiny_custom_voice) as (it, engine):
        assert (await asked(it, "POST", f"/api/models/{name}/load", 202))["state"] in ("loading", "loaded")
        await eventually(lambda: name in (held := engine.held()) and held[name].ready)
        assert (await entry(it, name))["state"] == "loaded"
        await asked(it, "POST", f"/api/models/{SMALL}/load", 400)
        await asked(it, "POST", "/api/models/nothing/load", 404)


async def test_pins_and_what_the_files_are(tmp_path: Path) -> None:
    async with house(tmp_path) as (it, _):
        await asked(it, "POST", f"/api/models/{SMALL}/verify", 404)
        await events(it)
        assert (await asked(it, "PUT", f"/api/models/{SMALL}/pin", json={}))["pinned"] == COMMIT
        assert (await asked(it, "PUT", f"/api/models/{SMALL}/pin", json={"revision": "v1"}))["pinned"] == "v1"
        assert (await asked(it, "DELETE", f"/api/models/{SMALL}/pin"))["pinned"] is None
        verdict = await asked(it, "POST", f"/api/models/{SMALL}/verify")
        assert (verdict["whole"], verdict["wrong"]) == (True, [])
        file = tmp_path / "models" / SMALL / "vocab.json"
        file.write_bytes(b" " + file.read_bytes()[1:])
        verdict = await asked(it, "POST", f"/api/models/{SMALL}/verify")
        assert not verdict["whole"]


async def test_without_the_engine_checkpoints_are_kept_all_the_same(tmp_path: Path) -> None:
    hollow_checkpoint(tmp_path / "models" / "pirate")
    async with http_house(tmp_path, models.ENDPOINTS, prepare=put) as it:
        assert (await entry(it, "pirate"))["state"] == "here"
        assert "isn't in use" in (await asked(it, "POST", "/api/models/pirate/load", 503))["error"]["message"]
        await asked(it, "DELETE", "/api/models/pirate", 204)
    assert not (tmp_path / "models" / "pirate").exists()


async def test_the_document_says_what_it_does(tmp_path: Path, tiny_custom_voice: Path) -> None:
    async with house(tmp_path, tiny_custom_voice) as (it, _):
        await fuzz(it, examples=5)
