"""The Speak view: a text is written, a voice is chosen, and it is heard while it is made."""

import re
import wave
from importlib.util import find_spec
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.page.conftest import NAMED, Open
from tests.support.browser import PHONE
from tests.support.koe_server import KoeServer

TEXT = "The washing machine is finished. Shall I start the dryer?"


def write_and_speak(page: Page, text: str = TEXT) -> None:
    page.get_by_label("What is said").fill(text)
    page.get_by_role("button", name="Speak", exact=True).click()


def sent(request: Request) -> dict[str, Any]:
    """Its body."""
    body = request.post_data_json
    assert isinstance(body, dict)
    return body


def heard(page: Page) -> None:
    """Wait until it has been heard to its end."""
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=30_000)


def choose_voice(page: Page, looked_for: str, name: str) -> None:
    box = page.get_by_role("combobox", name="Voice", exact=True)
    box.click()
    box.fill(looked_for)
    page.get_by_role("option", name=name).first.click()


def test_a_text_is_heard_while_it_is_made(open_page: Open) -> None:
    it = open_page()
    write_and_speak(it.page)
    stop = it.page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    figures = it.page.get_by_text(re.compile(r"First sound after .+ · .+ long"))
    expect(figures).to_be_visible()
    # Its last sound has long been made, but is heard only seconds later.
    expect(stop).to_be_visible()
    heard(it.page)
    expect(stop).to_be_hidden()
    expect(it.page.get_by_role("slider", name="What was said")).to_be_visible()
    it.expect_accessible()


@pytest.mark.skipif(find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed")
def test_who_hears_another_voice_is_told_why(open_page: Open, koe: KoeServer) -> None:
    it = open_page()
    expect(it.page.request.post(f"{koe.url}/api/models/{NAMED}/unload")).to_be_ok()
    choose_voice(it.page, "ryan", "Ryan")
    write_and_speak(it.page)
    told = it.page.get_by_text(
        re.compile(r"Another voice speaks in its place, espeak-en\S*\. Qwen3-TTS.+ is still being loaded")
    )
    expect(told).to_be_visible(timeout=30_000)
    it.expect_accessible()


def test_what_was_said_is_taken_along_and_heard_again(open_page: Open) -> None:
    it = open_page()
    write_and_speak(it.page, "Good morning.")
    heard(it.page)
    with it.page.expect_download() as download:
        it.page.get_by_role("link", name="Download").click()
    with wave.open(str(download.value.path())) as sound:
        assert sound.getframerate() == 24000
        seconds = sound.getnframes() / sound.getframerate()
    assert 0.5 < seconds < 3
    it.page.get_by_role("button", name="Play").click()
    expect(it.page.get_by_role("button", name="Pause")).to_be_visible()
    expect(it.page.get_by_role("button", name="Play")).to_be_visible()


def test_speaking_can_be_stopped(open_page: Open) -> None:
    it = open_page()
    write_and_speak(it.page, "This is a sentence. " * 200)
    it.page.get_by_text("First sound after").wait_for()
    it.page.get_by_role("button", name="Stop").click()
    expect(it.page.get_by_role("button", name="Speak", exact=True)).to_be_enabled()
    expect(it.page.get_by_role("alert")).to_have_count(0)
    # What had come by then can be heard.
    heard(it.page)


def test_keys_are_enough(open_page: Open) -> None:
    it = open_page()
    it.page.get_by_label("What is said").fill("Good night.")
    it.page.keyboard.press("Tab")
    expect(it.page.get_by_role("combobox", name="Voice")).to_be_focused()
    it.page.keyboard.press("ArrowDown")
    it.page.keyboard.type("espeak-de")
    it.page.keyboard.press("Enter")
    expect(it.page.get_by_role("combobox", name="Voice")).to_have_value(re.compile("^eSpeak German"))
    with it.page.expect_request("**/v1/audio/speech") as asked:
        it.page.keyboard.press("Control+Enter")
    assert sent(asked.value)["voice"] == "espeak-de"
    heard(it.page)


def test_voices_are_found_by_name_and_language(open_page: Open) -> None:
    it = open_page()
    box = it.page.get_by_role("combobox", name="Voice")
    box.click()
    listed = it.page.get_by_role("listbox", name="Voice")
    expect(listed.get_by_role("group", name="English")).to_be_visible()
    it.expect_accessible()
    box.fill("swedish")
    expect(listed.get_by_role("option")).to_have_count(1)
    box.fill("no such voice")
    expect(listed.get_by_text("No voice has such a name.")).to_be_visible()
    box.press("Escape")
    expect(box).to_have_value(re.compile("The house's voice"))


@pytest.mark.parametrize("engine", ["fake", "qwen"])
def test_other_engines_speak_as_well(open_page: Open, engine: str) -> None:
    pytest.importorskip("qwen_tts")
    it = open_page()
    choose_voice(it.page, f"{engine} ", {"fake": "High hum", "qwen": "Serena"}[engine])
    it.page.get_by_text("Style and effects").click()
    manner = it.page.get_by_label("How to say it")
    expect(manner).to_be_visible() if engine == "qwen" else expect(manner).to_be_hidden()
    if engine == "qwen":
        it.page.get_by_label("Seed").fill("7")
    with it.page.expect_request("**/v1/audio/speech") as asked:
        write_and_speak(it.page, "Good night.")
    assert sent(asked.value).get("seed") == (7 if engine == "qwen" else None)
    heard(it.page)


def test_effects_are_put_on_the_voice(open_page: Open) -> None:
    it = open_page()
    it.page.get_by_text("Style and effects").click()
    it.page.get_by_label("Add an effect").select_option("pitch")
    it.page.get_by_label("Semitones").fill("-4")
    it.page.get_by_label("Add an effect").select_option("gain")
    it.page.get_by_role("button", name="Remove Volume").click()
    with it.page.expect_request("**/v1/audio/speech") as asked:
        write_and_speak(it.page, "Good night.")
    assert sent(asked.value)["effects"] == [{"effect": "pitch", "semitones": -4, "keep_formants": False}]
    heard(it.page)
    it.page.set_viewport_size(PHONE)
    it.expect_fits()


def test_what_is_said_is_kept_where_it_is_wanted(open_page: Open) -> None:
    it = open_page()
    it.page.get_by_label("Keep it in History").check()
    write_and_speak(it.page, "Good night, said to be kept.")
    it.page.get_by_text("Kept in").get_by_role("link", name="History").click()
    expect(it.page.get_by_text("Good night, said to be kept.")).to_be_visible()


def test_what_went_wrong_is_said_in_words(open_page: Open) -> None:
    it = open_page()
    write_and_speak(it.page, "…")
    expect(it.page.get_by_role("alert")).to_contain_text("nothing in this text that can be spoken")
    it.expect_refused(400)
    write_and_speak(it.page, "Good night.")
    expect(it.page.get_by_role("alert")).to_have_count(0)


def test_the_text_stays_while_another_view_is_open(open_page: Open) -> None:
    it = open_page()
    it.page.get_by_label("What is said").fill(TEXT)
    it.page.get_by_role("link", name="House").click()
    it.page.get_by_role("link", name="Speak").click()
    expect(it.page.get_by_label("What is said")).to_have_value(TEXT)


def test_who_comes_first_hears_the_house_speak(open_page: Open) -> None:
    it = open_page(welcomed=False)
    it.page.get_by_role("dialog", name="Welcome to Koe").wait_for()
    it.expect_accessible()
    speak = it.page.get_by_role("button", name="Let the house speak")
    expect(speak).to_be_focused()
    speak.press("Enter")
    it.page.get_by_text("That was your house").wait_for()
    it.page.get_by_role("button", name="Look around").click()
    expect(it.page.get_by_role("dialog")).to_have_count(0)
    it.page.reload()
    expect(it.page.get_by_role("combobox", name="Voice")).to_have_value(re.compile("^eSpeak English"))
    expect(it.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("view", ["speak", "voices"])
def test_a_voice_that_is_loaded_is_marked_without_a_reload(open_page: Open, view: str) -> None:
    it = open_page(view)
    state = {"id": "espeak-en", "now": "ready"}
    it.page.route("**/api/voices", lambda route: answer_with(route, state))
    if view == "speak":
        it.page.get_by_role("combobox", name="Voice").click()
        it.page.get_by_role("combobox", name="Voice").fill("espeak-en")
        voice = it.page.get_by_role("option", name="eSpeak English (Great Britain)")
    else:
        it.page.get_by_label("Search by name or language").fill("espeak-en")
        voice = it.page.get_by_role("listitem").filter(has_text="eSpeak English (Great Britain)")
    expect(voice).not_to_contain_text("loading")
    state["now"] = "loading"
    expect(voice).to_contain_text("loading", timeout=15_000)
    it.expect_accessible()
    if view == "speak":
        # Where it is looked at, it stays.
        expect(it.page.get_by_role("listbox", name="Voice")).to_be_visible()
    state["now"] = "downloading"
    expect(voice).to_contain_text("on its way", timeout=15_000)
    state["now"] = "ready"
    expect(voice).not_to_contain_text("on its way", timeout=15_000)


def answer_with(route: Route, state: dict[str, str]) -> None:
    """The server's own answer, where one voice is in another state."""
    answer = route.fetch()
    found = answer.json()
    for voice in found["voices"]:
        if voice["id"] == state["id"]:
            voice["state"] = state["now"]
    route.fulfill(response=answer, json=found)
