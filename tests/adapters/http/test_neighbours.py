"""/api/neighbours: who else is on the network, as the house has found them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from koe.adapters.http import neighbours
from koe.adapters.http.house import HOUSE, Announced, Outside
from koe.core.neighbour import Neighbour
from koe.settings.schema.http import HttpSettings
from tests.support.http_house import STRANGER, STRANGERS, fuzz, http_house

FOUND = (
    Neighbour("a1b2", "Kitchen", "tcp://192.168.1.20:10700", ("satellite",)),
    Neighbour("Koe-2", "Koe", "tcp://192.168.1.5:10210", ("text-to-speech",), ("Koe",)),
    Neighbour("gone", "gone", "tcp://192.168.1.9:10300", problem="nobody answers there"),
)


class Network:
    """What is found there, once it may be."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    async def look(self) -> Sequence[Neighbour]:
        await self.open.wait()
        return FOUND

    def prepare(self, app: web.Application, _: HttpSettings) -> None:
        neighbours.install(app)
        app[HOUSE].outside = Outside((), lambda: Announced("Koe-2", ("192.168.1.5",), 10210), self.look)


async def test_everyone_is_told_of_and_the_house_itself_is_marked(tmp_path: Path) -> None:
    async with (
        http_house(tmp_path, neighbours.ENDPOINTS, prepare=Network().prepare) as it,
        it.client.get("/api/neighbours") as answer,
    ):
        found = (await answer.json())["neighbours"]
    assert [(each["name"], each["answers"], each["itself"]) for each in found] == [
        ("Kitchen", True, False),
        ("Koe", True, True),
        ("gone", False, False),
    ]
    assert found[0]["kinds"] == ["satellite"] and found[2]["problem"] == "nobody answers there"


async def test_a_crowd_is_told_to_come_again(tmp_path: Path) -> None:
    network = Network()
    async with http_house(tmp_path, neighbours.ENDPOINTS, prepare=network.prepare) as it:
        network.open.clear()

        async def status() -> int:
            async with it.client.get("/api/neighbours") as answer:
                return answer.status

        asked = [asyncio.create_task(status()) for _ in range(6)]
        refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result() for task in refused} == {429}
        network.open.set()
        assert sorted(await asyncio.gather(*asked)) == [200, 200, 200, 200, 429, 429]


async def test_strangers_need_the_token(tmp_path: Path) -> None:
    async with (
        http_house(tmp_path, neighbours.ENDPOINTS, trust=STRANGERS, prepare=Network().prepare) as it,
        it.coming_from(STRANGER) as stranger,
        stranger.get("/api/neighbours") as answer,
    ):
        assert answer.status == 401


async def test_no_request_breaks_it(tmp_path: Path) -> None:
    async with http_house(tmp_path, neighbours.ENDPOINTS, prepare=Network().prepare) as it:
        await fuzz(it)
