"""What servers are asked, and what becomes of their answers; each answers as it does in the field."""

import asyncio
import base64
import io
import itertools
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from koe.core.errors import EngineError, EngineUnavailable, LimitExceeded, UnsupportedAbility
from koe.core.pcm import duration, to_float
from koe.core.profile import Clip, Sampling
from koe.engine.remote import RemoteEngine
from tests.support.clips import speech_like
from tests.support.speech_server import (
    RATE,
    Faults,
    Flavour,
    SpeechServer,
    heard,
    opened,
    remote_engine,
    say,
    speech_server,
    spoken,
)

TEXT = "The washing machine is finished."
CLIP = Clip("c0ffee" * 10 + "beef", "What is said.", lambda: speech_like(2.0))
NAMELESS = Clip("0ff" * 21 + "0", "", lambda: speech_like(2.0))
BASE, DESIGN = (f"Qwen/Qwen3-TTS-12Hz-1.7B-{task}" for task in ("Base", "VoiceDesign"))
SMALL = "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice"


@pytest_asyncio.fixture(params=["A", "B"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SpeechServer]:
    async with speech_server(flavour=request.param) as it:
        yield it


@pytest_asyncio.fixture
async def engine(server: SpeechServer) -> AsyncIterator[RemoteEngine]:
    async with remote_engine(server) as it:
        yield it


# --- voices


async def test_the_speakers_of_a_checkpoint_are_voices(engine: RemoteEngine) -> None:
    voices = {voice.id: voice for voice in engine.voices()}
    assert len(voices) == 9
    assert (voices["remote-uncle_fu"].name, voices["remote-uncle_fu"].languages[0]) == ("Uncle Fu", "zh-CN")
    assert voices["remote-ryan"].styles == ("calm",)
    [state] = engine.servers()
    assert (state.kind, state.voices, state.trouble, engine.lacks) == ("vllm-omni", 9, "", "")


async def test_voices_can_be_chosen_and_a_server_that_lists_none_has_those_of_the_settings() -> None:
    async with speech_server() as omni, speech_server(flavour="nari") as nari:
        few = {"url": omni.url, "voices": ["Ryan"]}
        told = {"url": nari.url, "voices": ["aiden"], "languages": ["en"]}
        async with remote_engine(few, told) as engine:
            assert [(each.id, len(each.languages)) for each in engine.voices()] == [
                ("remote-ryan", 10),
                ("remote-aiden", 1),
            ]
        async with remote_engine(nari) as engine:
            assert "name those that it has in `voices`" in engine.lacks


# --- what is sent


async def test_everything_is_said_in_the_servers_words(engine: RemoteEngine, server: SpeechServer) -> None:
    sampling = Sampling(temperature=0.7, top_p=0.9, top_k=40)
    sound = await say(engine, TEXT, language="de-AT", instruct="Softly.", seed=7, sampling=sampling)
    assert sound == spoken(TEXT)
    assert server.asked == [
        {
            "input": TEXT,
            "voice": "ryan",
            "language": "German",
            "instructions": "Softly.",
            "seed": 7,
            "extra_params": {"temperature": 0.7, "top_p": 0.9, "top_k": 40},
            "response_format": "pcm",
            "stream": True,
            "stream_format": "audio",
        }
    ]


async def test_a_style_becomes_words_and_an_unknown_language_is_left_to_the_model(
    engine: RemoteEngine, server: SpeechServer
) -> None:
    stream = opened(engine, language="sv-SE", style="calm")
    stream.feed(TEXT)
    stream.finish()
    await heard(stream)
    assert (server.asked[0]["instructions"], server.asked[0]["language"]) == ("Calmly.", "Auto")
    assert server.asked[0]["seed"] == stream.seed


async def test_an_instruction_has_a_length_that_is_told(engine: RemoteEngine) -> None:
    with pytest.raises(LimitExceeded, match="500 characters"):
        await say(engine, TEXT, instruct="x" * 501)


async def test_a_small_checkpoint_takes_no_instructions() -> None:
    async with speech_server(model=SMALL) as small, remote_engine(small) as engine:
        assert engine.voices()[0].styles == ()
        with pytest.raises(UnsupportedAbility, match=r"0\.6B"):
            await say(engine, TEXT, instruct="Softly.")
        assert await say(engine, TEXT) == spoken(TEXT)


async def test_a_clip_is_sent_along_as_a_recording() -> None:
    async with speech_server(model=BASE) as server, remote_engine(server) as engine:
        assert (engine.can_clone, engine.can_design, engine.voices()) == (True, False, [])
        assert await say(engine, TEXT, "anna", clip=CLIP) == spoken(TEXT)
        assert await say(engine, TEXT, "anna", clip=NAMELESS) == spoken(TEXT)
    known, nameless = server.asked
    assert (known["task_type"], known["ref_text"], "voice" in known) == ("Base", "What is said.", False)
    assert (nameless["x_vector_only_mode"], "ref_text" in nameless) == (True, False)
    head, _, recording = known["ref_audio"].partition(",")
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(recording)), dtype="float32")
    assert (head, rate) == ("data:audio/wav;base64", 24_000)
    assert np.abs(samples - speech_like(2.0)).max() < 1e-3


async def test_a_clip_is_uploaded_once() -> None:
    async with speech_server(model=BASE) as server, remote_engine({"url": server.url, "upload": True}) as engine:
        for _ in range(2):
            assert await say(engine, TEXT, "anna", clip=CLIP) == spoken(TEXT)
        [(name, form)] = server.uploads.items()
        assert (name, form["ref_text"]) == (f"koe-{CLIP.digest[:16]}", "What is said.")
        assert [body["voice"] for body in server.asked] == [name] * 2
        assert not any("ref_audio" in body for body in server.asked)
        await engine.refresh()
        assert engine.voices() == []  # it is nobody else's


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(("flavour", "model"), [("B", BASE), ("faster", "")])
async def test_a_clip_that_was_forgotten_is_uploaded_again(flavour: Flavour, model: str, live: bool) -> None:
    async with (
        speech_server(flavour=flavour, model=model) as server,
        remote_engine({"url": server.url, "upload": True}) as engine,
    ):
        assert await say(engine, TEXT, "anna", clip=CLIP, live_text=live) == spoken(TEXT)
        server.uploads.clear()
        assert await say(engine, TEXT, "anna", clip=CLIP, live_text=live) == spoken(TEXT)
        assert len(server.uploads) == 1


async def test_a_description_is_designed_where_there_is_a_checkpoint_for_it() -> None:
    async with speech_server(model=DESIGN) as server, remote_engine(server) as engine:
        assert engine.can_design
        assert await say(engine, TEXT, "design", description="A calm old sailor.") == spoken(TEXT)
        body = server.asked[0]
        assert (body["task_type"], body["instructions"]) == ("VoiceDesign", "A calm old sailor.")
    async with speech_server() as server, remote_engine(server) as engine:
        with pytest.raises(EngineUnavailable, match="task VoiceDesign"):
            await say(engine, TEXT, "design", description="A calm old sailor.")


@pytest.mark.parametrize(
    ("flavour", "server", "voice", "sent"),
    [
        ("nari", {"voices": ["ryan"]}, "remote-ryan", {"stream": True, "language": "english", "temperature": 0.5}),
        ("faster", {}, "remote-ryan", {"response_format": "wav"}),
        ("kokoro", {"model": "kokoro"}, "remote-bm_george", {"model": "kokoro", "voice": "bm_george"}),
    ],
)
async def test_other_servers_are_asked_only_what_they_know(
    flavour: Flavour, server: dict[str, Any], voice: str, sent: dict[str, Any]
) -> None:
    async with speech_server(flavour=flavour) as it, remote_engine({"url": it.url, **server}) as engine:
        assert await say(engine, TEXT, voice, sampling=Sampling(temperature=0.5)) == spoken(TEXT)
        assert sent.items() <= it.asked[0].items()
        assert not {"ref_audio", "task_type", "stream_format", "extra_params"} & it.asked[0].keys()


async def test_the_key_is_sent_and_a_wrong_one_is_named(tmp_path: Any) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    async with speech_server(key="secret") as server, speech_server(key="from-a-file") as other:
        keys = {"url": server.url, "api_key": "secret"}, {"url": other.url, "api_key_file": str(tmp_path / "key")}
        async with remote_engine(*keys) as engine:
            assert [state.trouble for state in engine.servers()] == ["", ""]
            await say(engine, TEXT)
        assert set(server.keys) == {"Bearer secret"}
        async with remote_engine({"url": server.url, "api_key": "another"}) as engine:
            assert "401" in engine.lacks
            assert "another" not in engine.lacks
        async with remote_engine({"url": server.url, "api_key_file": str(tmp_path / "nothing")}) as engine:
            assert "can't be read" in engine.lacks


async def test_a_redirect_leads_nowhere(unused_tcp_port: int) -> None:
    async with speech_server() as server, speech_server() as elsewhere, remote_engine(server) as engine:
        server.faults = Faults(status=307, headers={"Location": f"{elsewhere.url}/v1/audio/speech"})
        with pytest.raises(EngineError, match="307"):
            await say(engine, TEXT)
        assert not elsewhere.asked


# --- what comes back


@pytest.mark.parametrize("form", ["pcm", "events", "wav", "whole", "wav events"])
async def test_every_form_of_answer_is_the_same_sound(form: str) -> None:
    flavour: Flavour = "faster" if "wav" in form else "B"
    async with (
        speech_server(flavour=flavour, always_events="events" in form) as server,
        remote_engine(server) as engine,
    ):
        sound = await say(engine, TEXT)
    assert sound == spoken(TEXT)


@pytest.mark.parametrize("rate", [16_000, 44_100])
async def test_the_rate_is_the_servers_own(rate: int) -> None:
    async with speech_server(flavour="faster", rate=rate) as server, remote_engine(server) as engine:
        stream = opened(engine)
        stream.feed(TEXT)
        stream.finish()
        assert await heard(stream) == spoken(TEXT, rate)
        assert stream.sample_rate == rate
        # PCM says it in its Content-Type, or has the usual one.
        server.faults = Faults(content_type=f"audio/pcm; rate={rate}")
        stream = opened(engine)
        stream.feed(TEXT)
        stream.finish()
        await heard(stream)
        assert stream.sample_rate == rate


async def test_a_stream_keeps_its_rate_where_servers_have_different_ones() -> None:
    text = "One sentence stands here. Another sentence follows it there."
    async with speech_server(flavour="faster") as one, speech_server(flavour="faster", rate=48_000) as other:
        async with remote_engine(one, other) as engine:
            stream = opened(engine)
            stream.feed(text)
            stream.finish()
            sound = await heard(stream)
        assert one.asked and other.asked
        assert duration(len(sound), stream.sample_rate) == pytest.approx((len(text) - 1) / 100, abs=0.01)


async def test_a_text_is_asked_for_by_sentences_and_the_next_one_ahead(
    engine: RemoteEngine, server: SpeechServer
) -> None:
    server.pause = 0.2
    sentences = ["The first sentence is alone.", "Here is the second one.", "And this is the third of them."]
    sound = await say(engine, " ".join(sentences))
    first, rest = (body["input"] for body in server.asked)
    assert (first, rest) == (sentences[0], " ".join(sentences[1:]))
    assert sound == spoken(first) + spoken(rest)
    assert server.most_speaking == 2


async def test_a_listener_who_takes_nothing_is_not_run_ahead_of_without_end() -> None:
    async with speech_server(chunk=4800) as server, remote_engine(server, lead_seconds=0.5) as engine:
        stream = opened(engine)
        stream.feed("Long words. " * 400)
        stream.finish()
        await anext(aiter(stream))
        await asyncio.sleep(0.2)
        assert len(server.asked) <= 4  # of 17
        await stream.aclose()


async def test_no_more_comes_than_is_allowed(engine: RemoteEngine) -> None:
    sound = await say(engine, "So many words. " * 30, max_seconds=1.0)
    assert 1.0 <= duration(len(sound), RATE) < 1.2


# --- what goes wrong


@pytest.mark.parametrize(
    ("form", "fault"),
    # Only events can tell of a failure.
    [("events", "error"), *itertools.product(("raw", "events", "wav"), ("break", "stall"))],
)
async def test_what_breaks_in_the_middle_is_an_error_and_no_end(form: str, fault: str) -> None:
    faults = {"break": Faults(break_after=4801), "stall": Faults(stall_after=4801), "error": Faults(error_after=4801)}
    server = SpeechServer(
        flavour="faster" if form == "wav" else "B", always_events=form == "events", faults=faults[fault]
    )
    async with speech_server(server), remote_engine(server, chunk_timeout=0.3) as engine:
        stream = opened(engine)
        stream.feed(TEXT)
        stream.finish()
        chunks = aiter(stream)
        assert await anext(chunks)
        with pytest.raises(EngineError, match="broke off in the middle") as caught:
            async for _ in chunks:
                pass
        assert {"stall": "within 0.3", "error": "the talker died"}.get(fault, "") in caught.value.message
        await stream.aclose()


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (Faults(status=400), "answers 400: EngineCore"),
        (Faults(status=500), "answers 500"),
        (Faults(break_after=0), "broke off|sent"),
        (Faults(stall_after=0), "no sound within 0.5"),
        (Faults(content_type="audio/mpeg"), "audio/mpeg, not with PCM"),
        (Faults(content_type="application/json"), "application/json"),
        (Faults(content_type="audio/wav"), "no WAV"),
        (Faults(no_sound=True), "without any sound"),
        (Faults(status=400, words="Invalid voice 'ryan'. Supported: a, b"), "Invalid voice"),
    ],
)
async def test_what_fails_before_the_first_sound_tells_why(faults: Faults, words: str) -> None:
    patience = 8.0 if faults.stall_after is None else 0.5
    async with speech_server(faults=faults) as server, remote_engine(server, first_audio_timeout=patience) as engine:
        with pytest.raises(EngineError, match=words):
            await say(engine, TEXT)


async def test_sound_that_only_trickles_is_given_up() -> None:
    async with speech_server(faults=Faults(trickle=0.01)) as server, remote_engine(server, chunk_timeout=0.3) as engine:
        with pytest.raises(EngineError, match="no more sound within"):
            await say(engine, TEXT)


async def test_a_busy_server_is_waited_for_as_long_as_it_asks() -> None:
    busy = Faults(status=429, words="too many requests", headers={"Retry-After": "1"}, times=1)
    async with speech_server(faults=busy) as server, remote_engine(server) as engine:
        assert await say(engine, TEXT) == spoken(TEXT)
        assert len(server.asked) == 2
    later = Faults(status=503, headers={"Retry-After": "30"})
    async with speech_server(faults=later) as server, remote_engine(server) as engine:
        with pytest.raises(EngineError, match="503"):
            await say(engine, TEXT)
        assert len(server.asked) == 1


async def test_who_leaves_stops_the_server(engine: RemoteEngine, server: SpeechServer) -> None:
    server.pause = 0.05
    stream = opened(engine)
    stream.feed(TEXT * 3)
    stream.finish()
    await anext(aiter(stream))
    assert server.speaking
    await stream.aclose()
    async with asyncio.timeout(5):
        while server.speaking:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert engine.servers()[0].failed == 0


def test_the_tones_of_texts_differ() -> None:
    assert not np.array_equal(to_float(spoken("abc")), to_float(spoken("abd")))
