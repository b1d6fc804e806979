"""The Productions view: what is to be made is looked at, started, watched, cancelled and heard."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Open
from tests.support.browser import PHONE
from tests.support.koe_server import KoeServer, koe_server
from tests.support.waiting import wait_until

KINDS = ("long", "script", "npc", "subtitles", "variations", "design")
LONG = "\n\n".join(f"This is paragraph {number}, which says nothing in particular. " * 20 for number in range(400))
"""It is spoken for longer than any of these tests takes."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KoeServer]:
    with koe_server(tmp_path_factory.mktemp("productions")) as started:
        yield started


@pytest.fixture
def house(server: KoeServer) -> Iterator[str]:
    """The server's address; no job is left there afterwards."""
    yield server.url
    with httpx.Client(base_url=server.url, timeout=30) as client:
        for job in client.get("/api/jobs").json()["jobs"]:
            client.post(f"/api/jobs/{job['id']}/cancel")
            assert client.delete(f"/api/jobs/{job['id']}").is_success


def job(page: Page, title: str) -> Locator:
    return page.locator("koe-job").filter(has_text=title).first


def give(page: Page, name: str, text: str) -> None:
    page.locator("koe-source input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    )


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()
    page.get_by_role("heading", name="Your productions").wait_for()


def finished(one: Locator) -> None:
    expect(one.locator(".mark")).to_have_text("finished", timeout=30_000)


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_is_fit_for_everybody(open_page: Open, house: str, kind: str) -> None:
    it = open_page(f"productions/{kind}", url=house, viewport=PHONE, color_scheme="dark")
    expect(it.page.get_by_role("button", name="Start")).to_be_disabled()
    it.page.get_by_role("button", name="Use this example").click()
    expect(it.page.get_by_role("button", name="Start")).to_be_enabled()
    it.expect_fits()
    it.expect_accessible()


def test_a_script_is_given_voices_and_heard(open_page: Open, house: str) -> None:
    it = open_page("productions", url=house)
    it.expect_accessible()
    it.page.get_by_role("link", name=re.compile("^Script")).click()
    it.page.get_by_label("Script").fill("Anna: Is the kettle on?\nBen: It is singing.")
    voice = it.page.get_by_role("combobox", name="Ben")
    voice.click()
    voice.fill("espeak-de")
    it.page.get_by_role("listbox", name="Ben").get_by_role("option").first.click()
    expect(it.page.get_by_text("2 speakers")).to_be_visible()
    it.page.get_by_label("Title").fill("The kettle")
    start(it.page)
    play = job(it.page, "The kettle")
    finished(play)
    play.get_by_role("button", name="Listen").click()
    play.get_by_role("button", name="Play: script.wav").click()
    play.get_by_role("button", name="Pause: script.wav").wait_for()
    it.expect_accessible()
    with httpx.Client(base_url=house) as client:
        run = client.get("/api/history", params={"task": "script"}).json()["runs"][0]
    assert "espeak-de" in run["voice"]


def test_bad_rows_of_a_table_are_marked(open_page: Open, house: str) -> None:
    it = open_page("productions/npc", url=house)
    give(it.page, "lines.csv", "character,text,voice\nGuard,Halt!,\n,Nobody says this.,\nGuard,Pass.,no-such-voice\n")
    bad = it.page.locator(".bad-row")
    expect(bad).to_have_count(2)
    expect(bad.first).to_contain_text("Nobody says this.")
    expect(it.page.get_by_role("cell", name="The character is missing")).to_be_visible()
    # A voice that isn't there stops it.
    expect(it.page.get_by_role("button", name="Start")).to_be_disabled()
    it.expect_accessible()
    give(it.page, "lines.csv", "character,text\nGuard,Halt!\n,Nobody says this.\n")
    expect(bad).to_have_count(1)
    start(it.page)
    finished(job(it.page, "lines"))


def test_subtitles_are_seen_over_time(open_page: Open, house: str) -> None:
    it = open_page("productions/subtitles", url=house)
    cues = (
        "1\n00:00:01,000 --> 00:00:01,400\nThis is far too much for so short a time.\n\n"
        "2\n00:00:05,000 --> 00:00:09,000\nGood.\n"
    )
    it.page.get_by_label("Subtitles", exact=True).fill(cues)
    expect(it.page.get_by_role("img", name=re.compile(r"2 cues in 0:09; about 1 need"))).to_be_visible()
    expect(it.page.get_by_role("group", name="1 thing to look at")).to_be_visible()
    # That nobody has a voice of their own is no problem.
    it.page.get_by_label("Subtitles", exact=True).fill("WEBVTT\n\n00:01.000 --> 00:05.000\n<v Anna>Good.\n")
    expect(it.page.get_by_text("Spoken by the default voice: Anna.")).to_be_visible()
    expect(it.page.get_by_role("group", name=re.compile("to look at"))).to_have_count(0)
    start(it.page)
    finished(it.page.locator("koe-job").first)


def test_a_job_is_cancelled_tried_again_and_found_after_a_reload(open_page: Open, house: str) -> None:
    it = open_page("productions/long", url=house)
    give(it.page, "book.txt", LONG)
    start(it.page)
    book = job(it.page, "book")
    expect(book.get_by_text(re.compile("about .* left"))).to_be_visible(timeout=30_000)
    book.get_by_role("button", name="Details").click()
    book.get_by_role("button", name=re.compile("^Play")).first.wait_for()
    it.page.reload()
    expect(book.get_by_text(re.compile("about .* left"))).to_be_visible(timeout=15_000)
    book.get_by_role("button", name="Pause").click()
    expect(book.locator(".mark").first).to_have_text("paused")
    book.get_by_role("button", name="Go on").click()
    book.get_by_role("button", name="Cancel").click()
    expect(book.locator(".mark").first).to_have_text("cancelled")
    book.get_by_role("button", name="Try again").click()
    expect(book.locator(".mark").first).to_have_text("being spoken")
    book.get_by_role("button", name="Cancel").click()
    book.get_by_role("button", name="Remove book").click()
    it.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(it.page.locator("koe-job")).to_have_count(0)


def test_the_best_of_several_takes_is_kept(open_page: Open, house: str) -> None:
    it = open_page("productions/variations", url=house)
    it.page.get_by_role("button", name="Use this example").click()
    it.page.get_by_label("How many").fill("2")
    start(it.page)
    takes = it.page.locator("koe-job").first
    finished(takes)
    takes.get_by_role("button", name="Listen").click()
    takes.get_by_role("button", name="Keep this one").nth(1).click()
    it.page.get_by_text("is a favourite in History now").wait_for()
    it.go("history?favourite=yes")
    expect(it.page.locator("koe-history-entry")).to_have_count(1)


def test_what_cannot_be_read_is_said_in_words(open_page: Open, house: str, tmp_path: Path) -> None:
    it = open_page("productions/npc", url=house)
    give(it.page, "lines.csv", "who,what\nGuard,Halt!\n")
    expect(it.page.get_by_role("alert")).to_contain_text("there is no column character")
    it.expect_refused(400)
    it.page.get_by_role("button", name="Leave lines.csv out").click()
    expect(it.page.get_by_role("alert")).to_have_count(0)


def test_items_that_have_failed_are_tried_again(open_page: Open, house: str) -> None:
    passing = {"name": "Passing", "base": "espeak-de"}
    guard = "Halt! Nobody passes. " * 8
    rows = "character,text,voice\n" + f"Guard,{guard},\n" * 30 + "Ghost,I pass.,passing\n"
    it = open_page("productions", url=house)
    with httpx.Client(base_url=house, timeout=30) as client:
        assert client.post("/api/voices", json=passing).is_success
        it.go("productions/npc")
        give(it.page, "castle.csv", rows)
        start(it.page)
        # The voice goes before the ghost has its turn.
        [there] = client.get("/api/jobs").json()["jobs"]
        wait_until(lambda: client.get(f"/api/jobs/{there['id']}").json()["progress"]["done"])
        assert client.post(f"/api/jobs/{there['id']}/pause").is_success
        castle = job(it.page, "castle")
        expect(castle.locator(".mark").first).to_have_text("paused")
        assert client.delete("/api/voices/passing").is_success
        castle.get_by_role("button", name="Go on").click()
        castle.get_by_text("1 item has failed").wait_for(timeout=30_000)
        castle.get_by_role("button", name="Listen").click()
        expect(castle.locator("koe-job-items")).to_contain_text("I pass.")
        expect(castle.locator("koe-job-items")).to_contain_text("passing")
        it.expect_accessible()
        assert client.post("/api/voices", json=passing).is_success
        castle.get_by_role("button", name="Try again").click()
        expect(castle.get_by_text("31 of 31 done")).to_be_visible(timeout=30_000)
        expect(castle.get_by_text("has failed")).to_have_count(0)
        assert client.delete("/api/voices/passing").is_success
