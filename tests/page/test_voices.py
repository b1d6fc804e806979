"""Voices in the page: made from files and from the microphone, heard, changed, carried, removed."""

import asyncio
import base64
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIRequestContext, Browser, FilePayload, Page, expect
from wyoming.asr import Transcript

from tests.adapters.test_transcription import saying, serving
from tests.page.conftest import Open
from tests.support.browser import PHONE, chromium
from tests.support.clips import speech_wav
from tests.support.house import PATIENCE
from tests.support.koe_server import KoeServer, said_over_wyoming

LONG = 60_000
"""Milliseconds: torch is imported, and a model loaded, at the first voice that speaks."""

needs_qwen = pytest.mark.skipif(find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed")
needs_effects = pytest.mark.skipif(find_spec("pedalboard") is None, reason="the extra `effects` is not installed")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "grandma.wav"
    path.write_bytes(speech_wav(6.0))
    return path


@pytest.fixture(scope="module")
def browser(clip: Path) -> Iterator[Browser]:
    """Its microphone hears the clip."""
    with chromium(clip) as found:
        yield found


@pytest.fixture
def voices(browser: Browser, koe: KoeServer) -> Iterator[APIRequestContext]:
    """The server, by its API; what was made there is gone at the end."""
    with browser.new_context(base_url=koe.url) as context:
        yield context.request
        for voice in context.request.get("/api/voices").json()["voices"]:
            if voice["own"]:
                expect(context.request.delete(f"/api/voices/{voice['id']}")).to_be_ok()


@pytest.fixture
def open_page(voices: APIRequestContext, open_page: Open) -> Open:
    """Closed before its voices go, of which it would ask for one that is open in it."""
    return open_page


def name_it(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("This is my voice").check()
    page.get_by_role("button", name="Make the voice").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


@needs_qwen
@pytest.mark.timeout(180)
def test_a_recording_becomes_a_voice_that_speaks_everywhere(
    open_page: Open, koe: KoeServer, voices: APIRequestContext, clip: Path
) -> None:
    it = open_page("voices")
    page = it.page
    page.get_by_role("link", name="Record or upload a voice").click()
    make = page.get_by_role("button", name="Make the voice")
    expect(make).to_be_disabled()
    page.get_by_label("Choose a recording").set_input_files(clip)
    expect(page.get_by_text("Good clip")).to_be_visible()
    end = page.get_by_role("slider", name="End of the clip")
    end.press("PageDown")
    expect(end).to_have_attribute("aria-valuetext", "5 s")
    expect(page.get_by_text(re.compile(r"^(4\.\d|5) s of speech"))).to_be_visible()
    page.get_by_label("What is said in it").fill("Hum, hum, hum.")
    it.expect_accessible()
    name_it(page, "Grandma Ada")
    profile = voices.get("/api/voices/grandma-ada").json()["profile"]
    assert [each["transcript"] for each in profile["references"]] == ["Hum, hum, hum."]
    assert profile["references"][0]["duration"] == pytest.approx(5.0, abs=0.3)

    spoken = said_over_wyoming(koe, "Good morning.", "grandma-ada")
    assert (spoken.error, len(spoken.pcm) > 0) == (None, True)
    page.get_by_label("What it says").fill("Good evening.")
    page.get_by_role("button", name="Hear: Grandma Ada").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=LONG)
    page.get_by_role("navigation").get_by_role("link", name="Voices").click()
    expect(page.get_by_role("link", name="Grandma Ada")).to_be_visible()


@contextmanager
def a_listener(words: str) -> Iterator[str]:
    """The address of a speech-to-text server that hears these words in everything; in a thread of its own."""
    ready, done = threading.Event(), threading.Event()
    uris: list[str] = []

    async def listen() -> None:
        async with serving(saying(Transcript(words).event())) as place:
            uris.append(place.uri)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield uris[0]
    finally:
        done.set()
        thread.join()


def test_a_speech_to_text_server_writes_down_what_is_said(
    open_page: Open, koe: KoeServer, voices: APIRequestContext, clip: Path
) -> None:
    with a_listener("Hum, said the bee.") as uri:
        expect(voices.patch("/api/settings", data={"transcription.server": uri})).to_be_ok()
        try:
            page = open_page("voices?new=clip").page
            page.get_by_label("Choose a recording").set_input_files(clip)
            expect(page.get_by_label("What is said in it")).to_have_value("Hum, said the bee.")
        finally:
            expect(voices.delete("/api/settings/transcription.server")).to_be_ok()


@needs_qwen
def test_what_the_microphone_hears_becomes_a_voice(open_page: Open, voices: APIRequestContext) -> None:
    it = open_page("voices?new=clip", viewport=PHONE, has_touch=True)
    page = it.page
    page.get_by_role("button", name="Use the microphone").click()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("meter", name="Level of the microphone")).not_to_have_attribute("aria-valuenow", "0")
    for good in ("Long enough", "Loud enough", "Quiet room"):
        expect(page.get_by_text(good, exact=True)).to_be_visible()
    it.expect_accessible()
    it.expect_fits()
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_text("Good clip")).to_be_visible()
    # What was read is known already.
    expect(page.get_by_label("What is said in it")).to_have_value(re.compile("^The bread comes out of the oven"))
    it.expect_fits()
    name_it(page, "Otto")
    it.expect_fits()
    found = voices.get("/api/voices/otto").json()["profile"]
    assert found["languages"][0] == "en-US"
    assert found["references"][0]["transcript"].startswith("The bread")


def test_what_will_not_do_is_said_with_the_remedy(open_page: Open, clip: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    short.write_bytes(speech_wav(1.0))
    it = open_page("voices?new=clip")
    page = it.page
    page.get_by_label("Choose a recording").set_input_files([short, clip])
    expect(page.get_by_role("alert")).to_contain_text("record 3 to 10 seconds")
    expect(page.get_by_text("A recording won't do")).to_be_visible()
    page.get_by_role("button", name="Leave out short.wav").click()
    expect(page.get_by_text("It needs a name.")).to_be_visible()
    # The browser itself logs answers that say no.
    it.wrong[:] = [each for each in it.wrong if "/api/voices/check" not in each]


def test_where_the_browser_forbids_the_microphone_it_is_said_why(open_page: Open) -> None:
    it = open_page("voices")
    it.page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    it.page.reload()
    it.go("voices?new=clip")
    it.page.get_by_role("button", name="Use the microphone").click()
    expect(it.page.get_by_text("Browsers only allow it over https")).to_be_visible()


@needs_effects
def test_a_built_in_voice_is_found_varied_and_changed(open_page: Open, voices: APIRequestContext) -> None:
    it = open_page("voices")
    page = it.page
    page.get_by_label("Search by name or language").fill("espeak german")
    entry = page.get_by_role("listitem").filter(has_text="eSpeak German")
    entry.get_by_role("button", name="Hear").click()
    expect(entry.get_by_role("button", name="Pause")).to_have_count(0)
    expect(entry.get_by_role("slider")).to_be_visible(timeout=LONG)
    entry.get_by_role("button", name="Vary").click()
    page.get_by_label("Name", exact=True).fill("Brisk")
    page.get_by_label("Tags").fill("kitchen, morning")
    page.get_by_label("Add an effect").select_option("reverb")
    page.get_by_role("slider", name="Pace").fill("1.25")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Brisk", level=1)).to_be_visible()
    (own,) = [each for each in voices.get("/api/voices").json()["voices"] if each["own"]]
    profile = voices.get(f"/api/voices/{own['id']}").json()["profile"]
    assert (profile["name"], profile["tags"], profile["speed"]) == ("Brisk", ["kitchen", "morning"], 1.25)
    assert [each["effect"] for each in profile["effects"]] == ["reverb"]
    page.reload()
    expect(page.get_by_label("Tags")).to_have_value("kitchen, morning")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    it.expect_accessible()
    it.page.set_viewport_size(PHONE)
    it.expect_fits()
    page.get_by_role("link", name="Speak with it").click()
    expect(page.get_by_role("combobox", name="Voice")).to_have_value("Brisk")


def test_a_voice_is_carried_away_and_dropped_in_again(open_page: Open, voices: APIRequestContext) -> None:
    expect(voices.post("/api/voices", data={"name": "Carla", "base": "espeak-en"})).to_be_ok()
    it = open_page("voices/carla")
    page = it.page
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export").click()
    exported = downloading.value.path().read_bytes()
    assert zipfile.ZipFile(BytesIO(exported)).testzip() is None
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No voice was made here yet")).to_be_visible()

    drop(page, "voices.zip", "application/zip", exported)
    expect(page.get_by_role("link", name="Carla")).to_be_visible()
    drop(page, "voices.zip", "application/zip", exported)
    page.get_by_role("dialog", name="carla is here already.").get_by_role("button", name="Keep both").click()
    expect(page.get_by_role("link", name="Carla (2)")).to_be_visible()


def test_a_recording_that_is_dropped_is_the_beginning_of_a_voice(open_page: Open, clip: Path) -> None:
    it = open_page("voices")
    drop(it.page, "grandma.wav", "audio/wav", clip.read_bytes())
    expect(it.page.get_by_text("Good clip")).to_be_visible()


def test_a_damaged_voice_says_why_and_can_be_removed(
    open_page: Open, koe: KoeServer, voices: APIRequestContext
) -> None:
    folder = koe.data_dir / "voices" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bertha.json").write_text('{"version": 1, "id": "bertha", "name": 3}')
    it = open_page("voices")
    card = it.page.get_by_role("listitem").filter(has_text="bertha")
    expect(card).to_contain_text("damaged")
    expect(card).to_contain_text("Name")
    it.expect_accessible()
    card.get_by_role("button", name="Remove").click()
    it.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(it.page.get_by_text("No voice was made here yet")).to_be_visible()
    assert not (folder / "bertha.json").exists()


@needs_qwen
def test_why_a_voice_is_silent_is_told_in_the_language_of_the_page(
    open_page: Open, koe: KoeServer, voices: APIRequestContext, clip: Path
) -> None:
    recording: FilePayload = {"name": clip.name, "mimeType": "audio/wav", "buffer": clip.read_bytes()}
    form: dict[str, str | float | bool | bytes | FilePayload] = {
        "data": '{"name": "Dora"}',
        "ref": recording,
        "text": "Nobody hears this.",
    }
    expect(voices.post("/api/voices", multipart=form)).to_be_ok()
    for path in (koe.data_dir / "voices" / "refs" / "dora").iterdir():
        path.unlink()
    it = open_page("voices", locale="de-DE")
    card = it.page.get_by_role("listitem").filter(has_text="Dora")
    expect(card).to_contain_text("Eine ihrer Aufnahmen fehlt auf der Platte.")


def drop(page: Page, name: str, kind: str, content: bytes) -> None:
    given: dict[str, Any] = {"name": name, "kind": kind, "content": base64.b64encode(content).decode()}
    page.evaluate(
        """({ name, kind, content }) => {
          const octets = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([octets], name, { type: kind }));
          for (const event of ['dragenter', 'dragover', 'drop'])
            document.body.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer }));
        }""",
        given,
    )
