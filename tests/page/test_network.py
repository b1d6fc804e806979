"""The House view's network: rooms to speak in, and the servers that are there. Those on the LAN are looked for in a
network namespace, where this file runs again for its functions `on_the_lan_*`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.adapters.test_neighbours import KITCHEN, announced, serving
from tests.page.conftest import Open
from tests.support.background import in_background
from tests.support.browser import PHONE
from tests.support.home_assistant import TOKEN, FakeHomeAssistant, home_assistant
from tests.support.koe_server import KoeServer, koe_server
from tests.support.namespace import run_tests_in_namespace

NO_QWEN = {"engine.qwen.enabled": "false"}
_SLOW = 15_000
"""Milliseconds: a search takes some seconds."""


@pytest.fixture(scope="module")
def home() -> Iterator[FakeHomeAssistant]:
    with in_background(home_assistant()) as fake:
        yield fake


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory, home: FakeHomeAssistant) -> Iterator[KoeServer]:
    """A server that announces in the rooms of a Home Assistant, and looks for no satellites."""
    reached = {"home_assistant.url": home.url, "home_assistant.token": TOKEN, "announce.satellites": "false"}
    with koe_server(tmp_path_factory.mktemp("home"), NO_QWEN | reached) as server:
        yield server


def test_a_trial_sentence_is_said_in_a_room(open_page: Open, at_home: KoeServer, home: FakeHomeAssistant) -> None:
    home.announced.clear()
    it = open_page("house/network", url=at_home.url)
    kitchen = it.page.get_by_role("listitem").filter(has_text="Kitchen")
    expect(kitchen).to_contain_text("Downstairs · assist_satellite.kitchen", timeout=_SLOW)
    expect(it.page.get_by_text("3 rooms found")).to_be_visible()
    it.page.get_by_label("What is said there").fill("Is anybody here?")
    kitchen.get_by_role("button", name="Say it: Kitchen").click()
    expect(kitchen.get_by_role("status")).to_have_text("Was heard")
    assert home.announced == [{"entity_id": "assist_satellite.kitchen", "message": "Is anybody here?"}]
    it.page.get_by_label("What is said there").fill("  ")
    expect(kitchen.get_by_role("button")).to_be_disabled()


def test_a_room_that_fails_says_why(open_page: Open, at_home: KoeServer, home: FakeHomeAssistant) -> None:
    it = open_page("house/network", url=at_home.url)
    home.failing.add("assist_satellite.hall")
    hall = it.page.get_by_role("listitem").filter(has_text="Hall")
    hall.get_by_role("button").click(timeout=_SLOW)
    expect(hall.get_by_role("alert")).to_contain_text("Home Assistant")
    home.failing.clear()
    hall.get_by_role("button").click()
    expect(hall.get_by_role("status")).to_have_text("Was heard")
    expect(hall.get_by_role("alert")).to_have_count(0)
    it.expect_refused(502)


def test_it_searches_again(open_page: Open, at_home: KoeServer, home: FakeHomeAssistant) -> None:
    it = open_page("house/network", url=at_home.url, viewport=PHONE, color_scheme="dark")
    expect(it.page.get_by_text("3 rooms found")).to_be_visible(timeout=_SLOW)
    it.expect_fits()
    it.expect_accessible()
    before, home.rooms = home.rooms, '[{"id": "assist_satellite.attic", "name": "Attic", "area": null}]'
    it.page.get_by_role("button", name="Search again: Rooms").click()
    expect(it.page.get_by_text("One room found")).to_be_visible()
    expect(it.page.get_by_role("listitem").filter(has_text="Attic")).to_be_visible()
    home.rooms = "rubbish"
    it.page.get_by_role("button", name="Search again: Rooms").click()
    expect(it.page.get_by_text("is no Home Assistant")).to_be_visible()
    home.rooms = before


def test_what_keeps_rooms_from_being_found_is_told_in_the_language_of_the_page(
    open_page: Open, at_home: KoeServer, home: FakeHomeAssistant
) -> None:
    before, home.rooms = home.rooms, "rubbish"
    it = open_page("house/network", url=at_home.url, locale="de-DE")
    expect(it.page.get_by_text("Was dort antwortet, ist kein Home Assistant.")).to_be_visible(timeout=_SLOW)
    expect(it.page.get_by_text("what answers at")).to_have_count(0)
    home.rooms = before


def test_where_nothing_is_set_up_it_says_what_to_do(open_page: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    with koe_server(tmp_path_factory.mktemp("bare"), NO_QWEN | {"announce.satellites": "false"}) as bare:
        it = open_page("house/network", url=bare.url, locale="de-DE", viewport=PHONE)
        expect(it.page.get_by_text("Noch kein Raum gefunden")).to_be_visible(timeout=_SLOW)
        expect(it.page.get_by_text("langlebiges Zugriffstoken")).to_be_visible()
        # All of it in the page's language.
        expect(it.page.get_by_text("home_assistant.url and")).to_have_count(0)
        it.expect_fits()
        it.expect_accessible()


@pytest.mark.timeout(180)
def test_in_a_network_of_its_own() -> None:
    run_tests_in_namespace(__file__, timeout=170)


def on_the_lan_who_is_there_is_shown(open_page: Open, tmp_path: Path) -> None:
    with (
        koe_server(tmp_path, NO_QWEN) as koe,
        in_background(serving(KITCHEN.event)) as port,
        in_background(announced("a1b2", port)),
        in_background(announced("gone", 9)),
    ):
        it = open_page("house/network", url=koe.url, viewport=PHONE)
        # A busy machine may find them only in a later search.
        servers = search_for(it.page, "Wyoming servers", "2 servers found")
        kitchen = servers.get_by_role("listitem").filter(has_text="Kitchen")
        expect(kitchen).to_contain_text(f"Satellite · 10.77.0.1:{port}")
        expect(kitchen.get_by_text("answers", exact=True)).to_be_visible()
        gone = servers.get_by_role("listitem").filter(has_text="gone")
        expect(gone.get_by_text("doesn't answer", exact=True)).to_be_visible()
        expect(gone).to_contain_text("is it running")
        rooms = search_for(it.page, "Rooms", "One room found")
        expect(rooms.get_by_role("button", name="Say it: Kitchen")).to_be_visible()
        it.expect_fits()
        it.expect_accessible()


def search_for(page: Page, what: str, result: str) -> Locator:
    section = page.get_by_role("region", name=what)
    again = page.get_by_role("button", name=f"Search again: {what}")
    for _ in range(4):
        expect(again).to_be_enabled(timeout=_SLOW)
        if section.get_by_text(result).count():
            break
        again.click()
    expect(section.get_by_text(result)).to_be_visible()
    return section
