"""Who may speak over HTTP, who waits, and who is told to come again."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from koe.adapters.http.busy import TURNS, Turns
from koe.adapters.http.errors import HttpError
from koe.adapters.http.metrics import Metrics
from koe.core.errors import Busy
from koe.engine.fake import FakeEngine, Faults
from koe.settings.schema.http import HttpSettings
from tests.adapters.http.test_speech import PATH, TEXT, as_the_speaker_says, say, speaking
from tests.support.waiting import eventually


def turns(speaking: int = 1, waiting: int = 10, timeout: float = 30.0) -> Turns:
    settings = HttpSettings().model_copy(
        update={"max_speaking": speaking, "max_waiting": waiting, "wait_timeout": timeout}
    )
    return Turns(settings)


class Guest:
    """Takes a turn and keeps it until it is told to go."""

    def __init__(self, turns: Turns, name: int, order: list[int]) -> None:
        self._turns, self._name, self._order = turns, name, order
        self._go = asyncio.Event()
        self.task = asyncio.create_task(self._visit())

    async def leave(self) -> None:
        self._go.set()
        await self.task

    async def _visit(self) -> None:
        async with self._turns.turn(Metrics(), "http"):
            self._order.append(self._name)
            await self._go.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    place, order = turns(speaking=2), list[int]()
    guests = [Guest(place, name, order) for name in range(6)]
    for heard in range(2, 7):
        await settle()
        assert order == list(range(heard))
        await guests[heard - 2].leave()
    await guests[-1].leave()
    assert (place.speaking, place.waiting) == (0, 0)


async def test_beyond_those_who_may_wait_it_is_busy() -> None:
    place, order = turns(waiting=1), list[int]()
    guests = [Guest(place, name, order) for name in range(2)]
    await settle()
    with pytest.raises(Busy, match="1 requests are being spoken and 1 wait"):
        async with place.turn(Metrics(), "http"):
            pass
    for guest in guests:
        await guest.leave()


async def test_who_waits_too_long_is_told_so() -> None:
    place, order = turns(timeout=0.05), list[int]()
    guest = Guest(place, 0, order)
    await settle()
    with pytest.raises(HttpError, match=r"within 0\.05 seconds") as told:
        async with place.turn(Metrics(), "http"):
            pass
    assert (told.value.status, told.value.error_code) == (503, "busy")
    assert int(told.value.headers["Retry-After"]) > 0
    assert place.waiting == 0
    await guest.leave()
    assert place.speaking == 0


async def test_who_is_cancelled_leaves_the_queue() -> None:
    place, order = turns(), list[int]()
    guests = [Guest(place, name, order) for name in range(3)]
    await settle()
    guests[1].task.cancel()
    await settle()
    assert place.waiting == 1
    await guests[0].leave()
    await settle()
    assert order == [0, 2]
    await guests[2].leave()
    assert (place.speaking, place.waiting) == (0, 0)


async def test_who_is_cancelled_in_the_moment_of_the_call_passes_the_turn_on() -> None:
    place, order = turns(), list[int]()
    guests = [Guest(place, name, order) for name in range(3)]
    await settle()
    # The turn is given to the second one, who doesn't run any more before it is cancelled.
    place.give()
    guests[1].task.cancel()
    await settle()
    assert order == [0, 2]
    place.take_spare()
    await guests[0].leave()
    await guests[2].leave()


async def test_a_spare_turn_is_one_that_nobody_waits_for() -> None:
    place, order = turns(speaking=2), list[int]()
    assert place.take_spare()
    guests = [Guest(place, name, order) for name in range(2)]
    await settle()
    assert not place.take_spare()
    place.give()
    await settle()
    assert order == [0, 1]
    assert not place.take_spare()
    for guest in guests:
        await guest.leave()


async def test_a_full_queue_is_429_and_one_that_waits_gets_its_turn(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine, max_speaking=1, max_waiting=1) as it:
        whole = asyncio.create_task(say(it))
        await eventually(lambda: engine.open_streams == 1)
        waiting = asyncio.create_task(say(it))
        await eventually(lambda: it.server.app[TURNS].waiting == 1)
        async with it.client.post(PATH, json={"input": TEXT}) as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0
            assert (await answer.json())["error"]["code"] == "busy"
        # What can't be spoken at all doesn't have to wait to hear so.
        async with it.client.post(PATH, json={"input": TEXT, "voice": "nobody"}) as answer:
            assert answer.status == 404
        assert engine.open_streams == 1
        gate.release(10_000)
        assert await whole == await waiting


async def test_the_queue_gives_up_with_503(tmp_path: Path) -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    async with speaking(tmp_path, engine, max_speaking=1, wait_timeout=0.1) as it:
        hung = asyncio.create_task(say(it))
        await eventually(lambda: engine.open_streams == 1)
        async with it.client.post(PATH, json={"input": TEXT}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (503, "busy")
            assert int(answer.headers["Retry-After"]) > 0
        hung.cancel()
        await eventually(lambda: engine.open_streams == 0)


async def test_who_leaves_while_waiting_leaves_the_queue(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine, max_speaking=1) as it:
        first = asyncio.create_task(say(it))
        await eventually(lambda: engine.open_streams == 1)
        second = asyncio.create_task(say(it))
        await eventually(lambda: it.server.app[TURNS].waiting == 1)
        second.cancel()
        await eventually(lambda: it.server.app[TURNS].waiting == 0)
        gate.release(10_000)
        assert await first


async def test_the_rooms_of_the_house_are_not_counted(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))
    async with speaking(tmp_path, engine, max_speaking=1, max_waiting=0) as it:
        room = asyncio.create_task(as_the_speaker_says(it))
        await eventually(lambda: engine.open_streams == 1)
        web = asyncio.create_task(say(it))
        await eventually(lambda: engine.open_streams == 2)
        gate.release(10_000)
        assert await room == await web


async def test_fifty_at_once_are_all_spoken(tmp_path: Path) -> None:
    async with speaking(tmp_path, FakeEngine(), max_waiting=50) as it:
        whole = await as_the_speaker_says(it)
        assert set(await asyncio.gather(*(say(it) for _ in range(50)))) == {whole}
        assert (it.server.app[TURNS].speaking, it.server.app[TURNS].waiting) == (0, 0)


async def test_fifty_at_once_are_spoken_or_told_to_come_again(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    engine = FakeEngine(faults=Faults(before_step=gate.acquire))

    async def status(house: Any) -> int:
        async with house.client.post(PATH, json={"input": "Hello."}) as answer:
            await answer.read()
            return int(answer.status)

    async with speaking(tmp_path, engine, max_speaking=2, max_waiting=8) as it:
        asked = [asyncio.create_task(status(it)) for _ in range(50)]
        await eventually(lambda: sum(task.done() for task in asked) == 40)
        gate.release(10_000)
        statuses = await asyncio.gather(*asked)
    assert (statuses.count(200), statuses.count(429)) == (10, 40)
