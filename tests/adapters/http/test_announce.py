"""/api/rooms and /api/announce, with a Home Assistant and without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from koe.adapters.home_assistant import HomeAssistant
from koe.adapters.http import announce
from koe.adapters.http.house import HOUSE
from koe.engine.fake import FakeEngine
from koe.pipelines.announce import Announcements
from koe.settings.schema.http import HttpSettings
from tests.support.home_assistant import TOKEN, FakeHomeAssistant, home_assistant
from tests.support.house import PATIENCE
from tests.support.http_house import STRANGER, STRANGERS, HttpHouse, fuzz, http_house

KITCHEN = {"id": "assist_satellite.kitchen", "name": "Kitchen", "area": "Downstairs", "way": "home-assistant"}


@asynccontextmanager
async def a_house(data_dir: Path) -> AsyncIterator[tuple[HttpHouse, FakeHomeAssistant]]:
    async with home_assistant() as fake:
        way, engine = HomeAssistant(fake.url, TOKEN, "tts.koe", PATIENCE), FakeEngine()

        def prepare(app: web.Application, _settings: HttpSettings) -> None:
            announce.install(app, Announcements(app[HOUSE].speaker, [way], PATIENCE))

        async with http_house(data_dir, announce.ENDPOINTS, engine, trust=STRANGERS, prepare=prepare) as it:
            yield it, fake


async def test_rooms_are_listed(tmp_path: Path) -> None:
    async with a_house(tmp_path) as (it, fake):
        async with it.client.get("/api/rooms") as answer:
            found = await answer.json()
        assert KITCHEN in found["rooms"] and len(found["rooms"]) == 3
        assert found["problems"] == []
        fake.rooms = "rubbish"
        async with it.client.get("/api/rooms") as answer:
            found = await answer.json()
        assert found["rooms"] == []
        (wrong,) = found["problems"]
        assert "is no Home Assistant" in wrong["reason"] and wrong["problem"] == "home-assistant-address"


async def test_an_announcement_is_made_where_it_was_asked_for(tmp_path: Path) -> None:
    async with a_house(tmp_path) as (it, fake):
        async with it.client.post("/api/announce", json={"text": "Dinner.", "rooms": ["Kitchen"]}) as answer:
            assert await answer.json() == {"rooms": [KITCHEN | {"announced": True, "error": None}]}
        assert fake.announced == [{"entity_id": "assist_satellite.kitchen", "message": "Dinner."}]
        async with it.client.post("/api/announce", json={"text": "Dinner.", "everywhere": True}) as answer:
            assert len((await answer.json())["rooms"]) == 3


async def test_a_room_that_failed_stands_among_those_that_did_not(tmp_path: Path) -> None:
    async with a_house(tmp_path) as (it, fake):
        fake.failing.add("assist_satellite.hall")
        async with it.client.post("/api/announce", json={"text": "Dinner.", "rooms": ["Downstairs"]}) as answer:
            rooms = {each["name"]: each for each in (await answer.json())["rooms"]}
            assert answer.status == 200
        assert rooms["Kitchen"]["announced"] and not rooms["Hall"]["announced"]
        assert rooms["Hall"]["error"]["code"] == "engine-failed"
        async with it.client.post("/api/announce", json={"text": "Dinner.", "rooms": ["Hall"]}) as answer:
            assert answer.status == 502


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"text": "Dinner.", "rooms": ["Attic"]}, 404, "no room 'Attic'"),
        ({"text": "Dinner."}, 400, "say where"),
        ({"text": "Dinner.", "rooms": ["Kitchen"], "everywhere": True}, 400, "say where"),
        ({"text": "Dinner.", "rooms": ["Kitchen"], "style": "calm"}, 400, "name the voice"),
        ({"text": "Dinner.", "rooms": ["Kitchen"], "voice": "nobody"}, 404, "nobody"),
        ({"text": " ", "rooms": ["Kitchen"]}, 400, "no text"),
        ({"text": "a" * 1001, "rooms": ["Kitchen"]}, 400, "1000"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_announced(
    body: dict[str, object], status: int, words: str, tmp_path: Path
) -> None:
    async with a_house(tmp_path) as (it, fake):
        async with it.client.post("/api/announce", json=body) as answer:
            assert (answer.status, words in (await answer.json())["error"]["message"]) == (status, True)
        assert not fake.announced


async def test_strangers_need_the_token(tmp_path: Path) -> None:
    async with a_house(tmp_path) as (it, fake), it.coming_from(STRANGER) as stranger:
        async with stranger.get("/api/rooms") as answer:
            assert answer.status == 401
        async with stranger.post("/api/announce", json={"text": "Boo.", "everywhere": True}) as answer:
            assert answer.status == 401
        assert not fake.announced


@pytest.mark.slow
async def test_no_request_breaks_it(tmp_path: Path) -> None:
    async with a_house(tmp_path) as (it, _):
        await fuzz(it)
