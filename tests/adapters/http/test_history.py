"""Runs over HTTP: found, heard, kept, removed, done again."""

import asyncio
import io
import json
import os
import shutil
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from koe.adapters.http import busy, history, runs, speech
from koe.engine.fake import FakeEngine, Faults
from koe.pipelines.again import Seeds
from koe.pipelines.speak import TASK, SpeechInput, SpeechProducer
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from tests.storage.samples import description, hidden, keep
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*history.ENDPOINTS, *runs.ENDPOINTS, *speech.ENDPOINTS)
NOBODY = "01kgbf3k2ej5w0zq8m6h4x9c7d"


class Kept:
    """A house that keeps what it says."""

    def __init__(self, house: HttpHouse, outputs: Outputs, producer: SpeechProducer) -> None:
        self.house, self.outputs, self._producer = house, outputs, producer

    async def say(self, text: str = "Hello.", **wanted: Any) -> Run:
        return await self._producer.speak(SpeechInput(text=text, **wanted))

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of the answer."""
        async with self.house.client.request(method, path, **options) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json() if status != 204 else None

    async def refused(self, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(method, path, status, **options))["error"]
        return found


@asynccontextmanager
async def keeping(data_dir: Path, engine: FakeEngine | None = None, **options: Any) -> AsyncIterator[Kept]:
    outputs = Outputs(data_dir / "outputs")
    await asyncio.to_thread(outputs.serve)
    try:
        producers: list[SpeechProducer] = []

        async def again(request: web.Request, run: Run, seed: Seeds) -> Run:
            return await runs.speaking_again(producers[0])(request, run, seed)

        def prepare(app: Any, settings: Any) -> None:
            busy.install(app, settings)
            runs.install(app, outputs, {TASK: again})

        engines = (engine,) if engine is not None else ()
        async with http_house(data_dir, ENDPOINTS, *engines, prepare=prepare, **options) as house:
            producers.append(SpeechProducer(house.house.speaker, outputs))
            yield Kept(house, outputs, producers[0])
    finally:
        await asyncio.to_thread(outputs.close)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[Kept]:
    async with keeping(tmp_path) as house:
        yield house


async def test_what_was_spoken_is_found(it: Kept) -> None:
    first = await it.say("Grüße aus 東京.", language="de")
    second = await it.say("Good morning.", voice="fake-high")
    found = await it.ask("GET", "/api/history")
    assert [each["id"] for each in found["runs"]] == [second.id, first.id]
    assert (found["next"], found["indexing"]) == (None, None)
    told = found["runs"][0]
    assert (told["task"], told["voice"], told["engine"], told["audio"]) == ("speech", "fake-high", "fake", "audio.wav")
    assert (told["text"], told["favourite"], told["pinned"]) == ("Good morning.", False, False)
    for query in ("q=東京", "language=de", "q=GRÜSSE", "voice=fake-low", "from=2020-01-01T00:00:00Z&q=aus"):
        assert [each["id"] for each in (await it.ask("GET", f"/api/history?{query}"))["runs"]] == [first.id]
    for query in ("q=evening", "task=other", "to=2020-01-01T00:00:00Z", "favourite=true", "engine=qwen"):
        assert (await it.ask("GET", f"/api/history?{query}"))["runs"] == []
    page = await it.ask("GET", "/api/history?limit=1")
    assert [each["id"] for each in page["runs"]] == [second.id]
    await it.say("New.")
    page = await it.ask("GET", f"/api/history?limit=1&cursor={page['next']}")
    assert ([each["id"] for each in page["runs"]], page["next"]) == ([first.id], None)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=../x", "cursor"),
        ("from=yesterday", "from"),
        ("to=2026-01-31T00:00:00", "to"),
        ("favourite=perhaps", "favourite"),
        (f"q={'x' * 201}", "q"),
        ("colour=red", "colour"),
    ],
)
async def test_a_wrong_question_is_told_by_name(it: Kept, query: str, param: str) -> None:
    assert (await it.refused("GET", f"/api/history?{query}", 400))["param"] == param


async def test_a_run_tells_all_and_is_marked_and_removed(it: Kept) -> None:
    run = await it.say("Hello.", seed=7)
    path = f"/api/runs/{run.id}"
    told = await it.ask("GET", path)
    assert (told["text"], told["input"]["seed"], told["schema_version"]) == ("Hello.", 7, 1)
    assert [file["name"] for file in told["files"]] == ["audio.wav", "input.json"]
    marked = await it.ask("PATCH", path, json={"favourite": True})
    assert (marked["favourite"], marked["pinned"]) == (True, False)
    marked = await it.ask("PATCH", path, json={"pinned": True})
    assert (marked["favourite"], marked["pinned"]) == (True, True)
    assert (await it.ask("GET", "/api/history?pinned=true&favourite=true"))["runs"][0]["id"] == run.id
    for body in ({}, {"favourite": "yes"}, {"pinned": 1}, {"colour": "red"}):
        await it.refused("PATCH", path, 400, json=body)
    await it.ask("DELETE", path, 204)
    for method in ("GET", "DELETE"):
        assert (await it.refused(method, path, 404))["code"] == "unknown-run"
    assert (await it.ask("GET", "/api/history"))["runs"] == []


@pytest.mark.parametrize("run_id", [NOBODY, "x", "..%2F..%2Fetc", "%00", "*", "ü", "a" * 3000])
async def test_a_run_that_is_not_there_is_told(it: Kept, run_id: str) -> None:
    await it.say()
    path = f"/api/runs/{run_id}"
    for method, rest, options in (
        ("GET", "", {}),
        ("DELETE", "", {}),
        ("PATCH", "", {"json": {"pinned": True}}),
        ("GET", "/zip", {}),
        ("GET", "/files/audio.wav", {}),
        ("POST", "/regenerate", {"json": {}}),
    ):
        assert (await it.refused(method, path + rest, 404, **options))["code"] in ("unknown-run", "not-found")


async def test_files_are_heard_whole_and_in_part(it: Kept) -> None:
    run = await it.say()
    path, data = f"/api/runs/{run.id}/files/audio.wav", run.file("audio.wav").read_bytes()
    async with it.house.client.get(path) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "audio/wav", data)
        assert answer.headers["Accept-Ranges"] == "bytes"
        etag = answer.headers["ETag"]
    for given, expected in (("bytes=10-19", data[10:20]), ("bytes=100-", data[100:]), ("bytes=-5", data[-5:])):
        async with it.house.client.get(path, headers={"Range": given}) as answer:
            assert (answer.status, await answer.read()) == (206, expected)
    async with it.house.client.get(path, headers={"Range": f"bytes={len(data)}-"}) as answer:
        assert answer.status == 416
    async with it.house.client.get(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with it.house.client.head(path) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(data)))
    async with it.house.client.get(f"/api/runs/{run.id}/files/input.json") as answer:
        assert json.loads(await answer.read())["text"] == "Hello."


async def test_only_the_files_of_a_run_are_handed_out(it: Kept) -> None:
    run = await it.say()
    (run.folder / "secret.txt").write_text("x")
    for name in ("secret.txt", "meta.json", "flags.json", "..%2Finput.json", "audio.wav%00", "."):
        await it.refused("GET", f"/api/runs/{run.id}/files/{name}", 404)
    run.file("audio.wav").unlink()
    (run.folder / "audio.wav").symlink_to("/etc/passwd")
    await it.refused("GET", f"/api/runs/{run.id}/files/audio.wav", 404)
    await it.refused("GET", f"/api/runs/{run.id}/zip", 404)


async def test_a_page_among_the_files_is_nothing_that_a_browser_runs(it: Kept) -> None:
    with it.outputs.begin("speech", {}) as draft:
        draft.file("page.html").write_text("<script>")
        run = draft.finish(description())
    async with it.house.client.get(f"/api/runs/{run.id}/files/page.html") as answer:
        assert answer.content_type == "application/octet-stream"


async def test_a_run_is_handed_out_as_one_zip(it: Kept) -> None:
    run = keep(it.outputs, sound=os.urandom(2_000_000))
    path = f"/api/runs/{run.id}/zip"
    async with it.house.client.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        assert f"{run.folder.name}.zip" in answer.headers["Content-Disposition"]
        archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert archive.testzip() is None
    assert len(archive.namelist()) == 3
    async with it.house.client.head(path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    run.file("audio.wav").write_bytes(b"short")
    with pytest.raises(Exception, match=r"payload|disconnected|closed"):
        async with it.house.client.get(path) as answer:
            await answer.read()


@pytest.mark.parametrize("rest", ["files/audio.wav", "zip"])
async def test_a_listener_that_takes_no_more_is_given_up(tmp_path: Path, rest: str) -> None:
    async with keeping(tmp_path, write_timeout=0.2) as it:
        run = keep(it.outputs, sound=bytes(50_000_000))
        async with it.house.raw() as (reader, writer):
            writer.write(f"GET /api/runs/{run.id}/{rest} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            await eventually(lambda: it.house.server.connections == 0)


async def test_a_run_is_done_again(it: Kept) -> None:
    run = await it.say("Hello.", voice="fake-high", seed=7)
    path = f"/api/runs/{run.id}/regenerate"
    same = await it.ask("POST", path, 201, json={})
    assert same["input"] == run.input()
    assert (same["voice"], same["text"]) == ("fake-high", "Hello.")
    assert (await it.ask("POST", path, 201, json={"seed": 12}))["input"]["seed"] == 12
    new = [(await it.ask("POST", path, 201, json={"seed": "new"}))["input"]["seed"] for _ in range(2)]
    assert len({7, *new}) == 3
    for seed in ("other", -1, 2**63, 1.5, True, None):
        assert (await it.refused("POST", path, 400, json={"seed": seed}))["param"] == "seed"
    assert len((await it.ask("GET", "/api/history"))["runs"]) == 5
    other = keep(it.outputs, task="long-form")
    refusal = await it.refused("POST", f"/api/runs/{other.id}/regenerate", 400, json={})
    assert refusal["code"] == "unsupported-ability"
    run.file("input.json").write_text("{")
    await it.refused("POST", path, 400, json={})
    assert (await it.ask("GET", f"/api/runs/{run.id}"))["input"] is None


async def test_a_client_that_leaves_frees_the_engine_and_leaves_no_run(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with keeping(tmp_path, engine) as it:
        run = await it.say()
        engine._faults = Faults(hang_at=1)
        asking = asyncio.create_task(it.house.client.post(f"/api/runs/{run.id}/regenerate", json={}))
        await eventually(lambda: engine.open_streams == 1)
        asking.cancel()
        await eventually(lambda: engine.open_streams == 0)
        await eventually(lambda: it.house.server.busy == 0)
        await eventually(lambda: it.house.server.app[busy.TURNS].speaking == 0)
        assert len((await it.ask("GET", "/api/history"))["runs"]) == 1
    assert hidden(tmp_path / "outputs" / "runs") == []


async def test_folders_that_were_removed_by_hand_are_gone(it: Kept) -> None:
    run, other = await it.say(), await it.say()
    shutil.rmtree(run.folder)
    assert [each["id"] for each in (await it.ask("GET", "/api/history"))["runs"]] == [other.id]
    await it.refused("GET", f"/api/runs/{run.id}", 404)


async def test_without_a_folder_for_runs_the_house_says_so(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS) as house, house.client.get("/api/history") as answer:
        assert answer.status == 503
        assert "keeps no runs" in (await answer.json())["error"]["message"]


async def test_nothing_that_is_made_up_is_a_surprise(tmp_path: Path) -> None:
    async with keeping(tmp_path, requests_per_minute=1_000_000) as it:
        await it.say()
        await fuzz(it.house, examples=8)


async def test_where_no_runs_are_kept_a_request_to_keep_one_is_refused(it: Kept) -> None:
    wanted = {"input": "Hello.", "keep": True}
    async with it.house.client.post("/v1/audio/speech", json=wanted) as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (503, "keep")
    async with it.house.client.post("/v1/audio/speech", json={**wanted, "ref_audio": "data:;base64,AA=="}) as answer:
        assert (answer.status, "make a voice" in await answer.text()) == (400, True)
