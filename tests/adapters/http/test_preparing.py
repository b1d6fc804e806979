"""How a voice is, and how it is made ready before it is needed."""

import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from koe.adapters.http import busy
from koe.adapters.http.house import HOUSE
from koe.core.errors import EngineUnavailable
from koe.engine.fake import Faults
from koe.settings.schema.http import HttpSettings
from tests.adapters.http.test_voices import ENDPOINTS, Humming, Making, anna, asked, refusal
from tests.support.http_house import HttpHouse, http_house
from tests.support.waiting import eventually


@asynccontextmanager
async def telling(tmp_path: Path, *engines: Any, hooks: dict[str, Any], **options: Any) -> AsyncIterator[HttpHouse]:
    """`hooks`: what the house says of its voices."""

    def prepare(app: web.Application, settings: HttpSettings) -> None:
        busy.install(app, settings)
        app[HOUSE] = replace(app[HOUSE], **hooks)

    async with http_house(tmp_path, ENDPOINTS, *engines or (Making(),), prepare=prepare, **options) as it:
        yield it


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    assert (answer.status, answer.content_type) == (200, "text/event-stream")
    async for line in answer.content:
        if line.startswith(b"event: "):
            yield line[7:].decode().strip(), json.loads((await answer.content.readline())[6:])


async def stages(it: HttpHouse, voice: str = "anna") -> list[tuple[str, dict[str, Any]]]:
    async with it.client.post(f"/api/voices/{voice}/prepare") as answer:
        return [each async for each in events(answer)]


async def test_what_voices_can_be_made_with_is_told(tmp_path: Path) -> None:
    lacking = EngineUnavailable("get a checkpoint", problem="design-checkpoint-missing")
    async with telling(tmp_path, hooks={"design_obstacle": lambda: lacking}) as it:
        found = await asked(it, "GET", "/api/voices/abilities")
    assert found["clone"] == {"ready": True, "reason": None, "problem": None}
    assert found["design"] == {"ready": False, "reason": "get a checkpoint", "problem": "design-checkpoint-missing"}
    assert "transcription.server" in found["transcribe"]["reason"]
    assert "de-DE" in found["languages"]


async def test_a_voice_whose_clip_was_heard_is_told_so(tmp_path: Path) -> None:
    cached: set[str] = set()
    async with telling(tmp_path, hooks={"cached_voices": lambda: cached}) as it:
        assert (await anna(it))["state"] == "ready"
        cached.add("anna")
        assert (await asked(it, "GET", "/api/voices/anna"))["state"] == "cached"
        states = {each["id"]: each["state"] for each in (await asked(it, "GET", "/api/voices"))["voices"]}
        assert states["anna"] == "cached"
        await asked_to_speak(it)


async def asked_to_speak(it: HttpHouse) -> None:
    async with it.client.post("/api/voices/anna/test") as answer:
        assert answer.status == 200
        await answer.read()


async def test_a_voice_that_nothing_here_can_clone_is_missing(tmp_path: Path) -> None:
    obstacle = "no checkpoint that clones is here: koe models download"
    lacking = EngineUnavailable(obstacle, problem="clone-checkpoint-missing")
    async with telling(tmp_path, hooks={"clone_obstacle": lambda: lacking}) as it:
        made = await anna(it)
        assert (made["state"], made["reason"], made["problem"]) == ("missing", obstacle, "clone-checkpoint-missing")
        listed = {each["id"]: each for each in (await asked(it, "GET", "/api/voices"))["voices"]}
        assert (listed["anna"]["reason"], listed["anna"]["problem"]) == (obstacle, "clone-checkpoint-missing")
        varied = await asked(it, "POST", "/api/voices", 201, json={"name": "Low", "base": "fake-low"})
        assert (varied["state"], varied["reason"]) == ("ready", None)
        error = await refusal(it, "POST", "/api/voices/anna/prepare", 503)
        assert obstacle in error["message"]


async def test_what_all_voices_need_is_looked_for_once_a_list(tmp_path: Path) -> None:
    looks: list[str] = []

    def look(what: str, found: Any) -> Callable[[], Any]:
        def looked() -> Any:
            looks.append(what)
            return found

        return looked

    hooks = {"cached_voices": look("cached", ()), "clone_obstacle": look("obstacle", None)}
    async with telling(tmp_path, hooks=hooks) as it:
        for number in range(3):
            await anna(it, id=f"anna-{number}")
        looks.clear()
        await asked(it, "GET", "/api/voices")
        assert sorted(looks) == ["cached", "obstacle"]


async def test_a_voice_is_prepared_stage_by_stage(tmp_path: Path) -> None:
    gate, loaded = threading.Semaphore(0), threading.Event()
    engine = Making(faults=Faults(before_step=gate.acquire))
    async with telling(tmp_path, engine, hooks={"model_loaded": lambda voice_id: loaded.is_set()}) as it:
        await anna(it)
        async with it.client.post("/api/voices/anna/prepare") as answer:
            coming = events(answer)
            assert [(await anext(coming))[0] for _ in range(2)] == ["queued", "loading"]
            loaded.set()
            assert (await anext(coming))[0] == "hearing"
            gate.release(1)
            name, ready = await anext(coming)
            assert (name, ready["voice"], ready["stage"]) == ("ready", "anna", "ready")
            assert ready["seconds"] >= 0
            assert [each async for each in coming] == []
        gate.release(1000)
        # The rest of it is never spoken: others may.
        await asked_to_speak(it)


async def test_what_is_wrong_with_the_voice_is_told_at_once(tmp_path: Path) -> None:
    async with telling(tmp_path, hooks={}) as it:
        for name in ("nobody", "..%2F..%2Fetc", "CON", "%00", "a" * 300):
            error = await refusal(it, "POST", f"/api/voices/{name}/prepare", 404)
            assert error["code"] == "unknown-voice"


async def test_a_failure_on_the_way_is_an_event(tmp_path: Path) -> None:
    async with telling(tmp_path, Making(faults=Faults(fail_at=0)), hooks={}) as it:
        await anna(it)
        *before, (name, error) = await stages(it)
        assert [each for each, _ in before] == ["queued", "hearing"]
        assert (name, error["error"]["code"]) == ("error", "engine-failed")


async def test_another_voice_that_stands_in_is_a_failure(tmp_path: Path) -> None:
    engines = Making(faults=Faults(fail_at=0)), Humming()
    async with telling(tmp_path, *engines, hooks={}, fallback="fake") as it:
        await anna(it)
        name, error = (await stages(it))[-1]
        assert (name, error["error"]["type"]) == ("error", "server_error")


async def test_it_waits_its_turn_and_a_client_that_leaves_gives_it_back(tmp_path: Path) -> None:
    engine = Making(faults=Faults(hang_at=0))
    async with telling(tmp_path, engine, hooks={}, max_speaking=1, wait_timeout=0.2) as it:
        await anna(it)
        async with it.client.post("/api/voices/anna/prepare") as first:
            coming = events(first)
            assert [(await anext(coming))[0] for _ in range(2)] == ["queued", "hearing"]
            name, error = (await stages(it))[-1]
            assert (name, error["error"]["code"]) == ("error", "busy")
            first.close()
        await eventually(lambda: it.server.app[busy.TURNS].speaking == 0)
