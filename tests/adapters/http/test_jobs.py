"""Jobs over HTTP: given, watched, paused and resumed, tried again, heard."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest
import pytest_asyncio
import soundfile

from koe.adapters.http import busy, jobs, runs
from koe.adapters.http.jobs import watching
from koe.adapters.http.jobs.bodies import JobKind
from koe.adapters.http.openapi import document
from koe.app.jobs import OpenJobs
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine, FakeStream, Faults
from koe.pipelines.jobs import JobQueue, Kind
from koe.pipelines.kinds import KINDS
from koe.pipelines.productions import productions
from koe.storage.jobs import JobStore
from koe.storage.outputs import Outputs
from tests.pipelines.test_design_job import Designing
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*jobs.ENDPOINTS, *runs.ENDPOINTS)
NOBODY = "20260131-120000-0123abcd"
SCRIPT = "Anna: Is the kettle on?\nBert: It is.\nAnna: Then where is my tea?\n"
SPEAKERS = {"speakers": {"Anna": {"voice": "fake-high"}, "Bert": {"voice": "fake-low"}}}
MIB = 1024 * 1024


class Gated(FakeEngine):
    """It makes as many streams as it is let; one of `bad` fails."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.opened = 0
        self.bad: set[int] = set()
        super().__init__(faults=Faults(before_step=lambda: self.gate.wait(20)))

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.opened += 1
        return super().open(voice, options)


class Workshop:
    def __init__(self, house: HttpHouse, opened: OpenJobs, outputs: Outputs) -> None:
        self.house, self.queue, self.store, self.outputs = house, opened.queue, opened.store, outputs

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of the answer."""
        async with self.house.client.request(method, path, **options) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json() if status != 204 else None

    async def refused(self, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(method, path, status, **options))["error"]
        return found

    async def submit(self, kind: str = "script", text: str = SCRIPT, **more: Any) -> dict[str, Any]:
        options = more.pop("options", SPEAKERS if kind == "script" else {})
        body = {"kind": kind, "text": text, "options": options, **more}
        made: dict[str, Any] = await self.ask("POST", "/api/jobs", 201, json=body)
        return made

    async def events(self, job_id: str) -> list[tuple[str, dict[str, Any]]]:
        """To the end of the stream."""
        async with self.house.client.get(f"/api/jobs/{job_id}/events") as answer:
            assert answer.content_type == "text/event-stream"
            return [event async for event in _events(answer)]

    async def until(self, job_id: str, state: str, done: int = 0) -> dict[str, Any]:
        async with self.house.client.get(f"/api/jobs/{job_id}/events") as answer:
            async for _, job in _events(answer):
                if job["state"] == state and job["progress"]["done"] >= done:
                    return job
        raise AssertionError(f"the job ended before it was {state}")

    async def run_files(self, run: str) -> dict[str, bytes]:
        files = {}
        for each in (await self.ask("GET", f"/api/runs/{run}"))["files"]:
            async with self.house.client.get(f"/api/runs/{run}/files/{each['name']}") as answer:
                assert answer.status == 200
                files[each["name"]] = await answer.read()
        return files


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in answer.content:
        field, _, value = line.decode().strip().partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


@asynccontextmanager
async def workshop(
    data_dir: Path, engine: FakeEngine | EspeakEngine | None = None, *, max_jobs: int = 10, **http: Any
) -> AsyncIterator[Workshop]:
    outputs = Outputs(data_dir / "outputs")
    await asyncio.to_thread(outputs.serve)
    store = JobStore(data_dir / "outputs" / "jobs")
    kinds: dict[str, Kind] = {}
    queue = JobQueue(store, kinds, side_by_side=2, max_jobs=max_jobs)

    def prepare(app: Any, settings: Any) -> None:
        busy.install(app, settings)
        runs.install(app, outputs, {})
        jobs.install(app, queue, store)

    try:
        async with http_house(data_dir, ENDPOINTS, engine or FakeEngine(), prepare=prepare, **http) as house:
            it = house.house
            kinds |= productions(it.speaker, store, outputs, it.designer, it.store)
            await queue.start()
            try:
                yield Workshop(house, OpenJobs(queue, store), outputs)
            finally:
                await queue.stop()
    finally:
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(outputs.close)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path) as house:
        yield house


def form(file: bytes | None, filename: str = "play.txt", **fields: str) -> aiohttp.FormData:
    # As browsers write a name: with its blanks.
    made = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in fields.items():
        made.add_field(name, io.BytesIO(value.encode()))
    if file is not None:
        made.add_field("file", io.BytesIO(file), filename=filename)
    return made


async def test_a_job_is_given_watched_and_its_run_downloaded(it: Workshop) -> None:
    job = await it.submit(title="A play", output={"format": "flac"})
    assert (job["kind"], job["title"], job["run"]) == ("script", "A play", None)
    told = await it.events(job["id"])
    assert {name for name, _ in told} == {"job"}
    last = told[-1][1]
    assert (last["state"], last["progress"]["done"], last["seconds_left"]) == ("finished", 3, 0)
    assert [each["progress"]["done"] for _, each in told] == sorted(each["progress"]["done"] for _, each in told)
    files = await it.run_files(last["run"])
    assert set(files) == {"script.flac", "manifest.json", "source", "input.json"}
    assert soundfile.info(io.BytesIO(files["script.flac"])).duration > 1
    shown = await it.ask("GET", f"/api/jobs/{job['id']}")
    assert shown.pop("request") == {"options": SPEAKERS, "output": {"format": "flac"}}
    assert (await it.ask("GET", "/api/jobs?limit=1"))["jobs"] == [shown]
    # Whoever comes afterwards hears of the end at once.
    assert [each["state"] for _, each in await it.events(job["id"])] == ["finished"]


async def test_a_real_voice_speaks_a_form_s_file(tmp_path: Path) -> None:
    async with workshop(tmp_path, EspeakEngine()) as it:
        book = b"# One\n\nThe first chapter.\n\n# Two\n\nThe second one.\n"
        options = json.dumps({"kind": "md", "how": {"language": "en"}})
        made = form(book, "Two chapters.md", kind="long", options=options, output='{"whole": true}')
        job = await it.ask("POST", "/api/jobs", 201, data=made)
        assert job["title"] == "Two chapters"
        last = (await it.events(job["id"]))[-1][1]
        assert last["state"] == "finished", last
        names = set(await it.run_files(last["run"]))
        assert {"all.wav", "001-One.wav", "002-Two.wav"} <= names


async def test_a_dry_run_tells_what_is_wrong_and_keeps_nothing(it: Workshop) -> None:
    body = {"kind": "script", "text": SCRIPT, "options": {"speakers": {"Anna": {"voice": "fake-hig"}}}}
    plan = await it.ask("POST", "/api/jobs/plan", json=body)
    assert (plan["is_ready"], plan["totals"]["items"], len(plan["items"])) == (False, 3, 3)
    told = " ".join(f"{each['wrong']} {each['right']}" for each in plan["problems"])
    assert "did you mean fake-high?" in told
    assert "Bert" in told
    made = form(SCRIPT.encode(), kind="script", options=json.dumps(SPEAKERS))
    good = await it.ask("POST", "/api/jobs/plan", data=made)
    assert (good["is_ready"], good["problems"]) == (True, [])
    assert (await it.ask("GET", "/api/jobs"))["jobs"] == []
    assert not [each for each in (it.store.folder(NOBODY).parent).iterdir() if each.name.startswith(".upload")]


async def test_a_file_that_can_not_be_planned_says_why(it: Workshop) -> None:
    for data, code in ((b"\x89PNG\0\0\0", "malformed-input"), (b"", "nothing-to-speak")):
        error = await it.refused("POST", "/api/jobs/plan", 400, data=form(data, kind="script"))
        assert error["code"] == code
    job = await it.ask("POST", "/api/jobs", 201, data=form(b"Anna: Hello.", kind="script"))
    last = (await it.events(job["id"]))[-1][1]
    assert last["state"] == "failed"
    assert "without a voice" in last["error"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"kind": "dance", "text": "x"}, "kind"),
        ({"text": "x"}, "kind"),
        ({"kind": "script"}, "text"),
        ({"kind": "script", "text": ""}, "text"),
        ({"kind": "script", "text": "x", "options": {"gap": -1}}, "options.gap"),
        ({"kind": "script", "text": "x", "options": {"speakers": {"A": {"speed": 9}}}}, "options.speakers.A.speed"),
        ({"kind": "long", "text": "x", "options": {"gap": 1}}, "options.gap"),
        ({"kind": "long", "text": "x", "options": [1]}, "options"),
        ({"kind": "long", "text": "x", "output": {"format": "doc"}}, "output.format"),
        ({"kind": "long", "text": "x", "output": {"loudness": 3}}, "output.loudness"),
        ({"kind": "long", "text": "x", "file": "/etc/passwd"}, "file"),
        ({"kind": "long", "text": "x", "title": "x" * 201}, "title"),
    ],
)
@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/plan"])
async def test_what_is_wrong_is_named(it: Workshop, path: str, body: Mapping[str, Any], param: str) -> None:
    error = await it.refused("POST", path, 400, json=body)
    assert (error["param"], error["code"]) == (param, "malformed-input")


@pytest.mark.parametrize(
    ("made", "param"),
    [
        (form(None, kind="script"), "file"),
        (form(b"x"), "kind"),
        (form(b"x", kind="script", options="{"), "options"),
        (form(b"x", kind="script", output="[]"), "output"),
        (form(b"x", kind="script", text="y"), "text"),
        (form(b"x", kind="npc", options='{"default": {"gain": 99}}'), "options.default.gain"),
        (form(b"x", title="x" * MIB + "y"), "title"),
    ],
)
async def test_what_is_wrong_in_a_form_is_named(it: Workshop, made: aiohttp.FormData, param: str) -> None:
    assert (await it.refused("POST", "/api/jobs", 400, data=made))["param"] == param


async def test_other_bodies_are_refused(it: Workshop) -> None:
    assert (await it.refused("POST", "/api/jobs", 415, data=b"Hello."))["code"] == "unsupported-media-type"
    assert (await it.refused("POST", "/api/jobs", 400, json=[1]))["code"] == "malformed-input"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert "broken" in (await it.refused("POST", "/api/jobs", 400, data=b"--y\r\n", headers=headers))["message"]
    many = aiohttp.FormData([(f"field{n}", "x") for n in range(20)])
    many.add_field("file", b"x", filename="x")
    assert (await it.refused("POST", "/api/jobs", 400, data=many))["code"] == "malformed-input"


async def test_an_upload_goes_to_the_disk_and_is_bounded(tmp_path: Path) -> None:
    async with workshop(tmp_path, max_upload_bytes=3 * MIB, max_body_bytes=MIB) as it:
        large = b"".join(b"Guard,Hello %06d.\n" % n for n in range(160_000))
        table = b"character,text\n" + large[: 2 * MIB]
        plan = await it.ask("POST", "/api/jobs/plan", data=form(table, kind="npc"))
        assert plan["totals"]["items"] > 90_000
        error = await it.refused("POST", "/api/jobs", 413, data=form(large + large, kind="npc"))
        assert error["code"] == "limit-exceeded"
        assert [each.name for each in it.store.folder(NOBODY).parent.iterdir() if each.is_dir()] == []


async def test_a_full_queue_says_when_to_come_again(tmp_path: Path) -> None:
    engine = Gated()
    engine.gate.clear()
    async with workshop(tmp_path, engine, max_jobs=1) as it:
        await it.submit()
        body = {"kind": "script", "text": SCRIPT, "options": SPEAKERS}
        async with it.house.client.post("/api/jobs", json=body) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (409, "busy")
            assert int(answer.headers["Retry-After"]) > 0
        engine.gate.set()


async def test_a_job_is_paused_resumed_cancelled_tried_again_and_removed(tmp_path: Path) -> None:
    engine = Gated()
    engine.gate.clear()
    async with workshop(tmp_path, engine) as it:
        job = await it.submit()
        path = f"/api/jobs/{job['id']}"
        await eventually(lambda: engine.opened == 2)
        assert (await it.refused("POST", f"{path}/retry", 409))["code"] == "bad-request"
        assert (await it.ask("POST", f"{path}/pause"))["state"] == "paused"
        assert "paused" in (await it.ask("GET", path))["state"]
        assert (await it.ask("POST", f"{path}/resume"))["state"] in ("queued", "planning")
        assert (await it.ask("POST", f"{path}/cancel"))["state"] == "cancelled"
        assert "cancelled" in (await it.refused("POST", f"{path}/pause", 409))["message"]
        engine.gate.set()
        await it.ask("POST", f"{path}/retry")
        last = (await it.events(job["id"]))[-1][1]
        assert (last["state"], last["progress"]["done"]) == ("finished", 3)
        await it.ask("DELETE", path, 204)
        assert (await it.refused("GET", path, 404))["code"] == "unknown-job"
        # The run that it became stays.
        assert "script.wav" in await it.run_files(last["run"])


async def test_failed_items_are_listed_and_tried_again(tmp_path: Path) -> None:
    failing = FakeEngine(faults=Faults(fail_at=0))
    async with workshop(tmp_path, failing) as it:
        job = await it.submit()
        last = (await it.events(job["id"]))[-1][1]
        assert (last["state"], last["progress"]["failed"]) == ("failed", 3)
        items = await it.ask("GET", f"/api/jobs/{job['id']}/items?state=failed")
        assert [each["number"] for each in items["items"]] == [0, 1, 2]
        assert "on demand" in items["items"][0]["error"]
    async with workshop(tmp_path) as it:
        await it.ask("POST", f"/api/jobs/{job['id']}/retry")
        last = (await it.events(job["id"]))[-1][1]
        assert (last["state"], last["progress"]["done"]) == ("finished", 3)


async def test_items_come_page_by_page(it: Workshop) -> None:
    job = await it.submit(text=SCRIPT * 3)
    await it.events(job["id"])
    path, seen, after = f"/api/jobs/{job['id']}/items", [], -1
    while True:
        page = await it.ask("GET", f"{path}?limit=4&after={after}")
        seen += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    assert [each["number"] for each in seen] == list(range(9))
    assert (seen[1]["group"], seen[1]["text"], seen[1]["voice"]) == ("Bert", "It is.", "fake-low")
    assert all(each["seconds"] > 0 for each in seen)
    assert (await it.ask("GET", f"{path}?state=waiting"))["items"] == []
    for wrong in ("state=asleep", "limit=0", "after=x", "page=2"):
        assert (await it.refused("GET", f"{path}?{wrong}", 400))["param"] == wrong.partition("=")[0]


async def test_an_item_is_heard_before_the_others_are_made(tmp_path: Path) -> None:
    engine = Gated()
    async with workshop(tmp_path, engine) as it:
        long = "Anna: Hello.\n" + "Bert: " + "The kettle is on. " * 500
        job = await it.submit(text=long)
        await it.until(job["id"], "running", done=1)
        path = f"/api/jobs/{job['id']}/items/0/audio"
        async with it.house.client.get(path) as answer:
            assert (answer.status, answer.content_type) == (200, "audio/flac")
            whole = await answer.read()
        assert soundfile.info(io.BytesIO(whole)).format == "FLAC"
        async with it.house.client.get(path, headers={"Range": "bytes=4-7"}) as answer:
            assert (answer.status, await answer.read()) == (206, whole[4:8])
        for number in ("1", "2", "-1", "x", "9" * 30, "..%2F..%2Fsource"):
            assert (await it.refused("GET", f"/api/jobs/{job['id']}/items/{number}/audio", 404))["code"] == "not-found"
        await it.ask("DELETE", f"/api/jobs/{job['id']}", 204)


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        *(("GET", rest) for rest in ("", "/items", "/items/0/audio", "/events")),
        *(("POST", rest) for rest in ("/pause", "/resume", "/cancel", "/retry")),
        ("DELETE", ""),
    ],
)
@pytest.mark.parametrize("job_id", [NOBODY, "..%2F..%2Fetc", "x" * 500])
async def test_an_unknown_job_is_told(it: Workshop, method: str, rest: str, job_id: str) -> None:
    assert (await it.refused(method, f"/api/jobs/{job_id}{rest}", 404))["code"] == "unknown-job"


async def test_who_watches_a_job_that_is_removed_is_told(tmp_path: Path) -> None:
    engine = Gated()
    engine.gate.clear()
    async with workshop(tmp_path, engine) as it:
        job = await it.submit()
        async with it.house.client.get(f"/api/jobs/{job['id']}/events") as answer:
            events = _events(answer)
            await anext(events)
            await it.ask("DELETE", f"/api/jobs/{job['id']}", 204)
            *_, (name, told) = [event async for event in events]
        # It is cancelled first; who looks only afterwards finds it gone.
        if name == "error":
            assert told["error"]["code"] == "unknown-job"
        else:
            assert told["state"] == "cancelled"


async def test_a_vanished_listener_ends_its_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SILENCE", 0.05)
    engine = Gated()
    engine.gate.clear()
    async with workshop(tmp_path, engine) as it:
        job = await it.submit()
        async with it.house.raw() as (reader, writer):
            writer.write(f"GET /api/jobs/{job['id']}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            await reader.readuntil(b"event: job")
            await reader.readuntil(b": still at it")
            assert it.house.server.busy == 1
        await eventually(lambda: it.house.server.busy == 0)


async def test_the_next_server_goes_on_where_this_one_stopped(tmp_path: Path) -> None:
    engine = Gated()
    async with workshop(tmp_path, engine) as it:
        long = "Anna: Hello.\n" * 3 + "Bert: " + "The kettle is on. " * 500
        job = await it.submit(text=long)
        await it.until(job["id"], "running", done=3)
    again = Gated()
    async with workshop(tmp_path, again) as it:
        last = (await it.events(job["id"]))[-1][1]
        assert (last["state"], last["progress"]["done"]) == ("finished", 4)
        assert again.opened == 1


async def test_who_watches_hears_the_end_of_the_server(tmp_path: Path) -> None:
    engine = Gated()
    engine.gate.clear()
    async with workshop(tmp_path, engine) as it:
        job = await it.submit()
        watching = asyncio.create_task(it.events(job["id"]))
        await eventually(lambda: it.house.server.busy == 1)
        await it.queue.stop()
        assert (await watching)[-1][1]["state"] in ("planning", "queued", "running")


async def test_a_production_is_done_again_as_a_job(it: Workshop) -> None:
    job = await it.submit(title="A play")
    run = (await it.events(job["id"]))[-1][1]["run"]
    again = await it.ask("POST", f"/api/runs/{run}/regenerate", 202, json={"seed": "new"})
    assert (again["kind"], again["title"]) == ("script", "A play")
    assert again["request"] == {"options": SPEAKERS, "output": {}, "again": {"run": run, "seed": "new"}}
    last = (await it.events(again["id"]))[-1][1]
    assert (last["state"], last["progress"]["done"]) == ("finished", 3)
    assert (await it.run_files(last["run"]))["source"] == SCRIPT.encode()
    assert (await it.refused("POST", f"/api/runs/{run}/regenerate", 400, json={"seed": -1}))["param"] == "seed"


async def test_the_best_take_is_kept(it: Workshop) -> None:
    job = await it.submit("variations", "Good morning.", options={"how": {"voice": "fake-low"}, "seeds": [3, 8]})
    run = (await it.events(job["id"]))[-1][1]["run"]
    kept = await it.ask("POST", f"/api/runs/{run}/keep", 201, json={"file": "002-seed-8.wav"})
    assert (kept["task"], kept["text"], kept["favourite"]) == ("speech", "Good morning.", True)
    files = await it.run_files(run)
    assert (await it.run_files(kept["id"]))["audio.wav"] == files["002-seed-8.wav"]
    path = f"/api/runs/{run}/keep"
    assert (await it.refused("POST", path, 404, json={"file": "x.wav"}))["code"] == "unknown-run"
    assert (await it.refused("POST", path, 400, json={"file": "002-seed-8.wav", "as_default": True}))["code"]
    for wrong in ({}, {"file": ""}, {"file": "x", "as_default": "yes"}, {"file": "x", "number": 1}):
        assert (await it.refused("POST", path, 400, json=wrong))["code"] == "malformed-input"


async def test_a_design_is_a_job_as_well(tmp_path: Path) -> None:
    async with workshop(tmp_path, Designing()) as it:
        options = {"seeds": [7, 8], "keep": {"name": "Old sailor"}}
        plan = await it.ask("POST", "/api/jobs/plan", json={"kind": "design", "text": "a sailor", "options": options})
        assert (plan["title"], [item["how"]["seed"] for item in plan["items"]]) == ("a sailor", [7, 8])
        job = await it.submit("design", "a calm old sailor", options=options)
        last = (await it.events(job["id"]))[-1][1]
        assert last["state"] == "finished", last["error"]
        assert {"01-seed-7.wav", "02-seed-8.wav"} <= set(await it.run_files(last["run"]))
        assert [profile.id for profile in it.house.house.store.profiles()] == ["old-sailor"]
        body = {"kind": "design", "text": "x", "options": {"keep": {"name": "A", "id": "../x"}}}
        assert (await it.refused("POST", "/api/jobs", 400, json=body))["param"] == "options.keep.id"
        body = {"kind": "design", "text": "x", "options": {"keep": {"name": "A", "candidate": 9}}}
        assert "no 9" in (await it.refused("POST", "/api/jobs", 400, json=body))["message"]


async def test_without_jobs_the_endpoints_say_so(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS) as house:
        for method, path in (("GET", "/api/jobs"), ("POST", "/api/jobs"), ("GET", f"/api/jobs/{NOBODY}/events")):
            async with house.client.request(method, path) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (503, "unavailable")


def test_every_kind_is_in_the_document() -> None:
    assert set(get_args(JobKind)) == set(KINDS)
    told = json.dumps(document(jobs.ENDPOINTS))
    assert all(planning.options.__name__ in told for planning in KINDS.values())


async def test_it_does_as_its_document_says(it: Workshop) -> None:
    await fuzz(it.house, examples=10, without=["/api/jobs/{job_id}/events"])
