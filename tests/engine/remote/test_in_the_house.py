"""The remote engine as part of a house: rooms, fallbacks, voices of one's own, figures."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from wyoming.audio import AudioChunk
from wyoming.error import Error
from wyoming.tts import Synthesize, SynthesizeVoice

from koe.adapters.http import busy, speech, speech_catalog, voices, websocket_omni
from koe.adapters.http.health import readiness
from koe.adapters.http.metrics import Metrics
from koe.adapters.wyoming import WyomingServer
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from koe.engine.remote import RemoteEngine
from koe.settings import ListenAddress, SpeechSettings, VoiceSettings, WyomingSettings
from koe.settings.schema.remote import RemoteSettings
from koe.speech import Speaker, SpeechRequest
from koe.voices import making
from koe.voices.store import VoiceStore
from tests.adapters.http.test_voices import Making
from tests.support.clips import speech_wav
from tests.support.espeak import as_long_as
from tests.support.hollow import hollow_checkpoint
from tests.support.house import House, house
from tests.support.http_house import TOKEN, HttpHouse, http_house
from tests.support.speech_server import Faults, SpeechServer, heard, remote_engine, speech_server, spoken

ENDPOINTS = (*voices.ENDPOINTS, *speech.ENDPOINTS, *speech_catalog.ENDPOINTS, *websocket_omni.ENDPOINTS)
BASE, DESIGN = (f"Qwen/Qwen3-TTS-12Hz-1.7B-{task}" for task in ("Base", "VoiceDesign"))
TEXT = "The washing machine is finished."
VOICE = "remote-espeak-en-us"


def remote(*servers: SpeechServer, **settings: object) -> RemoteEngine:
    listed = [{"url": server.url} for server in servers]
    return RemoteEngine(RemoteSettings.model_validate({"servers": listed, **settings}), Path(), {})


# --- another Koe


@pytest_asyncio.fixture
async def second(tmp_path: Path) -> AsyncIterator[HttpHouse]:
    async with http_house(tmp_path, ENDPOINTS, EspeakEngine(), prepare=busy.install, max_speaking=64) as it:
        yield it


@pytest_asyncio.fixture
async def first(second: HttpHouse) -> AsyncIterator[House]:
    server = {"url": second.url, "api_key": TOKEN}
    async with house(RemoteEngine(RemoteSettings.model_validate({"servers": [server]}), Path(), {})) as it:
        yield it


async def test_another_koe_speaks_in_this_house(first: House, second: HttpHouse) -> None:
    offered = {voice.id: voice for voice in first.speaker.voices()}
    assert len(offered) == len(second.house.speaker.voices())
    assert offered[VOICE].languages == ("en-US",)
    local = await heard_of(second, TEXT)
    for text in (TEXT, TEXT):
        said = await first.say(text, voice=SynthesizeVoice(name=VOICE))
        assert (said.error, said.rate) == (None, 22050)
        assert len(said.pcm) == as_long_as(local)
    streamed = await first.stream([TEXT[:9], TEXT[9:]], voice=VOICE)
    assert (streamed.error, streamed.rate, len(streamed.pcm)) == (None, 22050, as_long_as(local))


async def heard_of(second: HttpHouse, text: str) -> bytes:
    utterance = second.house.speaker.open(SpeechRequest(voice="espeak-en-us"))
    utterance.feed(text)
    utterance.finish()
    return b"".join([pcm async for pcm in utterance])


async def test_its_live_text_sounds_while_it_is_written(first: House) -> None:
    utterance = first.speaker.open(SpeechRequest(voice=VOICE))
    utterance.feed("The first sentence is here. And the second ")
    chunks = aiter(utterance)
    async with asyncio.timeout(20):
        sound = await anext(chunks)
        utterance.feed("one comes later.")
        utterance.finish()
        sound += b"".join([pcm async for pcm in chunks])
    assert len(sound) > 3 * 22050
    await utterance.aclose()


async def test_many_rooms_at_once(first: House) -> None:
    said = await asyncio.gather(*(first.say(TEXT, voice=SynthesizeVoice(name=VOICE)) for _ in range(20)))
    assert [each.error for each in said] == [None] * 20
    assert all(len(each.pcm) == as_long_as(said[0].pcm) for each in said)


async def test_the_way_over_another_koe_is_short(first: House, second: HttpHouse) -> None:
    """That nobody waits for whole sentences, connections or timers; the benchmark has the figures."""
    server = WyomingServer(second.house.speaker, WyomingSettings(listen=(ListenAddress("tcp", "127.0.0.1", 0),)), "Koe")
    await server.start()
    try:
        own = House(second.house.speaker, server)
        over = [await first_audio(first, VOICE) for _ in range(15)]
        without = [await first_audio(own, "espeak-en-us") for _ in range(15)]
    finally:
        await server.stop(0)
    assert min(over) - min(without) < 0.03


async def first_audio(it: House, voice: str) -> float:
    """Seconds from the request to the first sound at a Wyoming client."""
    async with it.client() as client, asyncio.timeout(20):
        begun = time.perf_counter()
        await client.write_event(Synthesize(TEXT, voice=SynthesizeVoice(name=voice)).event())
        while (event := await client.read_event()) is not None and not AudioChunk.is_type(event.type):
            assert not Error.is_type(event.type), event.data
        return time.perf_counter() - begun


async def test_another_koe_clones_with_its_checkpoint(tmp_path: Path) -> None:
    hollow_checkpoint(tmp_path / "models" / "Qwen3-TTS-12Hz-0.6B-Base", kind="base")
    store = VoiceStore(tmp_path / "first")
    making.clone(store, "Anna", [making.prepare_clip(speech_wav(), "What is said.")])
    model = Making()
    async with http_house(tmp_path, ENDPOINTS, model, prepare=busy.install) as second:
        engine = RemoteEngine(RemoteSettings.model_validate({"servers": second.url}), Path(), {})
        await engine.start()
        try:
            profile = store.get("anna")
            clip = store.clip(profile)
            for live in (False, True):
                stream = engine.open(profile.voice, SpeechOptions(clip=clip, live_text=live))
                stream.feed(TEXT)
                stream.finish()
                assert await heard(stream)
        finally:
            await engine.stop()
    clips = [options.clip for _, options in model.asked]
    assert [clip.transcript for clip in clips if clip is not None] == ["What is said."] * 2


# --- fallbacks


@pytest.mark.parametrize("faults", [Faults(status=500), Faults(stall_after=0), Faults(break_after=0)])
async def test_espeak_stands_in_before_the_first_sound(faults: Faults) -> None:
    async with speech_server(faults=faults) as server:
        engine = remote(server, first_audio_timeout=0.4)
        async with house(engine, EspeakEngine(), fallback="espeak") as it:
            said = await it.say(TEXT, voice=SynthesizeVoice(name="remote-ryan"))
            assert (said.error, said.rate) == (None, 22050)
            said = await it.stream([TEXT], voice="remote-ryan")
            assert (said.error, said.rate) == (None, 22050)


async def test_after_the_first_sound_the_room_hears_of_the_failure() -> None:
    async with (
        speech_server(faults=Faults(break_after=9602)) as server,
        house(remote(server), EspeakEngine(), fallback="espeak") as it,
    ):
        said = await it.say(TEXT, voice=SynthesizeVoice(name="remote-ryan"))
        assert (said.error, said.rate) == ("engine-failed", 24000)
        assert "broke off" in said.error_text


async def test_a_speaker_of_this_house_stands_in_for_the_same_one_elsewhere() -> None:
    name = "espeak-en-gb-scotland"
    async with speech_server(flavour="nari") as server:
        settings = {"servers": [{"url": server.url, "voices": [name]}]}
        engine = RemoteEngine(RemoteSettings.model_validate(settings), Path(), {})
        async with house(engine, EspeakEngine(), fallback="espeak") as it:
            utterance = it.speaker.open(SpeechRequest(voice=f"remote-{name}"))
            utterance.feed(TEXT)
            utterance.finish()
            assert b"".join([pcm async for pcm in utterance])
            assert (utterance.stats.voice, server.asked[0]["voice"]) == (name, name)
            await utterance.aclose()


async def test_a_house_starts_without_its_servers_and_knows_when_they_come() -> None:
    async with speech_server() as server:
        pass
    async with house(remote(server, check_interval=0.1), EspeakEngine(), fallback="espeak") as it:
        assert not readiness(it.speaker).engines["remote"]
        # A voice that it can't know yet.
        assert (await it.say(TEXT, voice=SynthesizeVoice(name="remote-ryan"))).error is None
        async with speech_server(server):
            async with asyncio.timeout(10):
                while not readiness(it.speaker).engines["remote"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            said = await it.say(TEXT, voice=SynthesizeVoice(name="remote-ryan"))
            assert said.pcm == spoken(TEXT)


async def test_a_voice_of_a_server_that_was_never_seen_is_stood_in_for() -> None:
    async with speech_server() as gone:
        pass
    async with speech_server() as server, house(remote(server, gone), fallback="remote") as it:
        assert (await it.say(TEXT, voice=SynthesizeVoice(name="remote-somebody"))).error is None
    async with speech_server() as server, house(remote(server, gone)) as it:
        assert (await it.say(TEXT, voice=SynthesizeVoice(name="remote-somebody"))).error == "engine-unavailable"
    async with speech_server() as server, house(remote(server)) as it:
        assert (await it.say(TEXT, voice=SynthesizeVoice(name="remote-somebody"))).error == "unknown-voice"


# --- voices of the house


async def test_cloned_and_designed_voices_speak_without_a_model_here(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path)
    making.clone(store, "Anna", [making.prepare_clip(speech_wav(), "What is said.")])
    async with speech_server(model=BASE) as base, speech_server(model=DESIGN) as design:
        speaker = Speaker(
            [remote(base, design)],
            fallback=None,
            default_language="en-US",
            speech=SpeechSettings(),
            voice=VoiceSettings(),
            store=store,
        )
        await speaker.start()
        try:
            assert [(voice.id, voice.engine) for voice in speaker.voices()] == [("anna", "remote")]
            for request in (SpeechRequest(voice="anna"), SpeechRequest(description="A sailor.", language="en")):
                utterance = speaker.open(request)
                utterance.feed(TEXT)
                utterance.finish()
                assert b"".join([pcm async for pcm in utterance]) == spoken(TEXT)
                await utterance.aclose()
        finally:
            await speaker.stop()
        # A designed voice needs no reference, so it is spoken as a whole by the other server.
        assert (base.asked[0]["task_type"], design.asked[0]["task_type"]) == ("Base", "VoiceDesign")


# --- what a client sends


async def test_no_address_of_a_client_is_ever_asked_or_sent_on(tmp_path: Path) -> None:
    asked = 0

    async def bait(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=speech_wav())

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", bait)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/clip.wav"
    try:
        async with (
            speech_server(model=BASE) as base,
            http_house(tmp_path, ENDPOINTS, remote(base), EspeakEngine(), prepare=busy.install) as it,
        ):
            for reference in (address, "file:///etc/passwd", f"data:text/uri-list,{address}"):
                body = {"input": TEXT, "ref_audio": reference, "ref_text": "Yes."}
                async with it.client.post("/v1/audio/speech", json=body) as answer:
                    assert answer.status == 400
            for field in ("voice", "language", "instructions", "ref_text"):
                async with it.client.post("/v1/audio/speech", json={"input": TEXT, field: address}) as answer:
                    await answer.read()
            async with it.client.ws_connect("/v1/audio/speech/stream") as socket:
                await socket.send_json({"type": "session.config", "ref_audio": address, "task_type": "Base"})
                assert json.loads((await socket.receive()).data)["type"] == "error"
            form = aiohttp.FormData({"name": "anna", "consent": "yes", "ref_text": "Yes."})
            form.add_field("audio_sample", speech_wav(), filename=address, content_type="audio/wav")
            async with it.client.post("/v1/audio/voices", data=form) as answer:
                assert answer.status == 200
            async with it.client.post("/v1/audio/speech", json={"input": TEXT, "voice": "anna"}) as answer:
                assert (answer.status, len(await answer.read()) > 1000) == (200, True)
    finally:
        await runner.cleanup()
    assert asked == 0
    assert len(base.asked) == 1
    assert address not in json.dumps(base.asked)
    assert base.asked[0]["ref_audio"].startswith("data:audio/wav;base64,")


# --- figures


async def test_the_figures_tell_of_each_server() -> None:
    async with (
        speech_server() as server,
        speech_server(faults=Faults(status=500)) as broken,
        remote_engine(server, broken) as engine,
    ):
        metrics = Metrics(servers=engine.servers)
        for _ in range(3):
            stream = engine.open(engine.voices()[0], SpeechOptions(live_text=False))
            stream.feed(TEXT)
            stream.finish()
            await heard(stream)
        text = metrics.text().decode()
    name, other = server.url.removeprefix("http://"), broken.url.removeprefix("http://")
    assert f'koe_remote_up{{server="{name}"}} 1.0' in text
    assert f'koe_remote_requests_total{{outcome="spoken",server="{name}"}} 3.0' in text
    assert f'koe_remote_requests_total{{outcome="failed",server="{other}"}}' in text
