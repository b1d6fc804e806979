"""Several servers as one: who is asked, who instead, and what becomes of those that fail."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from koe.core.errors import EngineError, EngineUnavailable, ShuttingDown
from koe.core.profile import Clip
from koe.engine import Priority
from koe.engine.remote import RemoteEngine
from koe.engine.remote.breaker import THRESHOLD
from tests.support.clips import speech_like
from tests.support.house import PATIENCE
from tests.support.speech_server import Faults, SpeechServer, opened, remote_engine, say, speech_server, spoken
from tests.support.waiting import eventually

TEXT = "The washing machine is finished."
SMALL, BASE = "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice", "Qwen/Qwen3-TTS-12Hz-0.6B-Base"


async def test_each_request_goes_to_a_server_with_the_checkpoint_for_it() -> None:
    clip = Clip("ab" * 32, "What is said.", lambda: speech_like(2.0))
    async with (
        speech_server() as large,
        speech_server(model=SMALL) as small,
        speech_server(model=BASE) as base,
        remote_engine(large, small, base) as engine,
    ):
        assert len(engine.voices()) == 9
        for _ in range(3):
            await say(engine, TEXT, instruct="Softly.")
            await say(engine, TEXT, size="0.6B")
            await say(engine, TEXT, "anna", clip=clip)
    assert [len(server.asked) for server in (large, small, base)] == [3, 3, 3]


async def test_the_least_loaded_of_equals_is_asked() -> None:
    async with speech_server(pause=0.02, chunk=2401) as one, speech_server(pause=0.02, chunk=2401) as other:
        async with remote_engine(one, {"url": other.url, "weight": 3.0}) as engine:
            await asyncio.gather(*(say(engine, TEXT) for _ in range(8)))
        assert (len(one.asked), len(other.asked)) == (2, 6)


async def test_one_after_the_other_takes_turns() -> None:
    async with speech_server() as one, speech_server() as other, remote_engine(one, other) as engine:
        for _ in range(4):
            await say(engine, TEXT)
        assert (len(one.asked), len(other.asked)) == (2, 2)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(status=500),
        Faults(status=400),
        Faults(status=429, headers={"Retry-After": "30"}),
        Faults(status=404, words="The model `x` does not exist."),
        Faults(break_after=0),
        Faults(stall_after=0),
        Faults(no_sound=True),
    ],
)
async def test_before_its_first_sound_another_one_is_asked(faults: Faults) -> None:
    async with speech_server(faults=faults) as broken, speech_server() as other:
        async with remote_engine(broken, other, first_audio_timeout=1.5) as engine:
            assert await say(engine, TEXT) == spoken(TEXT)
        assert broken.asked and other.asked


async def test_a_server_that_keeps_failing_is_left_alone_and_comes_back() -> None:
    async with (
        speech_server(faults=Faults(status=500)) as broken,
        speech_server() as other,
        remote_engine(broken, other) as engine,
    ):
        for _ in range(4 * THRESHOLD):
            await say(engine, TEXT)
        assert len(broken.asked) == THRESHOLD
        assert "several times in a row" in engine.servers()[0].trouble
        broken.faults = Faults()
        async with asyncio.timeout(PATIENCE):
            while len(broken.asked) < THRESHOLD + 2:
                await say(engine, TEXT)
                await asyncio.sleep(0.02)
        assert engine.servers()[0].trouble == ""


async def test_a_400_that_is_a_crash_counts_only_where_another_one_does_it() -> None:
    """So that one bad text can't close the way for all others."""
    async with speech_server(faults=Faults(status=400)) as broken, remote_engine(broken) as engine:
        for _ in range(2 * THRESHOLD):
            with pytest.raises(EngineError):
                await say(engine, TEXT)
        assert len(broken.asked) == 2 * THRESHOLD
    async with speech_server(faults=Faults(status=400)) as broken, speech_server() as other:
        async with remote_engine(broken, other) as engine:
            for _ in range(4 * THRESHOLD):
                await say(engine, TEXT)
        assert len(broken.asked) == THRESHOLD


async def test_a_server_that_dies_is_seen_and_also_that_it_is_back() -> None:
    server = SpeechServer()
    async with AsyncExitStack() as life:
        await life.enter_async_context(speech_server(server))
        async with remote_engine(server, check_interval=0.2) as engine:
            await life.aclose()
            with pytest.raises(EngineError):
                await say(engine, TEXT)
            assert "can't be reached" in engine.lacks
            # Its voices stay: Home Assistant has them in its pipelines.
            assert len(engine.voices()) == 9
            with pytest.raises(EngineUnavailable):
                await say(engine, TEXT)
            async with speech_server(server):
                await eventually(lambda: not engine.lacks)
                assert await say(engine, TEXT) == spoken(TEXT)


async def test_a_server_that_starts_later_is_found() -> None:
    async with speech_server() as later:
        pass
    async with remote_engine(later, check_interval=0.2) as engine:
        assert engine.lacks and not engine.voices()
        async with speech_server(later):
            await eventually(lambda: len(engine.voices()) == 9)


async def test_one_that_says_it_is_not_well_is_not_asked() -> None:
    async with speech_server(healthy=False) as ill, speech_server() as other, remote_engine(ill, other) as engine:
        await say(engine, TEXT)
        await say(engine, TEXT)
        assert (len(ill.asked), len(other.asked)) == (0, 2)
        assert "503" in engine.servers()[0].trouble


@dataclass
class Listener:
    sounded: bool = False
    whole: bool = False

    async def ask(self, engine: RemoteEngine) -> None:
        stream = opened(engine)
        stream.feed(TEXT)
        stream.finish()
        sound = b""
        try:
            async with asyncio.timeout(PATIENCE):
                async for pcm in stream:
                    self.sounded = True
                    sound += pcm
            self.whole = sound == spoken(TEXT)
        except EngineError as error:
            assert "broke off in the middle" in error.message
        finally:
            await stream.aclose()


async def test_one_of_two_killed_in_mid_load_loses_nothing_that_had_not_begun_to_sound() -> None:
    one, other = SpeechServer(pause=0.1, chunk=2401), SpeechServer(pause=0.1, chunk=2401)
    listeners = [Listener() for _ in range(60)]
    async with AsyncExitStack() as life, speech_server(other):
        await life.enter_async_context(speech_server(one))
        async with remote_engine(one, other) as engine:
            asking = [asyncio.create_task(each.ask(engine)) for each in listeners[:20]]
            # Half of them are with each server.
            await eventually(lambda: sum(each.sounded for each in listeners) > 10)
            asking += [asyncio.create_task(each.ask(engine)) for each in listeners[20:40]]
            await asyncio.sleep(0)
            await life.aclose()
            asking += [asyncio.create_task(each.ask(engine)) for each in listeners[40:]]
            await asyncio.gather(*asking)
    broken = [each for each in listeners if not each.whole]
    # Each that failed had sounded before, and was told; all others are whole.
    assert broken
    assert all(each.sounded for each in broken)
    assert len(broken) <= 20


async def test_where_all_fail_the_last_failure_is_told() -> None:
    async with (
        speech_server(faults=Faults(status=500, words="out of memory")) as one,
        speech_server(faults=Faults(break_after=0)) as other,
        remote_engine(one, other) as engine,
    ):
        with pytest.raises(EngineError, match="no speech server could do it"):
            await say(engine, TEXT)


async def test_requests_at_the_same_time_are_bounded() -> None:
    async with speech_server(pause=0.01) as server, remote_engine(server, max_requests=2) as engine:
        sounds = await asyncio.gather(*(say(engine, TEXT) for _ in range(6)))
        assert set(sounds) == {spoken(TEXT)}
        assert server.most_speaking == 2


async def test_a_room_finds_a_place_whatever_batches_do() -> None:
    async with (
        speech_server(faults=Faults(stall_after=4801)) as server,
        remote_engine(server, max_requests=2) as engine,
    ):
        batches = [opened(engine, priority=Priority.BATCH) for _ in range(3)]
        waiting: list[asyncio.Future[bytes]] = []
        for stream in batches:
            stream.feed(TEXT)
            stream.finish()
            waiting.append(asyncio.ensure_future(anext(aiter(stream))))
        await eventually(lambda: server.speaking == 1)
        server.faults = Faults()
        assert await say(engine, TEXT) == spoken(TEXT)
        assert len(server.asked) == 2
        for task, stream in zip(waiting, batches, strict=True):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await stream.aclose()


async def test_a_stop_ends_what_is_being_spoken() -> None:
    async with speech_server(pause=0.05) as server, remote_engine(server, lead_seconds=0.5) as engine:
        stream = opened(engine)
        stream.feed(TEXT * 5)
        stream.finish()
        chunks = aiter(stream)
        await anext(chunks)
        await engine.stop()
        with pytest.raises(ShuttingDown):
            async for _ in chunks:
                pass
        await stream.aclose()
        with pytest.raises(EngineUnavailable):
            opened(engine)


async def test_nobody_is_at_fault_where_the_listener_leaves() -> None:
    async with speech_server(pause=0.05) as server, remote_engine(server) as engine:
        for _ in range(2 * THRESHOLD):
            stream = opened(engine)
            stream.feed(TEXT)
            stream.finish()
            await anext(aiter(stream))
            await stream.aclose()
        assert engine.servers()[0].trouble == ""
        await eventually(lambda: not server.speaking)
