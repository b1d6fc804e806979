"""Projects in the page: sounds arranged on tracks by keyboard and pointer, saved, heard, and carried away."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import APIRequestContext, Browser, FilePayload, Locator, Page, expect

from koe.audio.loudness import LoudnessMeter
from tests.page.conftest import Open
from tests.support.browser import PHONE
from tests.support.clips import speech_wav
from tests.support.koe_server import KoeServer
from tests.support.waiting import wait_until


@pytest.fixture
def api(browser: Browser, koe: KoeServer) -> Iterator[APIRequestContext]:
    """The server, by its API; the projects that were made there are gone at the end."""
    with browser.new_context(base_url=koe.url) as context:
        yield context.request
        for project in context.request.get("/api/projects").json()["projects"]:
            expect(context.request.delete(f"/api/projects/{project['id']}")).to_be_ok()


def sound(name: str, seconds: float) -> FilePayload:
    return {"name": f"{name}.wav", "mimeType": "audio/wav", "buffer": speech_wav(seconds)}


def saved(page: Page) -> None:
    expect(page.get_by_role("status").get_by_text("Saved", exact=True)).to_be_visible()


def project_of(page: Page, api: APIRequestContext) -> dict[str, Any]:
    found = re.search(r"#/projects/(\w+)", page.url)
    assert found is not None
    project: dict[str, Any] = api.get(f"/api/projects/{found[1]}").json()
    return project


def keep(api: APIRequestContext, text: str) -> str:
    """The id of a run that says it."""
    said = {"input": text, "voice": "espeak-en", "response_format": "wav", "keep": True}
    expect(api.post("/v1/audio/speech", data=said)).to_be_ok()

    # It is written behind what is heard.
    def found() -> list[dict[str, str]]:
        runs: list[dict[str, str]] = api.get("/api/history", params={"q": text}).json()["runs"]
        return runs

    wait_until(found, "the run was not kept")
    return found()[0]["id"]


def begin(page: Page, *sounds: FilePayload) -> None:
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("Radio play")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Radio play", level=1)).to_be_visible()
    page.get_by_role("button", name="Add sounds").click()
    page.get_by_label("Choose files").set_input_files(list(sounds))
    expect(page.locator(".piece")).to_have_count(len(sounds))
    page.get_by_role("button", name="Close").click()


def piece(page: Page, name: str) -> Locator:
    return page.locator("koe-timeline").get_by_role("slider", name=name, exact=True)


def test_sounds_are_arranged_saved_and_heard_as_the_timeline_says(open_page: Open, api: APIRequestContext) -> None:
    it = open_page("projects")
    page = it.page
    expect(page.get_by_text("No project yet")).to_be_visible()
    it.expect_accessible()
    begin(page, sound("knock", 2.0), sound("answer", 3.0))
    answer = piece(page, "answer")
    answer.focus()
    answer.press("ArrowDown")
    expect(page.get_by_role("list", name="Track 2").get_by_role("slider", name="answer", exact=True)).to_be_focused()
    answer.press("Shift+ArrowRight")
    answer.press("ArrowRight")
    expect(answer).to_have_attribute("aria-valuetext", "at 3.1 s, 3 s long, Track 2")
    page.get_by_role("slider", name="Cut off at the end: answer").press("Shift+ArrowLeft")
    expect(answer).to_have_attribute("aria-valuetext", "at 3.1 s, 2 s long, Track 2")
    page.get_by_label("Fade out (s)").fill("0.5")
    page.get_by_label("Fade out (s)").press("Enter")
    it.expect_accessible()
    saved(page)

    page.reload()
    expect(answer).to_have_attribute("aria-valuetext", "at 3.1 s, 2 s long, Track 2")
    expect(page.get_by_text("0:00 / 0:05")).to_be_visible()
    project = project_of(page, api)
    assert project["seconds"] == pytest.approx(5.1, abs=0.01)
    assert project["composition"]["tracks"][1]["clips"][0]["fade_out"] == 0.5

    page.get_by_role("button", name="Export").click()
    page.get_by_label("Format").select_option("flac")
    it.expect_accessible()
    page.get_by_role("button", name="Mix it").click()
    with page.expect_download() as found:
        page.get_by_role("link", name="Download", exact=True).click()
    assert found.value.suggested_filename == "Radio play.flac"
    assert soundfile.info(io.BytesIO(Path(found.value.path()).read_bytes())).duration == pytest.approx(5.1, abs=0.01)


def test_what_was_done_is_taken_back_and_what_was_earlier_comes_back(open_page: Open, api: APIRequestContext) -> None:
    page = open_page("projects").page
    begin(page, sound("knock", 2.0), sound("answer", 3.0))
    answer = piece(page, "answer")
    saved(page)
    there = answer.bounding_box()
    assert there is not None
    middle = (there["x"] + there["width"] / 2, there["y"] + there["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + there["width"] / 3, middle[1], steps=4)
    page.mouse.up()
    expect(answer).to_have_attribute("aria-valuetext", "at 3 s, 3 s long, Track 1")
    page.get_by_role("button", name="Undo").click()
    expect(answer).to_have_attribute("aria-valuetext", "at 2 s, 3 s long, Track 1")
    page.get_by_role("button", name="Redo").click()
    expect(answer).to_have_attribute("aria-valuetext", "at 3 s, 3 s long, Track 1")
    answer.focus()
    page.get_by_label("Cross-fade (s)").fill("0.5")
    page.get_by_label("Cross-fade (s)").press("Enter")
    expect(answer).to_have_attribute("aria-valuetext", "at 1.5 s, 3 s long, Track 1")
    saved(page)
    assert project_of(page, api)["seconds"] == pytest.approx(4.5, abs=0.01)
    page.get_by_role("button", name="Versions").click()
    page.get_by_role("button", name="Restore version 2").click()
    expect(answer).to_have_attribute("aria-valuetext", "at 2 s, 3 s long, Track 1")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_text("0:01 / 0:05")).to_be_visible()
    page.get_by_role("button", name="Stop").click()


def test_somebody_else_who_saves_meanwhile_is_told_of(open_page: Open, api: APIRequestContext) -> None:
    it = open_page("projects")
    page = it.page
    begin(page, sound("knock", 2.0))
    saved(page)
    project = project_of(page, api)
    address = f"/api/projects/{project['id']}"
    expect(api.patch(address, data={"composition": project["composition"] | {"loudness": -20}})).to_be_ok()
    knock = piece(page, "knock")
    knock.focus()
    knock.press("Shift+ArrowRight")
    expect(page.get_by_text("This project was changed somewhere else meanwhile.")).to_be_visible()
    it.expect_refused(409)
    it.expect_accessible()
    page.get_by_role("button", name="Go on with what is here").click()
    saved(page)
    assert project_of(page, api)["composition"]["tracks"][0]["clips"][0]["offset"] == 1.0


def test_a_project_is_carried_by_zip_and_fits_a_phone(open_page: Open, api: APIRequestContext) -> None:
    it = open_page("projects", viewport=PHONE)
    page = it.page
    begin(page, sound("knock", 2.0))
    saved(page)
    piece(page, "knock").focus()
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    it.expect_fits()
    it.expect_accessible()
    # One row of tools; what is seldom done to the whole project is in a menu.
    tools = page.locator(".tools").get_by_role("button")
    assert len({box["y"] for each in tools.all() if (box := each.bounding_box())}) == 1
    expect(page.get_by_role("button", name="Versions")).to_have_count(0)
    page.get_by_role("button", name="More").click()
    it.expect_fits()
    it.expect_accessible()
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Night play")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Night play", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Versions")).to_have_count(0)
    page.get_by_role("link", name="Projects").click()
    it.expect_fits()
    with page.expect_download() as found:
        page.get_by_role("link", name="Download as zip: Night play").click()
    page.get_by_label("Import").set_input_files(found.value.path())
    expect(page.get_by_role("link", name="Night play", exact=True)).to_have_count(2)
    page.get_by_role("button", name="Remove: Night play").first.click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("link", name="Night play", exact=True)).to_have_count(1)


def test_what_was_kept_becomes_a_clip(open_page: Open, api: APIRequestContext) -> None:
    run = keep(api, "The kettle sings.")
    it = open_page("projects")
    page = it.page
    begin(page, sound("knock", 2.0))
    page.get_by_role("button", name="Add sounds").click()
    page.get_by_label("Kept in History").fill("kettle")
    page.get_by_role("button", name="Add: The kettle sings.").click()
    expect(page.get_by_text("Added.")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(api.delete(f"/api/runs/{run}")).to_be_ok()
    page.get_by_role("button", name="Mute: Track 1").click()
    saved(page)
    project = project_of(page, api)
    assert [clip["name"] for clip in project["clips"]] == ["knock", "The kettle sings."]
    assert project["composition"]["tracks"][0]["muted"]
    assert len(project["spans"][0]) == 2
    # Of the sound itself nothing is lost; only its words are, and that is said.
    piece(page, "knock").focus()
    piece(page, "The kettle sings.").focus()
    expect(page.get_by_text("its words are not known")).to_be_visible()
    it.expect_refused(404)


def test_a_clip_is_split_at_the_playhead_and_put_together_again(open_page: Open, api: APIRequestContext) -> None:
    it = open_page("projects")
    page = it.page
    begin(page, sound("knock", 3.0))
    split = page.get_by_role("button", name="Split at the playhead")
    expect(split).to_be_disabled()
    playhead = page.get_by_role("slider", name="Playhead")
    playhead.press("Shift+ArrowRight")
    piece(page, "knock").focus()
    split.click()
    halves = [f"at {start} s, {long} s long, Track 1" for start, long in ((0, 1), (1, 2))]
    for half, told in enumerate(halves):
        expect(piece(page, "knock").nth(half)).to_have_attribute("aria-valuetext", told)
    playhead.press("Shift+ArrowRight")
    # The second half is the one that is chosen.
    playhead.press("s")
    expect(piece(page, "knock")).to_have_count(3)
    it.expect_accessible()
    for count in (2, 1):
        page.get_by_role("button", name="Undo").click()
        expect(piece(page, "knock")).to_have_count(count)
    page.get_by_role("button", name="Redo").click()
    saved(page)
    page.reload()
    expect(piece(page, "knock")).to_have_count(2)
    assert project_of(page, api)["seconds"] == 3.0


def test_the_loudness_of_the_whole_is_kept_and_taken_back(open_page: Open, api: APIRequestContext) -> None:
    page = open_page("projects").page
    begin(page, sound("knock", 3.0))
    loudness = page.get_by_label("Loudness (LUFS)")
    loudness.fill("-20")
    loudness.press("Enter")
    saved(page)
    page.reload()
    expect(loudness).to_have_value("-20")
    project = project_of(page, api)
    assert project["composition"]["loudness"] == -20
    answer = api.post(f"/api/projects/{project['id']}/render", data={"response_format": "wav"})
    samples, rate = soundfile.read(io.BytesIO(answer.body()), dtype="float32")
    meter = LoudnessMeter(rate)
    meter.feed(samples)
    assert meter.finish().lufs == pytest.approx(-20, abs=0.2)
    # What is beyond what the server takes becomes the nearest that it does.
    loudness.fill("-70")
    loudness.press("Enter")
    expect(loudness).to_have_value("-40")
    for value in ("-20", ""):
        loudness.fill("") if not value else page.get_by_role("button", name="Undo").click()
        loudness.press("Enter")
        expect(loudness).to_have_value(value)
    saved(page)
    assert project_of(page, api)["composition"]["loudness"] is None


def test_the_words_of_a_clip_are_jumped_to(open_page: Open, api: APIRequestContext) -> None:
    pytest.importorskip("pocketsphinx")
    keep(api, "Bring the blue umbrella, please.")
    it = open_page("projects")
    page = it.page
    begin(page, sound("knock", 2.0))
    page.get_by_role("button", name="Add sounds").click()
    page.get_by_label("Kept in History").fill("umbrella")
    page.get_by_role("button", name="Add: Bring the blue umbrella, please.").click()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Find out when each word is said").click()
    said = page.get_by_role("list", name="Words", exact=True).get_by_role("button")
    expect(said).to_have_text(
        [re.compile(rf"^{word}") for word in ("Bring", "the", "blue", "umbrella", "please")], timeout=30_000
    )
    umbrella = said.nth(3)
    umbrella.click()
    expect(umbrella).to_have_class("now")
    found = re.search(r"([\d.]+) s", umbrella.inner_text())
    assert found is not None and 2.3 < float(found[1]) < 4
    playhead = page.get_by_role("slider", name="Playhead")
    expect(playhead).to_have_attribute("aria-valuetext", f"{float(found[1]):g} s")
    it.expect_accessible()
    # Only those that are heard in a half are told of it.
    page.get_by_role("button", name="Split at the playhead").click()
    expect(said.first).to_have_text(re.compile("^(blue|umbrella)"))
    piece(page, "knock").focus()
    expect(said).to_have_count(0)
    it.page.set_viewport_size(PHONE)
    piece(page, "Bring the blue umbrella, please.").first.focus()
    expect(said).not_to_have_count(0)
    it.expect_fits()


SPLIT = """async ({ composition, clips, times, seed }) => {
  const module = (name) => import(new URL(`page/current/lib/${name}.js`, document.baseURI).href);
  const { lanesOf, tracksOf } = await module('timeline');
  const { split } = await module('split');
  let state = seed;
  const random = (below) => { state = (state * 1103515245 + 12345) % 2147483648; return (state / 2147483648) * below; };
  const lengths = new Map(clips.map(({ id, seconds }) => [id, seconds]));
  let lanes = lanesOf(composition, lengths);
  const whole = tracksOf(lanes);
  for (let time = 0; time < times; time += 1) {
    const pieces = lanes.flatMap((lane) => lane.pieces);
    const { key, clip } = pieces[Math.floor(random(pieces.length))];
    lanes = split(lanes, key, random(6), clips.find(({ id }) => id === clip).sample_rate)?.lanes ?? lanes;
  }
  // As it is saved, and opened again.
  return { whole, parts: tracksOf(lanesOf({ tracks: tracksOf(lanes) }, lengths)) };
}"""


@pytest.mark.parametrize("rate", [24_000, 22_050, 44_100])
def test_what_was_split_sounds_exactly_as_before(open_page: Open, api: APIRequestContext, rate: int) -> None:
    page = open_page("projects").page
    address = f"/api/projects/{api.post('/api/projects', data={'name': 'Split'}).json()['id']}"
    encoded = io.BytesIO()
    soundfile.write(encoded, np.random.default_rng(1).uniform(-0.3, 0.3, 3 * rate + 7), rate, format="WAV")
    noise: FilePayload = {"name": "noise.wav", "mimeType": "audio/wav", "buffer": encoded.getvalue()}
    clips = [
        api.post(f"{address}/clips", multipart={"file": file}).json()["clips"][0]
        for file in (noise, sound("speech", 4.0))
    ]
    first = {"clip": clips[0]["id"], "offset": 0.01, "trim_start": 0.01, "trim_end": 0.123}
    # Where it fades it isn't split.
    fading = {"clip": clips[1]["id"], "offset": 1.234, "fade_in": 0.5, "fade_out": 1.0, "volume": -6}
    crossed = {"clip": clips[0]["id"], "crossfade": 0.4}
    composition = {"tracks": [{"clips": [first, crossed]}, {"clips": [fading]}]}
    composition = api.patch(address, data={"composition": composition}).json()["composition"]
    made = page.evaluate(SPLIT, {"composition": composition, "clips": clips, "times": 60, "seed": 5})
    for track, parts in zip(made["whole"], made["parts"], strict=True):
        assert len(parts["clips"]) > len(track["clips"]) + 1

    def heard(tracks: Any) -> Any:
        body = {"composition": {"tracks": tracks, "sample_rate": 24_000}, "response_format": "wav"}
        answer = api.post(f"{address}/render", data=body)
        expect(answer).to_be_ok()
        return soundfile.read(io.BytesIO(answer.body()), dtype="int16")[0].astype(int)

    whole, parts = heard(made["whole"]), heard(made["parts"])
    assert len(whole) == len(parts)
    # Where it has another rate than the mix, the last bit may be rounded otherwise.
    assert np.abs(whole - parts).max() <= 1


ANYTHING = """async ({ clips, seed, times }) => {
  const timeline = await import(new URL('page/current/lib/timeline.js', document.baseURI).href);
  const { lanesOf, tracksOf, moved, cut, withPiece, withoutPiece, withSound, secondsOf } = timeline;
  let state = seed;
  const random = (below) => { state = (state * 1103515245 + 12345) % 2147483648; return (state / 2147483648) * below; };
  let lanes = lanesOf({ tracks: [1, 2].map(() => ({ name: '', volume: 0, muted: false, clips: [] })) }, new Map());
  const made = [];
  for (let time = 0; time < times; time += 1) {
    const pieces = lanes.flatMap((lane) => lane.pieces);
    const { key } = pieces[Math.floor(random(pieces.length))] ?? {};
    const lane = Math.floor(random(2));
    const what = Math.floor(random(8));
    if (pieces.length < 4) ({ lanes } = withSound(lanes, lane, clips[Math.floor(random(clips.length))], random(9)));
    else if (what === 0) lanes = moved(lanes, key, random(12) - 1, lane);
    else if (what === 1) lanes = cut(lanes, key, random(2) < 1 ? 'start' : 'end', random(12) - 1);
    else if (what === 2) lanes = withPiece(lanes, key, { fadeIn: random(5) });
    else if (what === 3) lanes = withPiece(lanes, key, { fadeOut: random(5) });
    else if (what === 4 && pieces.length > 6) lanes = withoutPiece(lanes, key);
    else if (what === 5) ({ lanes } = withSound(lanes, lane, clips[Math.floor(random(clips.length))], random(9)));
    else lanes = withPiece(lanes, key, { crossfade: random(4) });
    if (time % 10 === 9) {
      const shown = lanes.map((each) => each.pieces.map(({ start }) => start));
      made.push({ tracks: tracksOf(lanes), seconds: secondsOf(lanes), shown });
    }
  }
  return made;
}"""


def test_whatever_is_done_on_the_timeline_the_server_takes_and_hears_as_it_is_shown(
    open_page: Open, api: APIRequestContext
) -> None:
    page = open_page("projects").page
    project = api.post("/api/projects", data={"name": "Anything"}).json()
    address = f"/api/projects/{project['id']}"
    clips = [
        api.post(f"{address}/clips", multipart={"file": sound(f"{seconds}", seconds)}).json()["clips"][0]
        for seconds in (0.05, 1.2345, 4.0)
    ]
    for made in page.evaluate(ANYTHING, {"clips": clips, "seed": 7, "times": 400}):
        answer = api.patch(address, data={"composition": {"tracks": made["tracks"]}})
        told = answer.json()
        assert answer.ok, told
        assert told["problems"] == []
        assert told["seconds"] == pytest.approx(made["seconds"], abs=0.01)
        for spans, starts in zip(told["spans"], made["shown"], strict=True):
            assert [span["start"] for span in spans] == pytest.approx(starts, abs=0.01)
