"""The House view: how Koe is reached and how it is doing, its checkpoints, its settings, its log."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.page.conftest import NAMED, Open
from tests.page.test_speak import choose_voice, heard, write_and_speak
from tests.support.browser import PHONE
from tests.support.hub import fake_hub
from tests.support.koe_server import KoeServer, koe_server

PARTS = ("house", "house/network", "house/models", "house/settings", "house/log")


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_fit_for_everybody(open_page: Open, part: str) -> None:
    it = open_page(part, viewport=PHONE, color_scheme="dark")
    it.page.locator("koe-house .part").first.wait_for()
    it.expect_fits()
    it.expect_accessible()


def test_it_says_where_home_assistant_finds_koe(open_page: Open, koe: KoeServer) -> None:
    it = open_page("house")
    expect(it.page.get_by_text(f"127.0.0.1 port {koe.wyoming_port}")).to_be_visible()
    expect(it.page.get_by_text("Only this machine hears Koe")).to_be_visible()
    it.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    it.page.get_by_role("button", name="Copy 127.0.0.1").click()
    expect(it.page.get_by_text("127.0.0.1 copied")).to_be_visible()
    assert it.page.evaluate("navigator.clipboard.readText()") == "127.0.0.1"


def test_it_shows_how_soon_the_last_requests_were_spoken(open_page: Open) -> None:
    it = open_page("house")
    said = {"input": "Good night.", "voice": "espeak-en"}
    assert it.page.request.post(f"{it.url}/v1/audio/speech", data=said).ok
    expect(it.page.get_by_role("img", name=re.compile(r"in the last"))).to_be_visible(timeout=10_000)
    it.page.get_by_text("As a table").click()
    expect(it.page.get_by_role("cell", name="espeak-en").first).to_be_visible(timeout=10_000)


def test_checkpoints_are_loaded_and_unloaded(open_page: Open) -> None:
    pytest.importorskip("qwen_tts")
    it = open_page("house/models")
    name = "0.6B-Base"
    item = it.page.get_by_role("listitem").filter(has=it.page.get_by_text(name, exact=True))
    item.get_by_role("button", name="Load").click()
    expect(item.get_by_text("loaded", exact=True)).to_be_visible(timeout=30_000)
    expect(item.get_by_text("of memory")).to_be_visible()
    item.get_by_role("button", name="Unload").click()
    expect(item.get_by_text("here", exact=True)).to_be_visible(timeout=10_000)


@pytest.fixture
def hub_and_house(tmp_path: Path, models: Path) -> Iterator[KoeServer]:
    """A server without a checkpoint, and a hub that has one."""
    pytest.importorskip("qwen_tts")
    with fake_hub() as hub:
        hub.repositories = {f"Qwen/{NAMED}": models / NAMED}
        environment = {"HF_ENDPOINT": hub.uri, "HF_HOME": str(tmp_path / "hf")}
        with koe_server(tmp_path, environment=environment) as server:
            yield server


def test_a_checkpoint_is_downloaded_and_speaks(open_page: Open, hub_and_house: KoeServer) -> None:
    it = open_page("house", url=hub_and_house.url)
    expect(it.page.get_by_text("The engine qwen can't speak now")).to_be_visible()
    it.page.get_by_label("Language", exact=True).select_option("de")
    expect(it.page.get_by_text("Noch ist kein Modell für eingebaute Stimmen da.")).to_be_visible()
    it.page.get_by_label("Sprache", exact=True).select_option("en")
    it.page.get_by_role("link", name="Get a checkpoint").click()
    it.page.get_by_role("button", name=f"Download {NAMED}").click()
    expect(it.page.get_by_text(f"{NAMED} is here and speaks.")).to_be_visible(timeout=30_000)
    item = it.page.get_by_role("listitem").filter(has=it.page.get_by_text("0.6B-CustomVoice", exact=True))
    expect(item.get_by_text("here", exact=True)).to_be_visible()
    it.go("speak")
    choose_voice(it.page, "serena", "Serena")
    write_and_speak(it.page, "Good night.")
    heard(it.page)


def test_removing_is_asked_twice(open_page: Open) -> None:
    pytest.importorskip("qwen_tts")
    it = open_page("house/models")
    it.page.get_by_role("button", name=f"Remove {NAMED}").click()
    question = it.page.get_by_role("dialog")
    expect(question).to_contain_text(NAMED)
    it.expect_accessible()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    expect(it.page.get_by_role("button", name=f"Remove {NAMED}")).to_be_visible()


def test_settings_are_changed_and_taken_back(open_page: Open) -> None:
    it = open_page("house/settings")
    it.page.get_by_label("Find a setting").fill("rate")
    rate = it.page.get_by_label("Words per minute.")
    rate.fill("160")
    rate.press("Enter")
    expect(it.page.get_by_text("engine.espeak.rate has been changed.")).to_be_visible()
    rate.fill("9000")
    rate.press("Enter")
    expect(it.page.get_by_role("alert")).to_contain_text("450")
    it.expect_refused(422)
    it.page.reload()
    expect(rate).to_have_value("160")
    it.page.get_by_role("button", name="Reset engine.espeak.rate").click()
    expect(rate).to_have_value("175")
    expect(it.page.get_by_role("button", name="Reset engine.espeak.rate")).to_have_count(0)


def test_what_is_set_elsewhere_is_shown(open_page: Open) -> None:
    it = open_page("house/settings")
    it.page.get_by_text("which are set in the settings file").click()
    expect(it.page.get_by_text("http.listen", exact=True)).to_be_visible()
    expect(it.page.get_by_text("koe.yaml")).to_be_visible()


def test_the_house_is_given_another_voice(open_page: Open) -> None:
    it = open_page("house")
    box = it.page.get_by_role("combobox", name="Voice")
    expect(box).not_to_have_value("")
    before = box.input_value()
    box.click()
    box.fill("espeak-sv")
    box.press("Enter")
    expect(it.page.get_by_text("From now on the house speaks as eSpeak Swedish.")).to_be_visible()
    house = it.page.request.get(f"{it.url}/api/house").json()
    assert house["default_voice"] == "espeak-sv"
    assert it.page.request.delete(f"{it.url}/api/settings/voice.default").ok
    it.page.reload()
    expect(box).to_have_value(before)


def test_the_log_is_shown_without_what_was_said(open_page: Open) -> None:
    it = open_page("house/log")
    said = {"input": "A secret that nobody else must read.", "voice": "espeak-en"}
    assert it.page.request.post(f"{it.url}/v1/audio/speech", data=said).ok
    log = it.page.get_by_role("log")
    expect(log).to_contain_text("characters as espeak-en", timeout=10_000)
    expect(log).not_to_contain_text("secret")
    it.page.get_by_label("Show").select_option("error")
    expect(log).to_contain_text("Nothing yet.")
