"""Speech over HTTP as its clients know it: whole, piece by piece, as events, and when something goes wrong."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest
import pytest_asyncio

from koe.adapters.http import batch, busy, speech, speech_catalog, websocket
from koe.audio.decode import read_audio
from koe.core.pcm import BYTES_PER_SAMPLE, to_int16
from koe.engine import Engine
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import SAMPLE_RATE, FakeEngine, Faults
from koe.settings import SpeechSettings, VoiceSettings
from koe.speech import SpeechRequest
from tests.support.espeak import as_long_as
from tests.support.house import PATIENCE
from tests.support.http_house import HttpHouse, http_house
from tests.support.waiting import eventually

ENDPOINTS = (*speech.ENDPOINTS, *speech_catalog.ENDPOINTS, *batch.ENDPOINTS, *websocket.ENDPOINTS)
PATH = "/v1/audio/speech"
TEXT = "It is warm in the living room. Is the window in the kitchen still open? Yes, it is."
CONTENT_TYPES = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
}


def speaking(data_dir: Path, *engines: Engine, **options: Any) -> AbstractAsyncContextManager[HttpHouse]:
    """A server with all that speaks."""
    return http_house(data_dir, ENDPOINTS, *engines, prepare=busy.install, **options)


@pytest_asyncio.fixture
async def humming(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with speaking(tmp_path, FakeEngine()) as it:
        yield it


@pytest_asyncio.fixture
async def talking(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with speaking(tmp_path, EspeakEngine()) as it:
        yield it


async def say(house: HttpHouse, text: str = TEXT, **fields: Any) -> bytes:
    async with house.client.post(PATH, json={"input": text, "response_format": "pcm", **fields}) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


def as_bytes(house: HttpHouse, version: str, **fields: Any) -> bytes:
    """A request, for a client that can do nothing but write and read."""
    body = json.dumps(fields).encode()
    head = f"POST {PATH} HTTP/{version}\r\nHost: 127.0.0.1:{house.port}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def refusal(house: HttpHouse, **fields: Any) -> tuple[int, dict[str, Any]]:
    """Status and error of a request that is not spoken."""
    async with house.client.post(PATH, json={"input": TEXT, **fields}) as answer:
        assert answer.content_type == "application/json", await answer.read()
        return answer.status, (await answer.json())["error"]


async def as_the_speaker_says(house: HttpHouse, text: str = TEXT, **request: Any) -> bytes:
    utterance = house.house.speaker.open(SpeechRequest(**request))
    utterance.feed(text)
    utterance.finish()
    return b"".join([pcm async for pcm in utterance])


async def test_the_bytes_are_those_that_the_speaker_gives(humming: HttpHouse) -> None:
    assert await say(humming, voice="fake-high") == await as_the_speaker_says(humming, voice="fake-high")


@pytest.mark.parametrize("format", CONTENT_TYPES)
async def test_every_format_is_told_by_its_type_and_decoded_in_its_whole_length(
    humming: HttpHouse, format: str
) -> None:
    pcm = await as_the_speaker_says(humming)
    async with humming.client.post(PATH, json={"input": TEXT, "response_format": format}) as answer:
        assert (answer.status, answer.content_type) == (200, CONTENT_TYPES[format])
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert (answer.headers["X-Koe-Voice"], answer.headers["X-Koe-Sample-Rate"]) == ("fake-low", "24000")
        data = await answer.read()
    if format == "pcm":
        assert data == pcm
        return
    decoded = read_audio(data, most_seconds=60)
    assert decoded.sample_rate == SAMPLE_RATE
    assert 0 <= len(decoded.samples) - len(pcm) // BYTES_PER_SAMPLE <= (0.2 if format == "mp3" else 0.001) * SAMPLE_RATE
    if format in ("wav", "flac"):
        assert to_int16(decoded.samples[:, 0] * 32768 / 32767) == pcm


async def test_mp3_is_what_comes_where_nothing_is_said(humming: HttpHouse) -> None:
    async with humming.client.post(PATH, json={"input": TEXT}) as answer:
        assert answer.content_type == "audio/mpeg"


@pytest.mark.parametrize("format", CONTENT_TYPES)
async def test_the_first_bytes_leave_with_the_first_sound(tmp_path: Path, format: str) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it:
        request = asyncio.create_task(it.client.post(PATH, json={"input": TEXT, "response_format": format}))
        await eventually(lambda: engine.open_streams == 1)
        assert not request.done()
        # An encoder may want a few frames before it gives the first: a tenth of the text at the most.
        gate.release(4)
        async with asyncio.timeout(PATIENCE), await request as answer:
            assert answer.status == 200
            assert await answer.content.readany()
            assert engine.open_streams == 1
            gate.release(1000)
            assert await answer.read()


async def test_pcm_comes_at_the_rate_that_clients_expect_of_it(talking: HttpHouse) -> None:
    async with talking.client.post(PATH, json={"input": TEXT, "response_format": "pcm"}) as answer:
        assert answer.headers["X-Koe-Sample-Rate"] == "24000"
        at_24000 = await answer.read()
    at_22050 = await say(talking, sample_rate=22050)
    assert len(at_24000) * 22050 / 24000 == as_long_as(at_22050, sentences=3)


async def test_a_sample_rate_may_be_asked_for(humming: HttpHouse) -> None:
    async with humming.client.post(
        PATH, json={"input": TEXT, "response_format": "flac", "sample_rate": 16000}
    ) as answer:
        assert answer.headers["X-Koe-Sample-Rate"] == "16000"
        assert read_audio(await answer.read(), most_seconds=60).sample_rate == 16000


async def test_opus_gets_a_rate_that_it_can_hold(talking: HttpHouse) -> None:
    async with talking.client.post(PATH, json={"input": TEXT, "response_format": "opus"}) as answer:
        assert answer.headers["X-Koe-Sample-Rate"] == "24000"
        assert len(read_audio(await answer.read(), most_seconds=60).samples) > 24000


@pytest.mark.parametrize("speed", [0.25, 0.5, 2, 4.0])
async def test_speed_changes_the_length(humming: HttpHouse, speed: float) -> None:
    usual, changed = await say(humming), await say(humming, speed=speed)
    assert len(changed) == pytest.approx(len(usual) / speed, rel=0.02)


async def test_ssml_is_read_where_the_request_says_so(humming: HttpHouse) -> None:
    paused = await say(humming, '<speak>Hello.<break time="1s"/>Again.</speak>', text_format="ssml")
    assert len(paused) >= len(await say(humming, "Hello. Again.")) + SAMPLE_RATE * 2 * 0.8


async def test_events_carry_the_same_bytes_and_end_with_figures(humming: HttpHouse) -> None:
    events = await events_of(humming, response_format="pcm")
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == await say(humming)
    seconds = len(await say(humming)) / 2 / SAMPLE_RATE
    usage = events[-1]["usage"]
    assert events[-1]["type"] == "speech.audio.done"
    assert usage["input_tokens"] == len(TEXT)
    assert usage["output_tokens"] == pytest.approx(seconds * 12.5, abs=1)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def events_of(house: HttpHouse, **fields: Any) -> list[dict[str, Any]]:
    """As far as they come."""
    found = []
    async with house.client.post(PATH, json={"input": TEXT, "stream_format": "sse", **fields}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        try:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    found.append(json.loads(line[6:]))
        except aiohttp.ClientPayloadError:
            pass
    return found


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_a_failure_before_the_first_sound_is_an_answer_of_its_own(tmp_path: Path, stream_format: str) -> None:
    async with speaking(tmp_path, FakeEngine(faults=Faults(fail_at=0))) as it:
        status, error = await refusal(it, stream_format=stream_format)
    assert (status, error["code"], error["type"]) == (502, "engine-failed", "server_error")


@pytest.mark.parametrize("format", CONTENT_TYPES)
async def test_a_failure_in_mid_stream_breaks_the_connection(tmp_path: Path, format: str) -> None:
    engine = FakeEngine(faults=Faults(fail_at=20))
    async with speaking(tmp_path, engine) as it:
        async with it.client.post(PATH, json={"input": TEXT, "response_format": format}) as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        assert engine.open_streams == 0


async def test_a_failure_in_mid_stream_resets_a_connection_of_http_1_0(tmp_path: Path) -> None:
    """There a good answer ends with the connection: it must not look like one. nginx asks so by default."""
    async with speaking(tmp_path, FakeEngine(faults=Faults(fail_at=20))) as it, it.raw() as (reader, writer):
        writer.write(as_bytes(it, "1.0", input=TEXT, response_format="pcm"))
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_client_of_http_1_0_hears_all_of_it(humming: HttpHouse) -> None:
    async with humming.raw() as (reader, writer):
        writer.write(as_bytes(humming, "1.0", input=TEXT, response_format="pcm"))
        answer = await reader.read()
    assert answer.partition(b"\r\n\r\n")[2] == await say(humming)


async def test_a_failure_in_mid_stream_is_an_event(tmp_path: Path) -> None:
    async with speaking(tmp_path, FakeEngine(faults=Faults(fail_at=20))) as it:
        events = await events_of(it, response_format="pcm")
    assert events[0]["type"] == "speech.audio.delta"
    assert (events[-1]["type"], events[-1]["action"]) == ("speech.audio.error", "discard")
    assert events[-1]["error"]["code"] == "engine-failed"


async def test_the_engine_that_fails_before_its_first_sound_is_stood_in_for(tmp_path: Path) -> None:
    engines = FakeEngine(faults=Faults(fail_at=0)), EspeakEngine()
    async with (
        speaking(tmp_path, *engines, fallback="espeak") as it,
        it.client.post(PATH, json={"input": TEXT}) as answer,
    ):
        assert answer.headers["X-Koe-Voice"].startswith("espeak-en")
        assert unquote(answer.headers["X-Koe-Fallback"]) == "failed on demand before chunk 0"
        assert await answer.read()


async def test_who_leaves_in_mid_stream_frees_the_engine(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it:
        gate.release(10)
        async with asyncio.timeout(PATIENCE):
            answer = await it.client.post(PATH, json={"input": TEXT, "response_format": "pcm"})
            await answer.content.readany()
        answer.close()
        # Though the engine makes nothing more that could not be sent.
        await eventually(lambda: engine.open_streams == 0)
        gate.release(1000)


async def test_who_leaves_before_the_first_sound_frees_the_engine(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    async with speaking(tmp_path, engine) as it:
        async with it.raw() as (_, writer):
            writer.write(as_bytes(it, "1.1", input=TEXT))
            await eventually(lambda: engine.open_streams == 1)
        await eventually(lambda: engine.open_streams == 0)


async def test_who_does_not_read_holds_the_engine_back_and_is_given_up(tmp_path: Path) -> None:
    engine = FakeEngine(lead_seconds=1.0)
    async with speaking(tmp_path, engine, write_timeout=0.3) as it, it.raw() as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(as_bytes(it, "1.1", input="la " * 16000, response_format="pcm"))
        await eventually(lambda: engine.open_streams == 1)
        await eventually(lambda: engine.open_streams == 0)


OUT_OF_RANGE = [
    ("input", ""),
    ("input", None),
    ("input", 5),
    ("input", "\ud800"),
    ("voice", 5),
    ("voice", "x" * 201),
    ("voice", {"id": 5}),
    ("voice", {"name": "x"}),
    ("model", "x" * 201),
    ("instructions", "x" * 4097),
    ("response_format", "aac"),
    ("response_format", "WAV"),
    ("response_format", 1),
    ("speed", 0.24),
    ("speed", 4.01),
    ("speed", "1"),
    ("speed", True),
    ("stream_format", "raw"),
    ("stream", "yes"),
    ("language", "x"),
    ("language", "Klingonish!"),
    ("language", "x" * 101),
    ("seed", -1),
    ("seed", 2**63),
    ("seed", 1.5),
    ("seed", "1"),
    ("temperature", 0),
    ("temperature", 2.1),
    ("top_k", -1),
    ("top_k", 1.5),
    ("top_p", 0),
    ("top_p", 1.1),
    ("repetition_penalty", 0),
    ("repetition_penalty", 2.1),
    ("extra_params", {"temperature": 3}),
    ("extra_params", {"unknown": 3}),
    ("sample_rate", 7999),
    ("sample_rate", 48001),
    ("sample_rate", 12345),
    ("style", "x" * 41),
    ("text_format", "html"),
    ("task_type", "Clone"),
    ("max_new_tokens", 0),
    ("max_new_tokens", 4097),
    ("word_timestamps", True),
    ("word_timestamps", 0),
    ("ref_audio", "http://10.0.0.1/secret.wav"),
    ("ref_text", "hello"),
    ("speaker_embedding", [0.1]),
    ("nobody_knows_this", 1),
]


@pytest.mark.parametrize(("field", "value"), OUT_OF_RANGE)
async def test_what_is_out_of_range_is_refused_by_its_name(humming: HttpHouse, field: str, value: Any) -> None:
    status, error = await refusal(humming, **{field: value})
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert field in f"{error['param']} {error['message']}" or value == "\ud800"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_object_of_json_is_refused(humming: HttpHouse, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with humming.client.post(PATH, data=body, headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "malformed-input"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_other_content_types_are_refused(humming: HttpHouse, content_type: str) -> None:
    body = json.dumps({"input": TEXT}).encode()
    async with humming.client.post(PATH, data=body, headers={"Content-Type": content_type}) as answer:
        assert answer.status == 415


async def test_unspeakable_and_overlong_texts_are_refused(tmp_path: Path) -> None:
    async with speaking(tmp_path, speech=SpeechSettings(max_characters=100)) as it:
        assert (await refusal(it, input=" \n "))[1]["code"] == "nothing-to-speak"
        assert (await refusal(it, input="a" * 101))[1]["code"] == "limit-exceeded"
        assert (await refusal(it, input="<speak>", text_format="ssml"))[1]["code"] == "invalid-ssml"


async def test_speech_that_grows_too_long_breaks_off(tmp_path: Path) -> None:
    async with (
        speaking(tmp_path, speech=SpeechSettings(max_seconds=1.0)) as it,
        it.client.post(PATH, json={"input": TEXT, "response_format": "pcm"}) as answer,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_what_other_servers_know_is_taken_without_effect(humming: HttpHouse) -> None:
    ignored: dict[str, Any] = {
        "task_type": "CustomVoice",
        "max_new_tokens": 100.0,
        "initial_codec_chunk_frames": 1,
        "non_streaming_mode": False,
        "word_timestamps": False,
        "ref_audio": None,
        "stream": True,
        "stream_format": "audio",
        "extra_params": {"temperature": 0.5, "top_p": 0.9, "top_k": 20},
    }
    assert await say(humming, **ignored) == await say(humming)


async def test_voices_are_found_as_other_servers_write_them(humming: HttpHouse) -> None:
    high = await say(humming, voice="fake-high")
    spellings: list[Any] = ["Fake-High", "high", {"id": "fake-high"}]
    for name in spellings:
        assert await say(humming, voice=name) == high
    # OpenAI's own names are the house's voice, as no name is.
    for name in ["alloy", "Shimmer", "", None]:
        assert await say(humming, voice=name) == await say(humming)


async def test_an_unknown_voice_is_refused_with_the_nearest(humming: HttpHouse) -> None:
    status, error = await refusal(humming, voice="fake-hihg")
    assert (status, error["code"]) == (404, "unknown-voice")
    assert "fake-high" in error["message"]


async def test_the_language_chooses_the_voice_by_tag_and_by_name(talking: HttpHouse) -> None:
    for language in ("de", "de-DE", "German", "german"):
        async with talking.client.post(PATH, json={"input": "Zwei Äpfel.", "language": language}) as answer:
            assert answer.headers["X-Koe-Voice"] == "espeak-de"
    async with talking.client.post(PATH, json={"input": "Two apples.", "language": "Auto"}) as answer:
        assert answer.headers["X-Koe-Voice"].startswith("espeak-en")


async def test_a_model_may_be_an_engine(tmp_path: Path) -> None:
    async with speaking(tmp_path, EspeakEngine(), FakeEngine()) as it:
        for model, voice in (("fake", "fake-low"), ("espeak", "espeak-en-us"), ("tts-1", "espeak-en-us")):
            async with it.client.post(PATH, json={"input": "Hello.", "model": model}) as answer:
                assert answer.headers["X-Koe-Voice"] == voice
        async with it.client.post(PATH, json={"input": "Hallo.", "model": "fake", "language": "de"}) as answer:
            assert answer.headers["X-Koe-Voice"] == "fake-low"
        status, error = await refusal(it, model="espeak", voice="fake-low")
        assert (status, error["code"]) == (400, "bad-request")
        status, error = await refusal(it, model="fake", language="fr")
        assert (status, error["code"]) == (404, "unknown-voice")


async def test_an_unknown_model_is_refused_with_those_there_are(humming: HttpHouse) -> None:
    status, error = await refusal(humming, model="gpt-4")
    assert (status, error["code"], error["param"]) == (404, "unknown-model", "model")
    assert "koe, fake" in error["message"]


async def test_a_design_needs_a_description_and_no_voice(humming: HttpHouse) -> None:
    assert (await refusal(humming, task_type="VoiceDesign"))[0] == 400
    assert (await refusal(humming, task_type="VoiceDesign", instructions="old", voice="fake-low"))[0] == 400
    # The house of the tests has nobody who designs.
    status, error = await refusal(humming, task_type="VoiceDesign", instructions="A calm old sailor.")
    assert (status, error["code"]) == (503, "engine-unavailable")


async def test_the_voices_are_listed(humming: HttpHouse) -> None:
    async with humming.client.get("/v1/audio/voices") as answer:
        listed = await answer.json()
    assert listed["voices"] == ["fake-low", "fake-high"]
    assert (listed["uploaded_voices"], listed["default"]) == ([], "fake-low")
    assert listed["details"][0] == {
        "id": "fake-low",
        "name": "Low hum",
        "languages": ["en-US", "de-DE"],
        "engine": "fake",
        "kind": "named",
        "styles": ["calm", "loud"],
    }


async def test_the_default_voice_comes_from_the_settings(tmp_path: Path) -> None:
    async with speaking(tmp_path, voice=VoiceSettings(default="fake-high")) as it:
        assert await say(it) == await say(it, voice="fake-high")


async def test_the_models_are_listed_and_shown(humming: HttpHouse) -> None:
    async with humming.client.get("/v1/models") as answer:
        listed = await answer.json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["koe", "fake"]
    assert {model["object"] for model in listed["data"]} == {"model"}
    for known in ("koe", "fake", "tts-1"):
        async with humming.client.get(f"/v1/models/{known}") as answer:
            assert (await answer.json())["id"] == known
    for unknown in ("nobody", "Qwen/nobody"):
        async with humming.client.get(f"/v1/models/{unknown}") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "unknown-model")


async def test_the_figures_tell_of_what_was_spoken(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine) as it:
        gate.release(10)
        answer = await it.client.post(PATH, json={"input": TEXT, "response_format": "pcm"})
        await answer.content.readany()
        answer.close()
        await eventually(lambda: engine.open_streams == 0)
        gate.release(1000)
        await say(it)
        figures = it.metrics.text().decode()
    assert 'koe_requests_total{adapter="http",engine="fake",outcome="cancelled"} 1.0' in figures
    assert 'koe_requests_total{adapter="http",engine="fake",outcome="spoken"} 1.0' in figures
