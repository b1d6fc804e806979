"""/api/bench: measuring this machine over HTTP, beside a house that goes on speaking."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from koe.adapters.http import bench, busy, speech
from koe.engine.qwen.cpu.bench_process import Bench
from koe.engine.qwen.engine import is_installed
from koe.settings.schema.http import HttpSettings
from tests.support.bench import FIGURES, telling
from tests.support.house import PATIENCE
from tests.support.http_house import STRANGER, STRANGERS, HttpHouse, fuzz, http_house

pytestmark = pytest.mark.skipif(not is_installed(), reason="the extra `qwen` is not installed")

FAILS = telling('{"failure": "it is too hot here"}')
INT4 = FIGURES.model_copy(update={"precision": "int4"})
FINDS = telling(
    *('{"size": "0.6B", "precision": "int8"}', f'{{"figures": {FIGURES.model_dump_json()}}}'),
    *('{"size": "0.6B", "precision": "int4"}', f'{{"figures": {INT4.model_dump_json()}}}'),
    pause=0.3,
)
ENDPOINTS = (*bench.ENDPOINTS, *speech.ENDPOINTS)


def measuring(data_dir: Path, *worker: str) -> Callable[[web.Application, HttpSettings], None]:
    def prepare(app: web.Application, settings: HttpSettings) -> None:
        busy.install(app, settings)
        bench.install(app, Bench(data_dir, worker=worker))

    return prepare


async def asked(it: HttpHouse, method: str = "GET", status: int = 200, **options: Any) -> Any:
    async with it.client.request(method, "/api/bench", **options) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json() if status != 204 else None


async def measured(it: HttpHouse) -> Any:
    async with asyncio.timeout(3 * PATIENCE):
        while (state := await asked(it))["running"] is not None:  # noqa: ASYNC110 - it is asked over HTTP
            await asyncio.sleep(0.1)
    return state


async def test_it_is_begun_watched_and_kept_and_rooms_speak_meanwhile(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS, prepare=measuring(tmp_path, *FINDS)) as it:
        assert await asked(it) == {"obstacle": None, "running": None, "error": None, "last": None}
        begun = (await asked(it, "POST", 202, json={"sizes": ["0.6B"]}))["running"]
        assert (begun["count"], begun["figures"]) == (2, [])
        refused = await asked(it, "POST", 409, json={})
        assert refused["error"]["code"] == "busy" and "already" in refused["error"]["message"]
        async with it.client.post("/v1/audio/speech", json={"input": "Dinner is ready."}) as answer:
            assert answer.status == 200 and len(await answer.read()) > 1000
        last = (await measured(it))["last"]
        assert [each["precision"] for each in last["figures"]] == ["int8", "int4"]
        assert [each["rooms"] for each in last["figures"]] == [2, 2]
        assert last["figures"][0]["verdict"] == "keeps-up" and last["figures"][0]["advice"] == "keeps up"
    # Over a restart.
    async with http_house(tmp_path, ENDPOINTS, prepare=measuring(tmp_path, *FINDS)) as it:
        assert (await asked(it))["last"] == last


async def test_it_is_cancelled_by_whoever_wants_and_when_the_server_stops(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS, prepare=measuring(tmp_path, *FINDS)) as it:
        await asked(it, "DELETE", 404)
        await asked(it, "POST", 202, json={})
        await asked(it, "DELETE", 204)
        assert await asked(it) == {"obstacle": None, "running": None, "error": None, "last": None}
        await asked(it, "POST", 202, json={})
        running = it.server.app[bench.BENCH]
    assert running.running is None


async def test_a_failure_is_told(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS, prepare=measuring(tmp_path, *FAILS)) as it:
        await asked(it, "POST", 202, json={})
        error = (await measured(it))["error"]
        assert (error["code"], error["message"]) == ("engine-unavailable", "it is too hot here")


@pytest.mark.parametrize("body", [{"sizes": []}, {"sizes": ["7B"]}, {"sizes": ["0.6B"] * 3}, {"precision": "int8"}])
async def test_what_is_wrong_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    async with http_house(tmp_path, ENDPOINTS, prepare=measuring(tmp_path, *FAILS)) as it:
        await asked(it, "POST", 400, json=body)
        assert (await asked(it))["running"] is None


async def test_strangers_need_the_token(tmp_path: Path) -> None:
    prepare = measuring(tmp_path, *FAILS)
    async with (
        http_house(tmp_path, ENDPOINTS, trust=STRANGERS, prepare=prepare) as it,
        it.coming_from(STRANGER) as stranger,
    ):
        for method in ("GET", "POST", "DELETE"):
            async with stranger.request(method, "/api/bench", json={}) as answer:
                assert answer.status == 401


async def test_no_request_breaks_it(tmp_path: Path) -> None:
    async with http_house(tmp_path, bench.ENDPOINTS, prepare=measuring(tmp_path, *FAILS)) as it:
        await fuzz(it)
