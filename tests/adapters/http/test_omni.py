"""What vLLM-Omni's clients send is understood, or refused with a reason."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from koe.adapters.http import busy, speech, speech_catalog, voices, websocket_omni
from koe.engine.fake import Faults
from tests.adapters.http.test_voices import WORDS, Making, asked, form_of, refusal
from tests.support.clips import speech_wav
from tests.support.house import PATIENCE
from tests.support.http_house import HttpHouse, fuzz, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*voices.ENDPOINTS, *speech.ENDPOINTS, *speech_catalog.ENDPOINTS, *websocket_omni.ENDPOINTS)
TEXT = "The first sentence. And the second one."


@asynccontextmanager
async def serving(tmp_path: Path, faults: Faults | None = None, **options: Any) -> AsyncIterator[HttpHouse]:
    async with http_house(tmp_path, ENDPOINTS, Making(faults=faults), prepare=busy.install, **options) as it:
        yield it


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with serving(tmp_path) as house:
        yield house


class Client:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send_json({"type": type, **fields})

    async def hear(self, last: str = "session.done") -> tuple[list[dict[str, Any]], bytes]:
        """The messages up to that one, and the sound."""
        messages: list[dict[str, Any]] = []
        sound = b""
        async with asyncio.timeout(PATIENCE):
            while not messages or messages[-1]["type"] != last:
                message = await self.socket.receive()
                if message.type is WSMsgType.BINARY:
                    sound += message.data
                    if last == "audio":
                        break
                else:
                    assert message.type is WSMsgType.TEXT, message
                    messages.append(json.loads(message.data))
        return messages, sound


@asynccontextmanager
async def connected(it: HttpHouse) -> AsyncIterator[Client]:
    async with it.client.ws_connect("/v1/audio/speech/stream") as socket:
        yield Client(socket)


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


async def said(it: HttpHouse, format: str) -> bytes:
    """The same by POST."""
    async with it.client.post("/v1/audio/speech", json={"input": TEXT, "response_format": format}) as answer:
        return await answer.read()


@pytest.mark.parametrize("pieces", [[TEXT], list(TEXT)])
@pytest.mark.parametrize("format", ["pcm", "wav"])
async def test_text_becomes_the_sound_that_a_post_gives(it: HttpHouse, pieces: list[str], format: str) -> None:
    async with connected(it) as client:
        await client.send("session.config", voice="fake-low", language="English", response_format=format)
        for piece in pieces:
            await client.send("input.text", text=piece)
        await client.send("input.done")
        messages, sound = await client.hear()
    assert types(messages) == ["audio.start", "audio.done", "session.done"]
    assert (messages[0]["format"], messages[0]["sample_rate"]) == (format, 24000)
    assert (messages[1]["total_bytes"], messages[1]["error"]) == (len(sound), False)
    assert sound == await said(it, format)


async def test_a_configuration_holds_for_all_that_follows(it: HttpHouse) -> None:
    async with connected(it) as client:
        await client.send("session.config", response_format="pcm", split_granularity="sentence", stream_audio=True)
        for index in range(3):
            await client.send("input.text", text=TEXT)
            await client.send("input.done")
            messages, sound = await client.hear()
            assert {each["utterance_index"] for each in messages} == {index}
            assert sound
        await client.send("session.close")
        async with asyncio.timeout(PATIENCE):
            assert (await client.socket.receive()).type is WSMsgType.CLOSE


async def test_sound_comes_before_the_text_is_complete(it: HttpHouse) -> None:
    async with connected(it) as client:
        await client.send("session.config")
        await client.send("input.text", text=TEXT)
        assert types((await client.hear("audio"))[0]) == ["audio.start"]
        await client.send("input.done")
        assert types((await client.hear())[0]) == ["audio.done", "session.done"]


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"type": "input.text", "text": "Hello."}, "session.config"),
        ({"type": "input.done"}, "input.text"),
        ({"type": "session.config", "response_format": "aac"}, "response_format"),
        ({"type": "session.config", "nobody": 1}, "nobody"),
        ({"type": "session.config", "ref_audio": "http://10.0.0.1/secret.wav"}, "never fetched"),
        ({"type": "session.config", "ref_text": "Hello."}, "ref_audio"),
        ({"type": "session.config", "speed": "fast"}, "speed"),
        ({"type": "who.knows"}, "type"),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_else_is_lost(
    it: HttpHouse, message: dict[str, Any], word: str
) -> None:
    async with connected(it) as client:
        await client.socket.send_json(message)
        [error], _ = await client.hear("error")
        assert word in error["message"] or word in str(error["error"]["param"])
        await client.send("session.config", ref_audio=None, x_vector_only_mode=False, initial_codec_chunk_frames=1)
        await client.send("input.text", text=TEXT)
        await client.send("input.done")
        assert types((await client.hear())[0]) == ["audio.start", "audio.done", "session.done"]


async def test_a_failure_in_mid_stream_says_that_the_sound_is_not_whole(tmp_path: Path) -> None:
    async with serving(tmp_path, Faults(fail_at=1)) as it, connected(it) as client:
        await client.send("session.config")
        await client.send("input.text", text=TEXT)
        messages, sound = await client.hear()
        assert types(messages) == ["audio.start", "audio.done", "error", "session.done"]
        assert (messages[1]["total_bytes"], messages[1]["error"]) == (len(sound), True)
        # What was on its way is dropped without a word, up to its end.
        await client.send("input.text", text="More.")
        await client.send("input.done")
        await client.send("input.done")
        assert types((await client.hear("error"))[0]) == ["error"]


async def test_a_client_that_closes_the_session_frees_the_engine(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    async with serving(tmp_path, Faults(before_step=gate.acquire)) as it, connected(it) as client:
        await client.send("session.config")
        await client.send("input.text", text=TEXT)
        await eventually(lambda: it.server.app[busy.TURNS].speaking == 1)
        await client.send("session.close")
        messages, _ = await client.hear()
        assert messages[-2]["error"] is True
        await eventually(lambda: it.server.app[busy.TURNS].speaking == 0)
        gate.release(1000)


def upload(**fields: str | bytes) -> aiohttp.FormData:
    return form_of(*{"audio_sample": speech_wav(), "consent": "signed-17", "name": "Anna", **fields}.items())


async def test_a_voice_is_uploaded_spoken_and_removed(it: HttpHouse) -> None:
    form = upload(ref_text=WORDS, speaker_description="A calm woman")
    made = await asked(it, "POST", "/v1/audio/voices", data=form)
    assert (made["success"], made["voice"]["name"], made["voice"]["consent"]) == (True, "anna", "signed-17")
    listed = await asked(it, "GET", "/v1/audio/voices")
    assert listed["uploaded_voices"] == [made["voice"]]
    assert "anna" in listed["voices"]
    body = {"input": TEXT, "voice": "Anna", "task_type": "Base", "response_format": "wav"}
    async with it.client.post("/v1/audio/speech", json=body) as answer:
        assert (answer.status, answer.headers["X-Koe-Voice"]) == (200, "anna")
        await answer.read()
    assert (await asked(it, "DELETE", "/v1/audio/voices/ANNA"))["success"] is True
    assert (await refusal(it, "DELETE", "/v1/audio/voices/anna", 404))["code"] == "unknown-voice"


async def test_a_name_that_can_be_no_id_becomes_one(it: HttpHouse) -> None:
    made = await asked(it, "POST", "/v1/audio/voices", data=upload(name="../Frau Müller: CON"))
    name = made["voice"]["name"]
    assert name in (await asked(it, "GET", "/v1/audio/voices"))["voices"]
    assert not set(name) & set("/.: ")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"consent": ""}, "consent"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"audio_sample": b"no sound"}, "audio_sample"),
        ({"audio_sample": "http://10.0.0.1/a.wav"}, "audio_sample"),
        ({"speaker_embedding": "[0.1, 0.2]"}, "speaker_embedding"),
        ({"nobody": "1"}, "nobody"),
    ],
)
async def test_an_upload_that_is_not_right_is_refused_by_its_field(
    it: HttpHouse, fields: dict[str, str | bytes], param: str
) -> None:
    assert (await refusal(it, "POST", "/v1/audio/voices", data=upload(**fields)))["param"] == param


async def test_a_second_voice_of_that_name_does_not_replace_the_first(it: HttpHouse) -> None:
    await asked(it, "POST", "/v1/audio/voices", data=upload())
    assert "already" in (await refusal(it, "POST", "/v1/audio/voices", data=upload()))["message"]


@pytest.mark.timeout(120)
async def test_made_up_uploads_find_no_failure(tmp_path: Path) -> None:
    endpoints = [each for each in ENDPOINTS if each.path.startswith("/v1/audio/voices")]
    async with http_house(tmp_path, endpoints, Making(), requests_per_minute=1_000_000) as it:
        await fuzz(it, examples=8)
