"""The History view: what was kept is found, heard, marked, done again, and removed."""

import re
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Open
from tests.support.browser import PHONE
from tests.support.koe_server import KoeServer, koe_server
from tests.support.waiting import wait_until

LAUNDRY, DOOR = "The laundry is done, and the dryer is free.", "Somebody is at the front door."


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KoeServer]:
    """A server with a history of its own."""
    with koe_server(tmp_path_factory.mktemp("history")) as server:
        yield server


def speak_to_keep(client: httpx.Client, *said: tuple[str, str]) -> None:
    """Texts, each with its voice; returns when all of them can be found."""

    def found() -> int:
        return len(client.get("/api/history").json()["runs"])

    wanted = found() + len(said)
    for text, voice in said:
        body = {"input": text, "voice": voice, "keep": True}
        assert client.post("/v1/audio/speech", json=body).is_success
    # They are written behind what is heard.
    wait_until(lambda: found() >= wanted, "the runs were not kept")


@pytest.fixture
def kept(house: KoeServer) -> Iterator[str]:
    """The server's address; it has two runs, and none afterwards."""
    with httpx.Client(base_url=house.url, timeout=30) as client:
        speak_to_keep(client, (DOOR, "espeak-de"), (LAUNDRY, "espeak-en-us"))
        yield house.url
        for run in client.get("/api/history").json()["runs"]:
            client.delete(f"/api/runs/{run['id']}")


def entries(page: Page) -> Locator:
    return page.locator("koe-history-entry")


def entry(page: Page, text: str) -> Locator:
    return entries(page).filter(has_text=text).first


def test_who_has_kept_nothing_is_told_how(open_page: Open, house: KoeServer) -> None:
    it = open_page("history", url=house.url)
    it.page.get_by_role("link", name="Say something").wait_for()
    it.expect_accessible()


def test_runs_are_found_by_words_and_filters(open_page: Open, kept: str) -> None:
    it = open_page("history", url=kept)
    expect(entries(it.page)).to_have_count(2)
    it.expect_accessible()
    it.page.get_by_role("searchbox").fill("laundry")
    expect(entries(it.page)).to_have_count(1)
    # The page shows the same where it is loaded again.
    it.page.reload()
    expect(entries(it.page)).to_have_count(1)
    it.page.get_by_role("searchbox").fill("no such word")
    it.page.get_by_role("button", name="Show everything").click()
    expect(entries(it.page)).to_have_count(2)
    it.page.get_by_text("More filters").click()
    voice = it.page.get_by_role("combobox", name="Voice")
    voice.click()
    voice.fill("espeak-de")
    it.page.get_by_role("listbox").get_by_role("option").first.click()
    expect(entries(it.page)).to_have_count(1)
    expect(entry(it.page, DOOR)).to_be_visible()
    it.page.get_by_label("To day").fill("2020-01-01")
    it.page.get_by_text("Nothing fits").wait_for()


def test_a_run_is_heard_and_its_words_are_jumped_to(open_page: Open, kept: str) -> None:
    it = open_page("history", url=kept)
    run = entry(it.page, LAUNDRY)
    run.get_by_role("button", name=re.compile("^Play")).click()
    run.get_by_role("button", name=re.compile("^Pause")).wait_for()
    run.get_by_role("button", name="Details").click()
    with it.page.expect_download() as download:
        run.get_by_role("link", name="All files as zip").click()
    with zipfile.ZipFile(Path(download.value.path())) as archive:
        assert "meta.json" in " ".join(archive.namelist())
    pytest.importorskip("pocketsphinx")
    run.get_by_role("button", name="Find out when each word is said").click()
    run.get_by_role("button", name="dryer", exact=True).click(timeout=30_000)
    expect(run.locator(".words .now")).to_have_text(re.compile("dryer|is|free"))
    it.expect_accessible()
    # They are kept.
    it.page.reload()
    run.get_by_role("button", name="Details").click()
    run.get_by_role("link", name="Save as SRT").wait_for()


def test_a_run_is_marked_done_again_and_removed(open_page: Open, kept: str) -> None:
    it = open_page("history", url=kept)
    run = entry(it.page, DOOR)
    run.get_by_role("button", name="Favourite").click()
    expect(run.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    it.page.get_by_role("button", name="Favourites").click()
    expect(entries(it.page)).to_have_count(1)
    it.page.get_by_role("button", name="Favourites").click()
    run.get_by_role("button", name="Details").click()
    run.get_by_role("button", name="Again, another take").click()
    it.page.get_by_text("It was made again").wait_for()
    expect(entries(it.page)).to_have_count(3)
    again = entries(it.page).first
    again.get_by_role("button", name="Details").click()
    again.get_by_role("button", name="Remove").click()
    it.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(entries(it.page)).to_have_count(3)
    again.get_by_role("button", name="Remove").click()
    it.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(entries(it.page)).to_have_count(2)


def test_dialogues_and_mixes_are_made_again(open_page: Open, kept: str) -> None:
    with httpx.Client(base_url=kept, timeout=30) as client:
        turns = [{"input": "Is the kettle on?", "voice": "espeak-en"}, {"input": "It is.", "voice": "espeak-en-us"}]
        spoken = client.post("/v1/audio/conversation", json={"turns": turns, "response_format": "wav", "keep": True})
        clip = {"run": spoken.headers["X-Koe-Run"], "file": "audio.wav"}
        mix = {"tracks": [{"clips": [clip]}], "title": "Radio play", "response_format": "wav", "keep": True}
        assert client.post("/v1/audio/compose", json=mix).is_success
    it = open_page("history", url=kept)
    expect(entry(it.page, "Radio play").get_by_text(re.compile("^Mix · "))).to_be_visible()
    # Its title, and what is said in it.
    expect(entry(it.page, "Radio play").get_by_text("Radio play", exact=True)).to_be_visible()
    expect(entry(it.page, "Radio play").get_by_text("Is the kettle on?")).to_be_visible()
    dialogue = entries(it.page).filter(has_text="Dialogue · ").first
    dialogue.get_by_role("button", name="Details").click()
    dialogue.get_by_role("button", name="Again, another take").click()
    it.page.get_by_text("It was made again").wait_for()
    expect(entries(it.page)).to_have_count(5)
    mixed = entry(it.page, "Radio play")
    mixed.get_by_role("button", name="Details").click()
    expect(mixed.get_by_role("button", name="Again, another take")).to_have_count(0)
    mixed.get_by_role("button", name="Again, the same").click()
    expect(entries(it.page)).to_have_count(6)
    it.page.get_by_text("More filters").click()
    it.page.get_by_label("Made by").select_option("Mix")
    expect(entries(it.page)).to_have_count(2)


@pytest.mark.skipif(find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed")
def test_the_best_take_is_how_its_voice_speaks_from_then_on(open_page: Open, koe: KoeServer) -> None:
    with httpx.Client(base_url=koe.url, timeout=60) as client:
        base = next(voice["id"] for voice in client.get("/api/voices").json()["voices"] if voice["engine"] == "qwen")
        assert client.post("/api/voices", json={"name": "Anna", "base": base}).is_success
        job = {"kind": "variations", "text": "Tea?", "options": {"seeds": [3, 8], "how": {"voice": "anna"}}}
        assert client.post("/api/jobs", json=job).is_success
        it = open_page("history", url=koe.url)
        run = entry(it.page, "Tea?")
        run.get_by_role("button", name="Details").click(timeout=60_000)
        run.get_by_role("button", name="Keep this one").last.click()
        it.expect_accessible()
        it.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        run.get_by_role("button", name="Keep this one").last.click()
        it.page.get_by_role("dialog").get_by_role("button", name="Keep it, and let Anna always speak so").click()
        it.page.get_by_text("is a favourite in History now").wait_for()
        assert client.get("/api/voices/anna").json()["profile"]["seed"] == 8
        assert client.delete("/api/voices/anna").is_success
        for kept in client.get("/api/history").json()["runs"]:
            assert client.delete(f"/api/runs/{kept['id']}").is_success


def test_older_runs_are_a_page_further(open_page: Open, kept: str) -> None:
    with httpx.Client(base_url=kept, timeout=30) as client:
        speak_to_keep(client, *[(f"Ping {number}.", "espeak-en") for number in range(30)])
    it = open_page("history", url=kept)
    expect(entries(it.page)).to_have_count(30)
    it.page.get_by_role("button", name="Show older ones").click()
    expect(entries(it.page)).to_have_count(32)
    expect(it.page.get_by_role("button", name="Show older ones")).to_have_count(0)


def test_it_fits_on_a_phone_in_the_dark(open_page: Open, kept: str) -> None:
    it = open_page("history", url=kept, viewport=PHONE, color_scheme="dark", locale="de-DE")
    entries(it.page).first.get_by_role("button", name="Mehr").click()
    it.page.get_by_role("link", name="Alle Dateien als Zip").wait_for()
    it.expect_fits()
    it.expect_accessible()
