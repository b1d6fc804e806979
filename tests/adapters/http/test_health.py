"""Whether it lives, and whether it can speak."""

from pathlib import Path

import pytest

from koe.adapters.http.health import readiness
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine, Faults
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import Speaker
from tests.support.http_house import http_house

SECRET = "/home/somebody/models are not there"


async def test_it_lives(tmp_path: Path) -> None:
    async with http_house(tmp_path) as it, it.client.get("/health") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_as_soon_as_a_voice_can_speak(tmp_path: Path) -> None:
    failing = FakeEngine(faults=Faults(start=SECRET))
    async with http_house(tmp_path, (), failing, EspeakEngine()) as it, it.client.get("/ready") as answer:
        assert answer.status == 200
        assert await answer.json() == {"ready": True, "reason": "", "engines": {"fake": False, "espeak": True}}


async def test_it_is_not_ready_while_no_voice_can_speak(tmp_path: Path) -> None:
    async with http_house(tmp_path, (), FakeEngine(faults=Faults(start=SECRET))) as it:
        async with it.client.get("/ready") as answer:
            assert answer.status == 503
            assert await answer.json() == {"ready": False, "reason": "no voice can speak", "engines": {"fake": False}}
        async with it.client.get("/health") as answer:
            assert answer.status == 200


async def test_it_is_not_ready_before_its_start_nor_while_it_stops() -> None:
    speaker = Speaker(
        [FakeEngine()], fallback=None, default_language="en-US", speech=SpeechSettings(), voice=VoiceSettings()
    )
    assert not readiness(speaker).ready
    await speaker.start()
    assert readiness(speaker).ready
    assert readiness(speaker, stopping=True).reason == "the server is stopping"
    await speaker.stop()


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_a_head_is_enough(tmp_path: Path, path: str) -> None:
    async with http_house(tmp_path) as it, it.client.head(path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
