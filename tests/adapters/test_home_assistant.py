"""Announcing through Home Assistant: what is asked of it, and what is said when it refuses."""

import json

import pytest
from yarl import URL

from koe.adapters.home_assistant import HomeAssistant
from koe.core.errors import EngineError, EngineTimeout, KoeError, LimitExceeded, NothingToSpeak, UnknownRoom
from koe.engine.fake import FakeEngine
from koe.pipelines.announce import Announcement, Announcements, Outcome, Room
from tests.support.home_assistant import BATH, HALL, KITCHEN, TOKEN, FakeHomeAssistant, home_assistant
from tests.support.house import PATIENCE, house


def way(url: str, token: str = TOKEN) -> HomeAssistant:
    return HomeAssistant(url, token, "tts.koe", PATIENCE)


def everything(rooms: object) -> bool:
    return False


async def announced(fake: FakeHomeAssistant, announcement: Announcement, *names: str) -> list[Outcome]:
    async with house(FakeEngine()) as it:
        announcements = Announcements(it.speaker, [way(fake.url)], PATIENCE)
        return await announcements.announce(announcement, names or None)


async def test_its_rooms_are_listed_with_their_areas() -> None:
    async with home_assistant() as fake:
        assert await way(fake.url + "/").rooms(everything) == [
            Room("assist_satellite.kitchen", "Kitchen", "home-assistant", "Downstairs"),
            Room("assist_satellite.hall", "Hall", "home-assistant", "Downstairs"),
            Room("assist_satellite.bath", "Bath", "home-assistant", None),
        ]
        assert "states.assist_satellite" in fake.templates[0]


@pytest.mark.parametrize(
    ("names", "where"),
    [
        (("kitchen",), [KITCHEN]),
        (("assist_satellite.bath",), [BATH]),
        (("Downstairs",), [KITCHEN, HALL]),
        (("Hall", "Downstairs", "BATH"), [KITCHEN, HALL, BATH]),
        ((), [KITCHEN, HALL, BATH]),
    ],
)
async def test_rooms_go_by_id_name_and_area(names: tuple[str, ...], where: list[dict[str, str]]) -> None:
    async with home_assistant() as fake:
        outcomes = await announced(fake, Announcement("Dinner."), *names)
        assert [(each.room.id, each.error) for each in outcomes] == [(room["id"], None) for room in where]
        assert fake.announced == [{"entity_id": room["id"], "message": "Dinner."} for room in where]


async def test_with_a_voice_this_house_speaks() -> None:
    async with home_assistant() as fake:
        await announced(fake, Announcement("Dinner & wine?", "fake-low", "calm"), "Kitchen")
    (sent,) = fake.announced
    source = URL(sent.pop("media_id"))
    assert sent == {"entity_id": "assist_satellite.kitchen", "message": "Dinner & wine?"}
    assert (source.scheme, source.host, source.name) == ("media-source", "tts", "tts.koe")
    assert source.query["message"] == "Dinner & wine?"
    assert json.loads(source.query["tts_options"]) == {"voice": "fake-low", "speaker": "calm"}


async def test_what_fails_in_one_room_is_heard_in_the_others() -> None:
    async with home_assistant() as fake:
        fake.failing.add("assist_satellite.hall")
        kitchen, hall = await announced(fake, Announcement("Dinner."), "Downstairs")
    assert kitchen.error is None
    assert hall.error is not None and "status 500" in hall.error.message
    assert [each["entity_id"] for each in fake.announced] == ["assist_satellite.kitchen"]


async def test_a_room_that_is_not_there_is_told_with_those_that_are() -> None:
    async with home_assistant() as fake:
        with pytest.raises(UnknownRoom, match="no room 'Kitchn'; did you mean Kitchen"):
            await announced(fake, Announcement("Dinner."), "Bath", "Kitchn")
        with pytest.raises(UnknownRoom, match="there are Kitchen, Downstairs, Hall, Bath"):
            await announced(fake, Announcement("Dinner."), "Somewhere else")
        assert not fake.announced


@pytest.mark.parametrize(("text", "error"), [("  ", NothingToSpeak), ("a" * 1001, LimitExceeded)])
async def test_texts_that_are_no_announcement_are_refused(text: str, error: type[KoeError]) -> None:
    async with home_assistant() as fake:
        with pytest.raises(error):
            await announced(fake, Announcement(text))
        assert not fake.announced and not fake.templates


@pytest.mark.parametrize(
    ("path", "token", "answer", "words", "problem"),
    [
        ("", "wrong", "[]", "doesn't take the token.*home_assistant.token", "home-assistant-token"),
        ("/elsewhere", TOKEN, "[]", "check the setting home_assistant.url", "home-assistant-address"),
        ("/moved", TOKEN, "[]", "status 302", None),
        ("", TOKEN, "<html>", "is no Home Assistant", "home-assistant-address"),
        ("", TOKEN, '[{"name": "x"}]', "is no Home Assistant", "home-assistant-address"),
        ("", TOKEN, " " * 2_000_000, "more than", None),
    ],
)
async def test_answers_that_are_none_are_told(
    path: str, token: str, answer: str, words: str, problem: str | None
) -> None:
    async with home_assistant() as fake:
        fake.rooms = answer
        with pytest.raises(EngineError, match=words) as told:
            await way(fake.url + path, token).rooms(everything)
    assert told.value.problem == problem


async def test_where_nobody_answers_the_others_are_still_found() -> None:
    async with house(FakeEngine()) as it:
        found = await Announcements(it.speaker, [way("http://127.0.0.1:1")], PATIENCE).reach()
    assert not found.rooms
    (problem,) = found.problems
    assert "can't be reached at http://127.0.0.1:1" in problem.message
    assert problem.problem == "home-assistant-away"


async def test_it_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koe.adapters.home_assistant._ASK_SECONDS", 0.0)
    async with home_assistant() as fake:
        with pytest.raises(EngineTimeout, match="did not answer"):
            await way(fake.url).rooms(everything)
