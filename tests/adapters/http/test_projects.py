"""Compositions and projects over HTTP: mixed as numpy would, kept, changed, previewed, carried to another house."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soundfile

from koe.adapters.http import busy, composing, conversation, history, projects, runs
from koe.audio.sound import Samples
from koe.pipelines.composing import TASK
from koe.storage.outputs import Outputs
from koe.storage.projects import Projects
from koe.storage.run import Run
from tests.storage.samples import hidden, keep
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*composing.ENDPOINTS, *projects.ENDPOINTS, *runs.ENDPOINTS, *history.ENDPOINTS)
PATH = "/v1/audio/compose"
RATE = 24_000
MIB = 1024 * 1024
NOBODY = "01kgbf3k2ej5w0zq8m6h4x9c7d"
MOST_PEAK = 10 ** (-1 / 20)


class Studio:
    def __init__(self, house: HttpHouse, outputs: Outputs, kept: Projects) -> None:
        self.house, self.outputs, self.projects = house, outputs, kept

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of the answer, or its bytes."""
        async with self.house.client.request(method, path, **options) as answer:
            assert answer.status == status, await answer.text()
            if status == 204:
                return None
            return await answer.json() if answer.content_type == "application/json" else await answer.read()

    async def refused(self, method: str, path: str, status: int = 400, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(method, path, status, **options))["error"]
        return found

    async def project(self, *clips: dict[str, Any], **more: Any) -> dict[str, Any]:
        composition = {"tracks": [{"clips": list(clips)}], **more}
        body = {"name": "Play", "composition": composition}
        made: dict[str, Any] = await self.ask("POST", "/api/projects", 201, json=body)
        return made

    async def clip(self, project: dict[str, Any], file: bytes, name: str = "rain.wav") -> dict[str, Any]:
        data = form((name, file))
        (made,) = (await self.ask("POST", f"/api/projects/{project['id']}/clips", 201, data=data))["clips"]
        return dict(made)

    def run(self, sound: bytes) -> Run:
        return keep(self.outputs, sound=sound)


@asynccontextmanager
async def studio(data_dir: Path, endpoints: Sequence[Any] = ENDPOINTS, **options: Any) -> AsyncIterator[Studio]:
    outputs = Outputs(data_dir / "outputs")
    await asyncio.to_thread(outputs.serve)
    kept = Projects(data_dir / "outputs" / "projects", lambda run, name: outputs.get(run).file(name))

    def prepare(app: Any, settings: Any) -> None:
        busy.install(app, settings)
        runs.install(app, outputs, {TASK: composing.again})
        projects.install(app, kept)

    try:
        async with http_house(data_dir, endpoints, prepare=prepare, **options) as house:
            yield Studio(house, outputs, kept)
    finally:
        kept.close()
        await asyncio.to_thread(outputs.close)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as house:
        yield house
    # Nothing of a request is left behind.
    if house.projects.folder.exists():
        assert hidden(house.projects.folder) == []
    assert not [name for name in hidden(tmp_path / "outputs" / "runs") if name.startswith(".draft")]


def samples(seed: int, seconds: float = 1.0) -> Samples:
    rough = np.random.default_rng(seed).uniform(-0.8, 0.8, round(seconds * RATE))
    return (np.round(rough * 32768) / 32768).astype(np.float32)


def packed(sound: Samples, format: str = "WAV", rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=format)
    return file.getvalue()


def unpacked(data: bytes) -> Samples:
    read: Samples = soundfile.read(io.BytesIO(data), dtype="float32")[0]
    return read


def form(*files: tuple[str, bytes], **fields: Any) -> aiohttp.FormData:
    made = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in fields.items():
        made.add_field(name, value if isinstance(value, str) else json.dumps(value))
    for name, data in files:
        made.add_field("file", io.BytesIO(data), filename=name)
    return made


def faded(sound: Samples, fade_in: float = 0.0, fade_out: float = 0.0) -> Samples:
    made = sound.astype(np.float64)
    rise, fall = round(fade_in * RATE), round(fade_out * RATE)
    made[:rise] *= np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / max(rise, 1))
    made[len(made) - fall :] *= np.sin(np.pi / 2 * (np.arange(fall)[::-1] + 0.5) / max(fall, 1))
    return made.astype(np.float32)


def as_heard(mix: Samples) -> Samples:
    """Lowered as a whole where it is too loud, in 16 bits."""
    made = np.round(mix * min(1.0, MOST_PEAK / float(np.abs(mix).max())) * 32767) / 32768
    return made.astype(np.float32)


async def test_a_composition_of_uploads_and_runs_equals_numpy(it: Studio) -> None:
    speech, rain, bell = samples(1), samples(2, 3.0), samples(3, 0.5)
    run = it.run(packed(speech))
    tracks = [
        {
            "clips": [
                {"run": run.id, "file": "audio.wav", "offset": 0.25, "volume": 6},
                {"upload": "bell.flac", "crossfade": 0.125},
            ]
        },
        {
            "volume": -6,
            "clips": [{"upload": "rain.wav", "trim_start": 0.5, "trim_end": 0.25, "fade_in": 0.5, "fade_out": 1}],
        },
    ]
    files = (("rain.wav", packed(rain)), ("bell.flac", packed(bell, "FLAC")))
    data = form(*files, data={"tracks": tracks, "response_format": "wav"})
    mix = np.zeros(round(2.25 * RATE), np.float32)
    mix[6000:30_000] += 10 ** (6 / 20) * faded(speech, fade_out=0.125)
    mix[27_000:39_000] += faded(bell, fade_in=0.125)
    mix += 10 ** (-6 / 20) * faded(rain[12_000:66_000], 0.5, 1)
    answered = await it.ask("POST", PATH, data=data)
    heard = unpacked(answered)
    np.testing.assert_allclose(heard, as_heard(mix), atol=2e-4)
    assert 0.88 < np.abs(heard).max() <= MOST_PEAK
    # A player sees how long it is.
    assert int.from_bytes(answered[40:44], "little") == 2 * len(mix)


@pytest.mark.parametrize(("format", "kind"), [("mp3", "MP3"), ("opus", "OGG"), ("flac", "FLAC"), ("wav", "WAV")])
async def test_it_comes_in_every_format(it: Studio, format: str, kind: str) -> None:
    run = it.run(packed(samples(1)[:22050], rate=22_050))
    body = {"tracks": [{"clips": [{"run": run.id, "file": "audio.wav"}]}], "response_format": format}
    async with it.house.client.post(PATH, json=body) as answer:
        data, rate = await answer.read(), int(answer.headers["X-Koe-Sample-Rate"])
    told = soundfile.info(io.BytesIO(data))
    assert (told.format, rate) == (kind, 24_000 if format == "opus" else 22_050)
    assert told.duration == pytest.approx(1.0, abs=0.1)


async def test_it_is_brought_to_a_loudness_and_kept_as_a_run(it: Studio) -> None:
    run = it.run(packed(samples(1) / np.float32(100)))
    body = {
        "tracks": [{"clips": [{"run": run.id, "file": "audio.wav"}]}],
        "loudness": -20,
        "title": "Louder",
        "response_format": "flac",
        "keep": True,
    }
    async with it.house.client.post(PATH, json=body) as answer:
        assert answer.status == 200, await answer.text()
        kept, data = answer.headers["X-Koe-Run"], await answer.read()
    assert np.abs(unpacked(data)).max() > 0.1
    told = await it.ask("GET", f"/api/runs/{kept}")
    assert (told["task"], told["title"], told["text"]) == ("compose", "Louder", "Hello.")
    assert told["voice"] == "fake-low"
    assert told["input"] == body
    assert unpacked(await it.ask("GET", f"/api/runs/{kept}/files/audio.flac")).tobytes() == unpacked(data).tobytes()
    found = await it.ask("GET", "/api/history?task=compose&q=louder")
    assert [each["id"] for each in found["runs"]] == [kept]


async def test_a_mix_is_made_again_as_it_was(it: Studio) -> None:
    run = it.run(packed(samples(1)))
    composition = {"tracks": [{"clips": [{"run": run.id, "file": "audio.wav", "fade_in": 0.25}]}], "loudness": -20}

    async def kept(path: str, **options: Any) -> dict[str, Any]:
        async with it.house.client.post(path, **options) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()
            found: dict[str, Any] = await it.ask("GET", f"/api/runs/{answer.headers['X-Koe-Run']}")
            return found

    async def again(of: dict[str, Any], status: int = 201) -> dict[str, Any]:
        path = f"/api/runs/{of['id']}/regenerate"
        made: dict[str, Any] = await it.ask("POST", path, status, json={"seed": "new"})
        return made

    def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
        sound = one["files"][0] == other["files"][0]
        return sound and all(one[name] == other[name] for name in ("task", "text", "input", "duration"))

    form_of = {"response_format": "flac", "keep": True}
    mixed = await kept(PATH, json=composition | form_of | {"title": "Soft"})
    assert same(await again(mixed), mixed)
    project = await it.project(*composition["tracks"][0]["clips"], loudness=-20)  # type: ignore[index]
    path = f"/api/projects/{project['id']}"
    rendered = await kept(f"{path}/render", json=form_of | {"start": 0.25, "end": 0.75})
    # What becomes of the project afterwards changes nothing.
    await it.ask("PATCH", path, json={"composition": {"tracks": []}})
    unsaved = await kept(f"{path}/render", json=form_of | {"composition": project["composition"]})
    assert same(await again(rendered), rendered)
    assert same(await again(unsaved), unsaved)
    await it.ask("DELETE", path, 204)
    assert (await again(rendered, 404))["error"]["code"] == "unknown-project"
    await it.ask("DELETE", f"/api/runs/{run.id}", 204)
    assert (await again(mixed, 404))["error"]["code"] == "unknown-run"
    sent = form(("rain.wav", packed(samples(2))), data={"tracks": [{"clips": [{"upload": "rain.wav"}]}], "keep": True})
    assert "('rain.wav')" in (await again(await kept(PATH, data=sent), 400))["error"]["message"]


SOUND = packed(samples(1, 0.1))


@pytest.mark.parametrize(
    ("files", "tracks", "status", "param"),
    [
        ([], [], 400, None),
        ([], [{"clips": [{}]}], 400, "tracks.0.clips.0"),
        ([], [{"clips": [{"upload": "a.wav"}]}], 400, "tracks.0.clips.0"),
        ([("b.wav", SOUND)], [{"clips": [{"upload": "a.wav"}]}], 400, "file"),
        ([("a.wav", SOUND)] * 2, [{"clips": [{"upload": "a.wav"}]}], 400, "file"),
        ([("a.wav", b"no sound")], [{"clips": [{"upload": "a.wav"}]}], 400, "file"),
        ([("a.wav", b"")], [{"clips": [{"upload": "a.wav"}]}], 400, "file"),
        ([("a.wav", SOUND)], [{"clips": [{"upload": "a.wav", "trim_end": 1}]}], 400, "tracks.0.clips.0"),
        ([("a.wav", SOUND)], [{"clips": [{"upload": "a.wav", "volume": 99}]}], 400, "tracks.0.clips.0.volume"),
        ([("a.wav", SOUND)], [{"clips": [{"upload": "a.wav", "offset": -1}]}], 400, "tracks.0.clips.0.offset"),
        ([("a.wav", SOUND)], [{"clips": [{"upload": "a.wav"}], "volume": "loud"}], 400, "tracks.0.volume"),
        ([], [{"clips": [{"run": NOBODY, "file": "audio.wav"}]}], 404, "tracks.0.clips.0"),
        ([], [{"clips": [{"run": "../..", "file": "passwd"}]}], 404, "tracks.0.clips.0"),
        ([], [{"clips": [{"run": "RUN", "file": "input.json"}]}], 400, "tracks.0.clips.0"),
        ([], [{"clips": [{"run": "RUN", "file": "../meta.json"}]}], 404, "tracks.0.clips.0"),
        ([], [{"clips": [{"clip": "9f2c4be01d7a6358"}]}], 400, "tracks.0.clips.0"),
        ([], [{"clips": [{"url": "http://127.0.0.1/a.wav"}]}], 400, "tracks.0.clips.0.url"),
        ([], [{"clips": []}] * 65, 400, "tracks"),
    ],
)
async def test_what_is_wrong_is_named(
    it: Studio, files: list[tuple[str, bytes]], tracks: list[Any], status: int, param: str | None
) -> None:
    run = it.run(SOUND)
    body = json.loads(json.dumps({"tracks": tracks}).replace("RUN", run.id))
    error = await it.refused("POST", PATH, status, data=form(*files, data=body))
    assert error["param"] == param
    if not files:
        assert (await it.refused("POST", PATH, status, json=body))["message"] == error["message"]


@pytest.mark.parametrize(
    ("made", "param"),
    [
        (form(("a.wav", SOUND)), "data"),
        (form(("a.wav", SOUND), data="{"), None),
        (form(("a.wav", SOUND), data={}, more="x"), "more"),
        (form(*[("a.wav", b"x")] * 65, data={}), "file"),
    ],
)
async def test_a_form_that_means_nothing_is_refused(it: Studio, made: aiohttp.FormData, param: str | None) -> None:
    assert (await it.refused("POST", PATH, 400, data=made))["param"] == param


async def test_other_bodies_are_refused(it: Studio) -> None:
    assert (await it.refused("POST", PATH, 415, data=SOUND))["code"] == "unsupported-media-type"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for path in (PATH, "/api/projects/import"):
        assert "broken" in (await it.refused("POST", path, 400, data=b"--y\r\n", headers=headers))["message"]


async def test_uploads_go_to_the_disk_and_are_bounded(tmp_path: Path) -> None:
    async with studio(tmp_path, max_upload_bytes=3 * MIB) as it:
        data = form(("a.wav", bytes(4 * MIB)), data={"tracks": [{"clips": [{"upload": "a.wav"}]}]})
        assert (await it.refused("POST", PATH, 413, data=data))["code"] == "limit-exceeded"
        await it.refused("POST", "/api/projects/import", 413, data=form(("a.zip", bytes(4 * MIB))))

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(64):
                yield bytes(MIB)

        headers = {"Content-Type": "application/zip"}
        await it.refused("POST", "/api/projects/import", 413, data=endless(), headers=headers)
        assert not [name for name in hidden(it.projects.folder) if name.startswith(".draft")]


async def test_a_client_that_leaves_takes_its_work_along(it: Studio) -> None:
    run = it.run(packed(np.zeros(RATE * 600, np.float32)))
    clips = [{"run": run.id, "file": "audio.wav"}] * 6
    body = {"tracks": [{"clips": clips}], "response_format": "wav", "keep": True}
    async with it.house.client.post(PATH, json=body) as answer:
        await answer.content.readany()
        answer.close()
    await eventually(lambda: it.house.server.busy == 0)
    assert (await it.ask("GET", "/api/history?task=compose"))["runs"] == []


async def test_a_project_is_made_changed_and_outlives_its_runs(it: Studio) -> None:
    run = it.run(packed(samples(1)))
    project = await it.project({"run": run.id, "file": "audio.wav"})
    assert (project["version"], project["seconds"], project["problems"]) == (1, 1.0, [])
    await it.ask("DELETE", f"/api/runs/{run.id}", 204)
    path = f"/api/projects/{project['id']}"
    (first,) = project["clips"]
    assert (first["run"], first["file"], first["seconds"], first["sample_rate"]) == (run.id, "audio.wav", 1.0, RATE)
    clip = await it.clip(project, packed(samples(2)), "rain 東京.wav")
    assert clip["name"] == "rain 東京"
    composition = {"tracks": [{"clips": [{"clip": first["id"]}, {"clip": clip["id"], "crossfade": 0.5}]}]}
    changed = await it.ask("PATCH", path, json={"composition": composition, "version": 1, "name": "Storm"})
    assert (changed["version"], changed["name"], changed["seconds"]) == (2, "Storm", 1.5)
    assert changed["spans"] == [[{"start": 0, "end": 1}, {"start": 0.5, "end": 1.5}]]
    assert await it.ask("GET", path) == changed
    error = await it.refused("PATCH", path, 409, json={"composition": composition, "version": 1})
    assert error["code"] == "changed-meanwhile"
    listed = await it.ask("GET", "/api/projects")
    assert [(each["id"], each["clips"], each["version"]) for each in listed["projects"]] == [(project["id"], 2, 2)]
    versions = await it.ask("GET", f"{path}/versions")
    assert [(each["number"], each["clips"]) for each in versions["versions"]] == [(2, 2), (1, 1)]
    earlier = await it.ask("GET", f"{path}/versions/1")
    assert earlier["composition"] == project["composition"]
    restored = await it.ask("POST", f"{path}/versions/1/restore")
    assert (restored["version"], restored["composition"]) == (3, project["composition"])
    mix = faded(samples(1), fade_out=0.5), faded(samples(2), fade_in=0.5)
    expected = np.zeros(36_000, np.float32)
    expected[:24_000] += mix[0]
    expected[12_000:] += mix[1]
    rendered = await it.ask("POST", f"{path}/render", json={"version": 2, "response_format": "wav"})
    np.testing.assert_allclose(unpacked(rendered), as_heard(expected), atol=2e-4)
    await it.ask("DELETE", path, 204)
    assert (await it.refused("GET", path, 404))["code"] == "unknown-project"


async def test_a_part_is_heard_as_it_is_in_the_whole_also_before_it_is_saved(it: Studio) -> None:
    project = await it.project()
    clip = await it.clip(project, packed(samples(1, 3.0)))
    path = f"/api/projects/{project['id']}/render"
    composition = {"tracks": [{"clips": [{"clip": clip["id"], "volume": 12}, {"clip": clip["id"], "crossfade": 1}]}]}
    body = {"composition": composition, "response_format": "wav"}
    whole = unpacked(await it.ask("POST", path, json=body))
    for start, end in ((0.0, 0.5), (1.25, 2.75), (4.5, None), (4.0, 99.0)):
        part = unpacked(await it.ask("POST", path, json=body | {"start": start, "end": end}))
        assert part.tobytes() == whole[round(start * RATE) : round((end or 5) * RATE)].tobytes()
    loud = unpacked(await it.ask("POST", path, json=body | {"start": 4.9, "end": 5, "draft": True}))
    np.testing.assert_allclose(loud, whole[round(4.9 * RATE) :], atol=1e-6)
    error = await it.refused("POST", path, 400, json=body | {"start": 6.0})
    assert "5.00 s long" in error["message"]
    async with it.house.client.post(path, json=body | {"keep": True, "response_format": "pcm"}) as answer:
        kept = answer.headers["X-Koe-Run"]
        assert len(await answer.read()) == 2 * len(whole)
    assert (await it.ask("GET", f"/api/runs/{kept}"))["title"] == "Play"
    assert (await it.ask("GET", f"/api/projects/{project['id']}"))["version"] == 1


async def test_a_clip_is_heard_and_seen_in_part_and_removed(it: Studio) -> None:
    project = await it.project()
    sound = samples(1)
    clip = await it.clip(project, packed(sound))
    path = f"/api/projects/{project['id']}/clips/{clip['id']}"
    assert np.array_equal(unpacked(await it.ask("GET", path)), sound)
    assert await it.ask("GET", path, 206, headers={"Range": "bytes=0-3"}) == b"fLaC"
    seen = await it.ask("GET", f"{path}/waveform?points=10")
    assert seen["duration"] == 1.0
    tenths = sound.reshape(10, -1)
    assert seen["points"] == [[float(low), float(high)] for low, high in zip(tenths.min(1), tenths.max(1), strict=True)]
    part = await it.ask("GET", f"{path}/waveform?points=1&start=0.5&end=0.75")
    assert part == {
        "duration": 0.25,
        "points": [[float(sound[12_000:18_000].min()), float(sound[12_000:18_000].max())]],
    }
    assert (await it.ask("GET", f"{path}/waveform?start=5"))["points"] == []
    for query in ("points=0", "start=-1", "end=x", "from=1"):
        await it.refused("GET", f"{path}/waveform?{query}", 400)
    composition = {"tracks": [{"clips": [{"clip": clip["id"]}]}]}
    await it.ask("PATCH", f"/api/projects/{project['id']}", json={"composition": composition})
    assert (await it.refused("DELETE", path, 409))["code"] == "changed-meanwhile"
    other = await it.clip(project, packed(samples(2)))
    await it.ask("DELETE", f"/api/projects/{project['id']}/clips/{other['id']}", 204)
    await it.refused("GET", f"/api/projects/{project['id']}/clips/{other['id']}", 404)


async def test_clips_come_from_runs_and_forms(it: Studio) -> None:
    project = await it.project()
    path = f"/api/projects/{project['id']}/clips"
    run = it.run(packed(samples(1)))
    body = {"run": run.id, "file": "audio.wav", "name": "Hello"}
    (made,) = (await it.ask("POST", path, 201, json=body))["clips"]
    assert (made["name"], made["run"]) == ("Hello", run.id)
    data = form(("a.wav", packed(samples(2))), ("b.flac", packed(samples(3), "FLAC")))
    assert [each["name"] for each in (await it.ask("POST", path, 201, data=data))["clips"]] == ["a", "b"]
    await it.refused("POST", path, 404, json=body | {"run": NOBODY})
    await it.refused("POST", path, 404, json=body | {"file": "meta.json"})
    assert (await it.refused("POST", path, 400, data=form()))["code"] == "malformed-input"
    error = await it.refused("POST", path, 400, data=form(("a.wav", b"no sound")))
    assert (error["param"], "a.wav: " in error["message"]) == ("file", True)
    await it.refused("POST", f"/api/projects/{NOBODY}/clips", 404, data=form(("a.wav", SOUND)))
    assert len((await it.ask("GET", f"/api/projects/{project['id']}"))["clips"]) == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "", {}, "name"),
        ("POST", "", {"name": ""}, "name"),
        ("POST", "", {"name": "a\nb"}, "name"),
        ("POST", "", {"name": "x" * 201}, "name"),
        ("POST", "", {"name": "x", "composition": {"tracks": [{"clips": [{"upload": "x"}]}]}}, "tracks.0.clips.0"),
        ("POST", "", {"name": "x", "composition": {"loudness": 3}}, "composition.loudness"),
        ("POST", "", {"name": "x", "composition": {"sample_rate": 1}}, "composition.sample_rate"),
        ("PATCH", "/ID", {}, None),
        ("PATCH", "/ID", {"version": 1}, None),
        ("PATCH", "/ID", {"name": "x", "version": 0}, "version"),
        ("PATCH", "/ID", {"name": "x", "tracks": []}, "tracks"),
        ("POST", "/ID/render", {}, None),
        ("POST", "/ID/render", {"version": 1, "composition": {}}, None),
        ("POST", "/ID/render", {"start": -1}, "start"),
        ("POST", "/ID/render", {"response_format": "doc"}, "response_format"),
        ("POST", "/ID/clips", {"run": "x"}, "file"),
    ],
)
async def test_what_is_wrong_about_a_project_is_named(
    it: Studio, method: str, path: str, body: dict[str, Any], param: str | None
) -> None:
    project = await it.project()
    error = await it.refused(method, "/api/projects" + path.replace("ID", project["id"]), 400, json=body)
    assert error["param"] == param


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/{NOBODY}"),
        ("GET", "/..%2F..%2Fetc"),
        ("DELETE", f"/{NOBODY}"),
        ("GET", f"/{NOBODY}/versions"),
        ("GET", "/ID/versions/2"),
        ("GET", "/ID/versions/x"),
        ("GET", "/ID/versions/1234567"),
        ("POST", "/ID/versions/2/restore"),
        ("GET", "/ID/clips/x"),
        ("GET", "/ID/clips/..%2Fproject.json"),
        ("GET", "/ID/clips/x/waveform"),
        ("DELETE", "/ID/clips/x"),
        ("GET", f"/{NOBODY}/export"),
    ],
)
async def test_what_is_not_there_is_told(it: Studio, method: str, path: str) -> None:
    project = await it.project()
    error = await it.refused(method, "/api/projects" + path.replace("ID", project["id"]), 404)
    assert error["code"] == "unknown-project"


async def test_a_project_goes_from_house_to_house(it: Studio, tmp_path: Path) -> None:
    project = await it.project()
    clip = await it.clip(project, packed(samples(1)))
    path = f"/api/projects/{project['id']}"
    await it.ask("PATCH", path, json={"composition": {"tracks": [{"clips": [{"clip": clip["id"]}]}]}})
    async with it.house.client.get(f"{path}/export") as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        assert "attachment" in answer.headers["Content-Disposition"]
        archive = await answer.read()
    assert sum(name.endswith(".flac") for name in zipfile.ZipFile(io.BytesIO(archive)).namelist()) == 1
    async with it.house.client.head(f"{path}/export") as answer:
        assert answer.status == 200
    async with studio(tmp_path / "other") as other:
        raw: dict[str, Any] = {"data": archive, "headers": {"Content-Type": "application/zip"}}
        for sent in (raw, {"data": form(("play.zip", archive))}):
            arrived = await other.ask("POST", "/api/projects/import", 201, **sent)
            assert (arrived["name"], arrived["version"], arrived["seconds"]) == ("Play", 2, 1.0)
            assert [each["number"] for each in await _versions(other, arrived["id"])] == [2, 1]
            sound = await other.ask("POST", f"/api/projects/{arrived['id']}/render", json={"response_format": "wav"})
            assert np.array_equal(unpacked(sound), as_heard(samples(1)))
        for broken in (b"", b"no zip", archive[:-100], archive[200:]):
            error = await other.refused("POST", "/api/projects/import", 400, data=form(("play.zip", broken)))
            assert error["code"] == "malformed-input"
        await other.refused("POST", "/api/projects/import", 400, data=form())
        await other.refused("POST", "/api/projects/import", 415, json={})
        assert len((await other.ask("GET", "/api/projects"))["projects"]) == 2


async def _versions(house: Studio, project_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.ask("GET", f"/api/projects/{project_id}/versions"))["versions"]
    return found


async def test_a_damaged_project_is_told_and_can_be_removed(it: Studio) -> None:
    project, other = await it.project(), await it.project()
    clip = await it.clip(other, packed(samples(1)))
    path = f"/api/projects/{other['id']}"
    await it.ask("PATCH", path, json={"composition": {"tracks": [{"clips": [{"clip": clip["id"]}]}]}})
    (it.projects.folder / project["id"] / "project.json").write_text("{")
    (it.projects.folder / other["id"] / "clips" / f"{clip['id']}.flac").unlink()
    listed = await it.ask("GET", "/api/projects")
    assert [each["id"] for each in listed["projects"]] == [other["id"]]
    assert [each["id"] for each in listed["damaged"]] == [project["id"]]
    shown = await it.ask("GET", path)
    assert (shown["seconds"], shown["spans"], len(shown["problems"])) == (None, None, 2)
    await it.refused("POST", f"{path}/render", 404, json={})
    (it.projects.folder / other["id"] / "versions" / "000001.json").write_text("{")
    assert (await it.ask("GET", f"{path}/versions"))["damaged"] == [1]
    await it.ask("DELETE", f"/api/projects/{project['id']}", 204)
    assert (await it.ask("GET", "/api/projects"))["damaged"] == []


async def test_where_nothing_is_kept_it_is_told(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS, prepare=busy.install) as house:
        for method, path in (("GET", "/api/projects"), ("POST", PATH)):
            async with house.client.request(method, path, json={}) as answer:
                assert answer.status == 503


async def test_made_up_requests_find_no_failure_and_no_undocumented_answer(tmp_path: Path) -> None:
    endpoints = (*composing.ENDPOINTS, *projects.ENDPOINTS, *conversation.ENDPOINTS)
    async with studio(tmp_path, endpoints, requests_per_minute=1_000_000) as it:
        await it.project()
        await fuzz(it.house, examples=3)
