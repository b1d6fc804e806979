"""Effects over HTTP: of voices that are made and changed, and of requests to speak."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from koe.adapters.http import batch, busy, speech, voices, websocket
from koe.engine.fake import FakeEngine
from tests.adapters.http.test_voices import asked, clip, refusal
from tests.adapters.http.test_websocket import connected
from tests.support.http_house import HttpHouse, http_house

ENDPOINTS = (*voices.ENDPOINTS, *speech.ENDPOINTS, *batch.ENDPOINTS, *websocket.ENDPOINTS)
TEXT = "A sentence of some length, spoken by somebody."
FASTER = {"effect": "speed", "factor": 2.0}
DOLL = {"effect": "pitch", "semitones": 3.0, "keep_formants": True}


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with http_house(tmp_path, ENDPOINTS, FakeEngine(), prepare=busy.install) as house:
        yield house


async def say(house: HttpHouse, **fields: Any) -> bytes:
    body = {"input": TEXT, "response_format": "pcm", **fields}
    async with house.client.post("/v1/audio/speech", json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def test_a_voice_is_made_with_effects_and_changed(it: HttpHouse) -> None:
    body = {"name": "Doll", "base": "fake-low", "effects": ["M3GAN", FASTER]}
    assert (await asked(it, "POST", "/api/voices", 201, json=body))["profile"]["effects"] == [DOLL, FASTER]
    assert len(await say(it, voice="doll")) == pytest.approx(len(await say(it, voice="fake-low")) / 2, abs=2)
    path = "/api/voices/doll"
    assert (await asked(it, "PATCH", path, json={"name": "Dolly"}))["profile"]["effects"] == [DOLL, FASTER]
    changed = await asked(it, "PATCH", path, json={"effects": ["reverb:wet=0.1", DOLL]})
    assert [each["effect"] for each in changed["profile"]["effects"]] == ["reverb", "pitch"]
    assert (await asked(it, "GET", path))["profile"] == changed["profile"]
    assert (await asked(it, "PATCH", path, json={"effects": []}))["profile"]["effects"] == []
    assert await say(it, voice="doll") == await say(it, voice="fake-low")


async def test_a_clone_has_effects_as_well(it: HttpHouse) -> None:
    body = {"name": "Anna", "references": [clip()], "effects": [FASTER]}
    assert (await asked(it, "POST", "/api/voices", 201, json=body))["profile"]["effects"] == [FASTER]


WRONG: list[tuple[Any, str]] = [
    ([{"effect": "speed", "factor": 9}], "effects.0.speed.factor"),
    ([{"effect": "speed", "factor": "2"}], "effects.0.speed.factor"),
    ([FASTER, {"effect": "reverb", "depth": 1}], "effects.1.reverb.depth"),
    ([{"effect": "chorus"}], "effects.0"),
    (["HAL"], "effects"),
    ("M3GAN", "effects"),
    ([FASTER] * 14, "effects"),
]


@pytest.mark.parametrize(("effects", "param"), WRONG)
async def test_what_is_wrong_is_named(it: HttpHouse, effects: Any, param: str) -> None:
    await asked(it, "POST", "/api/voices", 201, json={"name": "Doll", "base": "fake-low"})
    for method, path, body in (
        ("POST", "/api/voices", {"name": "Other", "base": "fake-low"}),
        ("PATCH", "/api/voices/doll", {}),
        ("POST", "/v1/audio/speech", {"input": TEXT}),
    ):
        assert (await refusal(it, method, path, json={**body, "effects": effects}))["param"] == param


async def test_a_request_has_its_own_effects_instead_of_the_voices(it: HttpHouse) -> None:
    await asked(it, "POST", "/api/voices", 201, json={"name": "Quick", "base": "fake-low", "effects": [FASTER]})
    usual = await say(it, voice="fake-low")
    assert await say(it, voice="quick", effects=[]) == usual
    assert await say(it, voice="quick", effects=None) == await say(it, voice="quick")
    assert len(await say(it, voice="quick", effects=["speed:factor=0.5"])) == pytest.approx(2 * len(usual), abs=2)


async def test_what_can_not_be_had_is_refused_before_the_first_sound(it: HttpHouse) -> None:
    body = {"input": TEXT, "effects": ["high_shelf:hertz=19000,gain=3"]}
    error = await refusal(it, "POST", "/v1/audio/speech", json=body)
    assert (error["code"], "below 12000 Hz" in error["message"]) == ("unsupported-ability", True)


async def test_a_batch_and_its_texts_have_effects(it: HttpHouse) -> None:
    body = {
        "items": [{"input": TEXT}, {"input": TEXT, "effects": []}, {"input": TEXT, "effects": ["speed:factor=0.5"]}],
        "effects": ["M3GAN", FASTER],
        "response_format": "pcm",
    }
    results = (await asked(it, "POST", "/v1/audio/speech/batch", json=body))["results"]
    faster, usual, slower = (base64.b64decode(result["audio_data"]) for result in results)
    assert usual == await say(it)
    assert len(faster) == pytest.approx(len(usual) / 2, abs=2)
    assert len(slower) == pytest.approx(len(usual) * 2, abs=2)


async def test_a_websocket_utterance_has_effects(it: HttpHouse) -> None:
    async with connected(it) as client:
        usual = await client.say([TEXT])
        faster = await client.say([TEXT], effects=["M3GAN", FASTER])
    assert len(faster.pcm) == pytest.approx(len(usual.pcm) / 2, abs=2)
