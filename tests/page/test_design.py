"""Design in the page: a description, voices to choose from, one that is kept."""

import re
from importlib.util import find_spec

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Open
from tests.support.browser import PHONE
from tests.support.koe_server import KoeServer, said_over_wyoming

LONG = 120_000
"""Milliseconds, for two voices of a model that is loaded first."""

_LEAST = 2.5
"""Seconds. What the tiny model says is as long as chance will have it; less is no reference."""

pytestmark = pytest.mark.skipif(find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed")


@pytest.mark.timeout(300)
def test_a_described_voice_is_chosen_kept_and_named(open_page: Open, koe: KoeServer) -> None:
    it = open_page("design")
    page = it.page
    page.get_by_role("button", name="Storyteller").click()
    expect(page.get_by_label("Who speaks?")).to_have_value(
        "An old man with a warm, deep voice, who tells stories slowly and with a smile"
    )
    page.get_by_label("Voices", exact=True).select_option("2")
    api, number = page.request, 0
    while number == 0:
        page.get_by_role("button", name="Design", exact=True).click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.get_by_role("heading", name="Which one is it?")).to_be_visible(timeout=LONG)
        expect(page.get_by_role("button", name="Keep: Voice 2")).to_be_visible()
        candidates = api.get(f"{koe.url}/api/designs").json()["designs"][0]["candidates"]
        number = next((each["number"] for each in candidates if each["duration"] > _LEAST), 0)
    it.expect_accessible()
    page.get_by_role("button", name=f"Play: Voice {number}").click()
    expect(page.get_by_role("button", name=f"Pause: Voice {number}")).to_be_visible()

    page.get_by_role("button", name=f"Keep: Voice {number}").click()
    dialog = page.get_by_role("dialog", name="What is it called?")
    dialog.get_by_label("Name").fill("Old Tom")
    dialog.get_by_label("Name").press("Enter")
    page.get_by_role("link", name="Kept: open it").click()
    expect(page.get_by_role("heading", name="Old Tom", level=1)).to_be_visible()
    assert api.get(f"{koe.url}/api/voices/old-tom").json()["kind"] == "designed"
    page.get_by_role("button", name="Hear: Old Tom").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=LONG)
    # Every room can use it now, and nobody speaks in its place: its model is loaded.
    spoken = said_over_wyoming(koe, "Once upon a time.", "old-tom")
    assert (spoken.error, len(spoken.pcm) > 0) == (None, True)
    assert api.get(f"{koe.url}/api/requests").json()["requests"][0]["fallback"] is None
    expect(api.delete(f"{koe.url}/api/voices/old-tom")).to_be_ok()

    page.set_viewport_size(PHONE)
    page.get_by_role("navigation").get_by_role("link", name="Design").click()
    page.get_by_role("link", name="An old man").first.click()
    expect(page.get_by_role("heading", name="Which one is it?")).to_be_visible()
    it.expect_fits()
    it.expect_accessible()
    page.get_by_role("navigation").get_by_role("link", name="Design").click()
    remove = page.get_by_role("button", name=re.compile("^Remove: An old man"))
    designs = len(api.get(f"{koe.url}/api/designs").json()["designs"])
    expect(remove).to_have_count(designs)
    remove.first.click()
    it.expect_fits()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(remove).to_have_count(designs - 1)
    assert len(api.get(f"{koe.url}/api/designs").json()["designs"]) == designs - 1
