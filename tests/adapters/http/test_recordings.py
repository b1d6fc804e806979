"""Voices cloned for one request, as clients of vLLM-Omni ask for them."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from koe.adapters.http import busy, speech
from koe.engine.fake import FakeEngine
from koe.engine.qwen.engine import QwenEngine
from koe.settings import QwenSettings
from tests.support import tiny
from tests.support.clips import speech_wav
from tests.support.http_house import HttpHouse, http_house

pytest.importorskip("torch")

tiny_base = tiny.tiny_base

PATH = "/v1/audio/speech"
RECORDING = "data:audio/wav;base64," + base64.b64encode(speech_wav()).decode()
WORDS = "These are the words of the clip."


@asynccontextmanager
async def cloning(data_dir: Path, checkpoint: Path) -> AsyncIterator[HttpHouse]:
    (data_dir / "models").mkdir()
    (data_dir / "models" / checkpoint.name).symlink_to(checkpoint)
    settings = QwenSettings(device="cpu", dtype="float32", warm_up=False)
    engine = QwenEngine(settings, data_dir)
    async with http_house(data_dir, speech.ENDPOINTS, engine, FakeEngine(), prepare=busy.install) as it:
        yield it


async def said(it: HttpHouse, **body: Any) -> bytes:
    given = {"input": "Good morning.", "response_format": "pcm", "seed": 5, "task_type": "Base", **body}
    async with it.client.post(PATH, json=given) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def refused(it: HttpHouse, **body: Any) -> str:
    async with it.client.post(PATH, json={"input": "Good morning.", **body}) as answer:
        assert answer.status == 400
        return str((await answer.json())["error"]["message"])


async def test_a_recording_is_cloned_for_one_request(tmp_path: Path, tiny_base: Path) -> None:
    async with cloning(tmp_path, tiny_base) as it:
        first = await said(it, ref_audio=RECORDING, ref_text=WORDS)
        assert len(first) > 1000
        assert first == await said(it, ref_audio=RECORDING, ref_text=WORDS)
        by_sound = await said(it, ref_audio=RECORDING, x_vector_only_mode=True)
        assert by_sound != first
        assert by_sound == await said(it, ref_audio=RECORDING, ref_text=WORDS, x_vector_only_mode=True)
        assert not list((tmp_path / "voices").glob("profiles/*"))


async def test_a_recording_of_no_use_is_refused_with_the_reason(tmp_path: Path, tiny_base: Path) -> None:
    async with cloning(tmp_path, tiny_base) as it:
        short = base64.b64encode(speech_wav(seconds=0.5)).decode()
        assert "base64" in await refused(it, ref_audio="data:audio/wav;base64,!")
        assert "no audio file" in await refused(it, ref_audio="data:audio/wav;base64,AAAA")
        assert "second" in await refused(it, ref_audio=f"data:audio/wav;base64,{short}")
        assert "never fetched" in await refused(it, ref_audio="file:///etc/passwd")
        assert "either" in await refused(it, ref_audio=RECORDING, voice="fake-high")
        assert "belong to" in await refused(it, ref_text=WORDS)


async def test_without_a_checkpoint_for_it_the_answer_says_which_one_to_get(tmp_path: Path) -> None:
    async with (
        http_house(tmp_path, speech.ENDPOINTS, FakeEngine(), prepare=busy.install) as it,
        it.client.post(PATH, json={"input": "Hello.", "ref_audio": RECORDING}) as answer,
    ):
        assert answer.status == 503
        assert "no voice can be cloned" in (await answer.json())["error"]["message"]
