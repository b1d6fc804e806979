"""Word times over HTTP."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soundfile

from koe.adapters.http import runs, words
from koe.adapters.http.endpoints import Endpoint
from koe.audio.align.process import Aligner
from koe.pipelines.words import WordTimer
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from tests.audio.align.test_align import children
from tests.storage.samples import description
from tests.support.espeak import read_out
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="the extra `align` is not installed")

ENDPOINTS = (*runs.ENDPOINTS, *words.ENDPOINTS)
NOBODY = "01kgbf3k2ej5w0zq8m6h4x9c7d"
TEXT = "The laundry is done. Somebody is at the front door."


class Kept:
    def __init__(self, house: HttpHouse, outputs: Outputs) -> None:
        self.house, self.outputs = house, outputs

    def keep(self, text: str, pcm: np.ndarray[Any, Any], rate: int) -> Run:
        with self.outputs.begin("speech", {"text": text}) as draft:
            soundfile.write(draft.file("audio.wav"), pcm, rate)
            return draft.finish(description(text, sample_rate=rate))

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        # Timing words stands back behind everything else that this machine does.
        patience = aiohttp.ClientTimeout(50)
        async with self.house.client.request(method, path, timeout=patience, **options) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()


@asynccontextmanager
async def keeping(data_dir: Path, endpoints: Sequence[Endpoint] = ENDPOINTS) -> AsyncIterator[Kept]:
    outputs = Outputs(data_dir / "outputs")
    await asyncio.to_thread(outputs.serve)

    def prepare(app: Any, settings: Any) -> None:
        runs.install(app, outputs, {})
        words.install(app, WordTimer(outputs, Aligner(deadline=50)))

    try:
        async with http_house(data_dir, endpoints, prepare=prepare) as house:
            yield Kept(house, outputs)
    finally:
        await asyncio.to_thread(outputs.close)


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[Kept]:
    async with keeping(tmp_path) as kept:
        yield kept


async def test_words_are_timed_once_and_read_in_every_format(it: Kept) -> None:
    [reading] = read_out([TEXT])
    run = it.keep(TEXT, reading.pcm, reading.sample_rate)
    path = f"/api/runs/{run.id}"
    assert (await it.ask("GET", f"{path}/words", 404))["error"]["code"] == "unknown-run"
    assert (await it.ask("GET", path))["has_words"] is False
    made = await it.ask("POST", f"{path}/words", 201, json={})
    assert (made["aligner"], made["language"]) == ("pocketsphinx", "en")
    [file] = made["files"]
    assert (file["file"], file["text"]) == ("audio.wav", TEXT)
    assert [TEXT[slice(*word["characters"])] for word in file["words"]] == TEXT.split()
    for word in file["words"]:
        begun = reading.begun.get(word["characters"][0], word["start"])
        assert word["start"] == pytest.approx(begun, abs=0.15)
    assert await it.ask("GET", f"{path}/words") == made
    assert await it.ask("GET", f"{path}/words?file=audio.wav") == made
    assert (await it.ask("GET", path))["has_words"] is True
    for format, kind, beginning in (("srt", "application/x-subrip", "1\n00:00:0"), ("vtt", "text/vtt", "WEBVTT\n")):
        async with it.house.client.get(f"{path}/words?format={format}") as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            told = await answer.text()
        assert told.startswith(beginning)
        assert "The laundry is done.\n" in told
    assert "audio.wav" in (await it.ask("GET", f"{path}/words?file=other.wav", 404))["error"]["message"]


async def test_what_can_not_be_is_told_by_name(it: Kept) -> None:
    run = it.keep("Die Wäsche ist fertig und trocken.", np.zeros(2400), 24_000)
    path = f"/api/runs/{run.id}/words"
    failure = (await it.ask("POST", path, 400, json={}))["error"]
    assert failure["code"] == "unsupported-ability"
    assert "German" in failure["message"]
    assert (await it.ask("POST", path, 201, json={"language": "en_GB"}))["language"] == "en-GB"
    for body in ({"language": "not a tag"}, {"colour": "red"}, {"language": 1}):
        param = next(iter(body))
        assert (await it.ask("POST", path, 400, json=body))["error"]["param"] == param
    for query in ("format=ass", "file=" + "x" * 201, "colour=red"):
        assert (await it.ask("GET", f"{path}?{query}", 400))["error"]["param"] == query.partition("=")[0]
    for nobody in (NOBODY, "x", "..%2F..%2Fetc"):
        await it.ask("GET", f"/api/runs/{nobody}/words", 404)
        await it.ask("POST", f"/api/runs/{nobody}/words", 404, json={})


async def test_without_the_extra_the_answer_says_what_to_install(
    it: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pocketsphinx'] = None\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    run = it.keep("Hello there, everybody.", np.zeros(2400), 24_000)
    failure = (await it.ask("POST", f"/api/runs/{run.id}/words", 503, json={"language": "en"}))["error"]
    assert failure["code"] == "engine-unavailable"
    assert "pip install" in failure["message"]
    assert "align" in failure["message"]


async def test_whoever_leaves_ends_the_work(it: Kept) -> None:
    run = it.keep(" ".join([TEXT] * 400), np.random.default_rng(0).normal(0, 0.1, 24_000 * 600), 24_000)
    asking = asyncio.ensure_future(it.ask("POST", f"/api/runs/{run.id}/words", 201, json={"language": "en"}))
    await eventually(lambda: bool(children()))
    asking.cancel()
    await eventually(lambda: not children())


@pytest.mark.timeout(120)
async def test_made_up_requests_find_no_failure_and_no_undocumented_answer(tmp_path: Path) -> None:
    async with keeping(tmp_path, words.ENDPOINTS) as it:
        await fuzz(it.house, examples=8)
