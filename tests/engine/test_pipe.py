"""PCM from a thread to a task."""

import asyncio

import pytest

from koe.core.errors import EngineError
from koe.engine.pipe import MAX_TAKE_BYTES, PcmPipe


async def taken(pipe: PcmPipe) -> bytes:
    return b"".join([chunk async for chunk in pipe])


async def test_everything_put_arrives_in_order() -> None:
    pipe = PcmPipe()
    chunks = [bytes([number % 256, 0]) * 100 for number in range(1000)]

    def produce() -> None:
        for chunk in chunks:
            assert pipe.put(chunk)
        pipe.end()

    producing = asyncio.create_task(asyncio.to_thread(produce))
    assert await taken(pipe) == b"".join(chunks)
    await producing


async def test_waiting_chunks_are_joined_up_to_a_bound() -> None:
    pipe = PcmPipe()
    for _ in range(3):
        pipe.put(b"ab" * 100)
    pipe.put(b"c" * MAX_TAKE_BYTES)
    pipe.end()
    assert [len(chunk) async for chunk in pipe] == [600, MAX_TAKE_BYTES]


async def test_an_error_comes_after_what_was_put_before_it() -> None:
    pipe = PcmPipe()
    pipe.put(b"ab")
    pipe.end(EngineError("broken"))
    assert await anext(pipe) == b"ab"
    with pytest.raises(EngineError, match="broken"):
        await anext(pipe)


async def test_a_producer_learns_that_its_consumer_left_and_how_far_it_is_ahead() -> None:
    told: list[int] = []
    pipe = PcmPipe(on_room=lambda: told.append(pipe.buffered))
    assert pipe.put(b"ab")
    assert pipe.put(b"cd")
    assert pipe.buffered == 4
    await anext(pipe)
    pipe.close()
    assert told == [0, 0]
    assert pipe.closed
    assert not pipe.put(b"ef")
    assert await taken(pipe) == b""


async def test_closing_wakes_a_waiting_consumer() -> None:
    pipe = PcmPipe()
    waiting = asyncio.create_task(taken(pipe))
    await asyncio.sleep(0)
    pipe.close()
    assert await waiting == b""


def test_a_producer_outlives_the_loop() -> None:
    async def open_pipe() -> PcmPipe:
        return PcmPipe()

    pipe = asyncio.run(open_pipe())
    pipe.put(b"ab")
    assert not pipe.put(b"cd")
