"""Text that is still being written: over a WebSocket where a server has one, else by sentences."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from koe.core.errors import EngineError
from koe.core.profile import Clip, Sampling
from koe.engine.remote import RemoteEngine
from koe.engine.remote.stream import RemoteStream
from tests.support.clips import speech_like
from tests.support.house import PATIENCE
from tests.support.speech_server import Faults, SpeechServer, heard, opened, remote_engine, speech_server, spoken

SENTENCES = ["The first sentence is here. ", "Then the second one comes. ", "And the third one ends it all."]
FIRST, SECOND, THIRD = (sentence.strip() for sentence in SENTENCES)


@pytest_asyncio.fixture(params=["A", "B"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SpeechServer]:
    async with speech_server(flavour=request.param) as it:
        yield it


@pytest_asyncio.fixture
async def engine(server: SpeechServer) -> AsyncIterator[RemoteEngine]:
    async with remote_engine(server, chunk_timeout=1.0) as it:
        yield it


async def begun(stream: RemoteStream) -> AsyncIterator[bytes]:
    """After its first sound."""
    chunks = aiter(stream)
    async with asyncio.timeout(PATIENCE):
        await anext(chunks)
    return chunks


async def test_a_sentence_sounds_while_the_next_is_written(engine: RemoteEngine, server: SpeechServer) -> None:
    stream = opened(engine, live_text=True, instruct="Softly.")
    stream.feed(SENTENCES[0] + SENTENCES[1][:8])
    async with asyncio.timeout(PATIENCE):
        chunks = aiter(stream)
        sound = await anext(chunks)
        stream.feed(SENTENCES[1][8:] + SENTENCES[2])
        stream.finish()
        sound += b"".join([pcm async for pcm in chunks])
    assert sound == b"".join(spoken(text) for (text,) in (body["texts"] for body in server.asked))
    assert server.asked[0]["texts"] == [FIRST]
    assert (server.asked[0]["instructions"], server.asked[0]["stream_audio"]) == ("Softly.", True)
    # A closes the connection after each of them, B keeps it.
    assert server.sockets == (len(server.asked) if server.flavour == "A" else 1)
    await stream.aclose()


async def test_a_clip_and_its_words_go_with_the_configuration() -> None:
    clip = Clip("ab" * 32, "What is said.", lambda: speech_like(2.0))
    async with speech_server(model="Qwen3-TTS-12Hz-0.6B-Base") as server, remote_engine(server) as engine:
        stream = opened(engine, "anna", live_text=True, clip=clip)
        stream.feed(FIRST)
        stream.finish()
        assert await heard(stream) == spoken(FIRST)
        [config] = server.asked
        assert (config["ref_text"], config["ref_audio"][:22]) == ("What is said.", "data:audio/wav;base64,")


@pytest.mark.parametrize("flavour", ["faster", "nari"])
async def test_where_there_is_no_websocket_text_is_spoken_by_sentences(flavour: str) -> None:
    async with (
        speech_server(flavour=flavour) as server,
        remote_engine({"url": server.url, "voices": ["ryan"]}) as engine,
    ):
        stream = opened(engine, live_text=True)
        stream.feed(SENTENCES[0] + SENTENCES[1])
        chunks = await begun(stream)
        assert server.asked[0]["input"] == FIRST
        stream.feed(SENTENCES[2])
        stream.finish()
        async with asyncio.timeout(PATIENCE):
            assert [pcm async for pcm in chunks]
        assert " ".join(body["input"] for body in server.asked) == "".join(SENTENCES)
        await stream.aclose()


async def test_a_server_that_takes_no_websocket_is_asked_only_once_for_it(
    engine: RemoteEngine, server: SpeechServer
) -> None:
    server.takes_live = False
    for _ in range(2):
        stream = opened(engine, live_text=True)
        stream.feed(FIRST)
        stream.finish()
        assert await heard(stream) == spoken(FIRST)
    assert server.refused_sockets == 1


async def test_what_a_websocket_does_not_take_is_requested(engine: RemoteEngine, server: SpeechServer) -> None:
    stream = opened(engine, live_text=True, sampling=Sampling(temperature=0.5))
    stream.feed(FIRST)
    stream.finish()
    assert await heard(stream) == spoken(FIRST)
    assert server.asked[0]["extra_params"] == {"temperature": 0.5}


async def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    """vLLM-Omni closes one that says nothing for half a minute."""
    async with speech_server(flavour="B") as server, remote_engine(server) as engine:
        stream = opened(engine, live_text=True)
        stream.feed(SENTENCES[0] + SENTENCES[1][:10])
        chunks = await begun(stream)
        while not server.idle:
            await anext(chunks)
        await server.close_sockets()
        stream.feed(SENTENCES[1][10:])
        stream.finish()
        async with asyncio.timeout(PATIENCE):
            rest = b"".join([pcm async for pcm in chunks])
        assert rest.endswith(spoken(SECOND))
        assert server.sockets == 2
        await stream.aclose()


@pytest.mark.parametrize("faults", [Faults(break_after=0), Faults(stall_after=0), Faults(error_after=0)])
async def test_before_the_first_sound_another_server_begins_anew(faults: Faults) -> None:
    async with speech_server(faults=faults) as broken, speech_server(flavour="A") as other:
        broken_first = {"url": broken.url, "weight": 100.0}
        async with remote_engine(broken_first, other, first_audio_timeout=1.5) as engine:
            stream = opened(engine, live_text=True)
            stream.feed(SENTENCES[0])
            stream.feed(SENTENCES[1])
            stream.finish()
            sound = await heard(stream)
    assert sound == spoken(FIRST) + spoken(SECOND)
    assert broken.asked and other.asked


@pytest.mark.parametrize("faults", [Faults(break_after=4801), Faults(stall_after=4801), Faults(error_after=4801)])
async def test_after_the_first_sound_it_is_an_error(engine: RemoteEngine, server: SpeechServer, faults: Faults) -> None:
    server.faults = faults
    stream = opened(engine, live_text=True)
    stream.feed(FIRST)
    stream.finish()
    chunks = await begun(stream)
    with pytest.raises(EngineError, match="broke off in the middle"):
        async with asyncio.timeout(PATIENCE):
            async for _ in chunks:
                pass
    await stream.aclose()
