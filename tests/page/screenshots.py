"""The pictures of the admin page: every view in light, in the dark, and on a phone.

Run by script/screenshots; what is shown are real answers of a server with espeak and, where Qwen is installed, tiny
checkpoints.
"""

import base64
import io
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from playwright.sync_api import APIRequestContext, Browser, Page, expect

from koe.engine.qwen.cpu.figures import Benchmark
from tests.page.conftest import make_models
from tests.page.test_bench import FOUND as MEASURED
from tests.support.background import in_background
from tests.support.browser import DESK, PHONE, SCREENSHOTS, chromium, visit
from tests.support.clips import RATE, speech_wav
from tests.support.home_assistant import TOKEN, home_assistant
from tests.support.koe_server import KoeServer, koe_server

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 2, "has_touch": True},
}
SENTENCES = (
    "The washing machine is finished.",
    "Somebody is at the front door.",
    "It is half past seven, and seven degrees outside.",
    "Dinner is ready. Who is coming?",
)


def speak(page: Page) -> None:
    page.get_by_label("What is said").fill(f"{SENTENCES[0]} Shall I start the dryer?")
    page.get_by_role("button", name="Speak", exact=True).click()
    page.get_by_role("link", name="Download").wait_for()
    page.locator("body").click(position={"x": 5, "y": 5})


def settle(page: Page) -> None:
    page.wait_for_load_state("networkidle")


PROJECT = "Rain in the kitchen"


SCRIPT = """Anna: Is the kettle on?
Ben: It has been singing for a minute.
Anna: Then let us have some tea."""


def produce(page: Page) -> None:
    begun = page.request.post(
        f"{page.url.partition('#')[0]}api/jobs",
        data={"kind": "script", "title": "The kettle", "text": SCRIPT, "options": {"default": {}}},
    )
    assert begun.ok
    page.locator("koe-job").filter(has_text="finished").first.wait_for()
    page.get_by_role("button", name="Listen").first.click()
    page.get_by_role("button", name="Play").first.click()
    page.locator("koe-job .words, koe-job koe-spoken button").first.wait_for()


def write_script(page: Page) -> None:
    page.get_by_label("Script", exact=True).fill(SCRIPT)
    page.locator("koe-preview h2").wait_for()


def look_back(page: Page) -> None:
    page.get_by_role("button", name="Play").nth(1).click()
    page.get_by_role("button", name="Details").nth(2).click()
    page.locator("koe-spoken button").first.wait_for()


def hear_them(page: Page) -> None:
    page.locator("koe-earlier-designs a").first.click()
    page.get_by_role("heading", name="Which one is it?").wait_for()
    page.evaluate("window.scrollTo(0, 0)")
    settle(page)


def arrange(page: Page) -> None:
    page.get_by_role("link", name=PROJECT, exact=True).click()
    page.locator("koe-timeline .piece").nth(5).wait_for()
    for _ in range(6):
        page.get_by_role("slider", name="Playhead").press("Shift+ArrowRight")
    page.get_by_role("slider", name="Ben: It is.", exact=True).focus()
    page.locator("koe-clip-words .now").wait_for()
    page.evaluate("window.scrollTo(0, 0)")


def record(page: Page) -> None:
    page.get_by_label("Choose a recording").set_input_files(
        {"name": "Grandma.wav", "mimeType": "audio/wav", "buffer": speech_wav(8.0, 180.0)}
    )
    page.get_by_text("Good clip").wait_for()
    page.get_by_role("slider", name="End of the clip").press("PageDown")
    page.get_by_label("What is said in it").fill("I have baked a cake. Come in, sit down, and tell me everything.")
    page.get_by_label("Name", exact=True).fill("Grandma Ada")
    page.get_by_text("Good clip").wait_for()
    page.locator("body").click(position={"x": 5, "y": 5})


def find(page: Page) -> None:
    page.get_by_text("3 rooms found").wait_for(timeout=20_000)
    page.get_by_role("button", name="Search again: Wyoming servers").and_(page.locator(":enabled")).wait_for()


def measure(page: Page) -> None:
    page.get_by_role("heading", name="How fast this machine would be").scroll_into_view_if_needed()
    page.get_by_text("Measured with").wait_for()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")


VIEWS: dict[str, Callable[[Page], None]] = {
    "speak": speak,
    "voices": settle,
    "voices?new=clip": record,
    "voices/ada": settle,
    "design": hear_them,
    "productions": produce,
    "productions/script": write_script,
    "projects": arrange,
    "history": look_back,
    "house": settle,
    "house/network": find,
    "house/models": settle,
    "house/models?bench": measure,
    "house/settings": settle,
    "house/log": settle,
}
"""By the view: what is done in it before the picture is taken."""

TALL = {"projects": 1000}
"""Pixels, where more is to be seen at once."""


def main(wanted: list[str]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        make_models(data_dir / "models")
        Benchmark.now(MEASURED).keep(data_dir)
        with in_background(home_assistant()) as home, _koe(data_dir, home.url) as server, chromium() as browser:
            for view, prepare in VIEWS.items():
                if not wanted or view in wanted:
                    furnish(browser, server.url, view)
                    for look, context in LOOKS.items():
                        _take(browser, server.url, view, prepare, look, context)


def _koe(data_dir: Path, home: str) -> AbstractContextManager[KoeServer]:
    """It announces in the rooms of a Home Assistant, and looks for no satellites."""
    reached = {"home_assistant.url": home, "home_assistant.token": TOKEN, "announce.satellites": "false"}
    return koe_server(data_dir, reached)


def furnish(browser: Browser, url: str, view: str) -> None:
    """With what is to be seen in a view, once."""
    with browser.new_context(base_url=url) as context:
        api = context.request
        if view.startswith("voices") and not api.get("/api/voices?kind=cloned").json()["voices"]:
            clip = {"audio": base64.b64encode(speech_wav(6.0, 180.0)).decode(), "transcript": "Come in and sit down."}
            tale = "Reads to the children, always the same story."
            for voice in (
                {"name": "Ada", "description": tale, "references": [clip], "languages": ["en"], "tags": ["bedtime"]},
                {"name": "Hallway", "base": "espeak-en-us", "speed": 1.2, "description": "For doors, and for laundry."},
            ):
                expect(api.post("/api/voices", data=voice)).to_be_ok()
        if view == "projects":
            furnish_projects(api)
        if view == "design" and not api.get("/api/designs").json()["designs"]:
            wanted = {"description": "A polite butler, dry and precise, with a low voice", "candidates": 2}
            options: dict[str, Any] = {"headers": {"Accept": "application/json"}, "timeout": 300_000}
            expect(api.post("/api/designs", data=wanted, **options)).to_be_ok()


def rainfall(seconds: float) -> NDArray[np.float64]:
    rough = np.random.default_rng(1).normal(0, 0.12, int(seconds * RATE))
    gusts = 0.7 + 0.3 * np.sin(2 * np.pi * 0.21 * np.arange(len(rough)) / RATE)
    return np.convolve(rough, np.ones(6) / 6, "same") * gusts


def ringing(seconds: float) -> NDArray[np.float64]:
    time = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * time) / number for number, hertz in enumerate((880, 1320, 2210), start=1))
    return np.asarray(0.3 * tones * np.exp(-2.2 * time))


def wav(sound: NDArray[np.float64]) -> bytes:
    encoded = io.BytesIO()
    soundfile.write(encoded, sound, RATE, format="WAV")
    return encoded.getvalue()


def furnish_projects(api: APIRequestContext) -> None:
    """A radio play: two who speak, rain from beginning to end, and a bell."""
    if api.get("/api/projects").json()["projects"]:
        return
    said = (
        ("Anna", "espeak-en", "Is the kettle on? It has been raining since the morning."),
        ("Ben", "espeak-en-us", "It is. Come in, the cake is still warm."),
        ("Anna", "espeak-en", "Then let us wait for the others."),
    )
    for _, voice, text in said:
        expect(api.post("/v1/audio/speech", data={"input": text, "voice": voice, "keep": True})).to_be_ok()
    runs = dict[str, dict[str, Any]]()
    while len(runs) < len(said):
        found = api.get("/api/history").json()["runs"]
        runs = {run["text"]: run for run in found if run["text"] in [text for *_, text in said]}
    made = api.post("/api/projects", data={"name": PROJECT}).json()
    address = f"/api/projects/{made['id']}"

    def clip(**body: Any) -> dict[str, Any]:
        added: dict[str, Any] = api.post(f"{address}/clips", **body).json()["clips"][0]
        return added

    spoken = []
    for name, _, text in said:
        run = runs[text]
        expect(api.post(f"/api/runs/{run['id']}/words", data={}, timeout=60_000)).to_be_ok()
        title = f"{name}: {text.partition('.')[0]}."
        spoken.append(clip(data={"run": run["id"], "file": run["audio"], "name": title}))
    rain, bell = (
        clip(multipart={"file": {"name": name, "mimeType": "audio/wav", "buffer": wav(sound)}})
        for name, sound in (("Rain.wav", rainfall(14.0)), ("Bell.wav", ringing(2.5)))
    )
    starts = [1.0, 1.4 + spoken[0]["seconds"], 2.0 + spoken[0]["seconds"] + spoken[1]["seconds"]]
    voices = [{"clip": each["id"], "offset": start} for each, start in zip(spoken, starts, strict=True)]
    ground = {"clip": rain["id"], "offset": 0, "fade_in": 1.5, "fade_out": 3}
    tracks = [
        {"name": "Voices", "clips": voices},
        {"name": "Rain", "volume": -12, "clips": [ground]},
        {
            "name": "Bell",
            "clips": [
                {"clip": bell["id"], "offset": starts[1] - 0.6, "volume": -6, "fade_out": 1},
                {"clip": bell["id"], "offset": starts[2] + 1, "volume": -9, "fade_out": 1},
            ],
        },
    ]
    composition = {"tracks": tracks, "loudness": -18}
    expect(api.patch(address, data={"composition": composition})).to_be_ok()


def _take(
    browser: Browser, url: str, view: str, prepare: Callable[[Page], None], look: str, context: dict[str, Any]
) -> None:
    size = context["viewport"]
    with visit(browser, url, **context | {"viewport": size | {"height": max(size["height"], TALL.get(view, 0))}}) as it:
        it.page.add_init_script("localStorage.setItem('koe.welcomed', 'yes')")
        for sentence in SENTENCES if view in ("house", "history") else ():
            said = {"input": sentence, "voice": "espeak-en-us", "keep": view == "history"}
            it.page.request.post(f"{url}/v1/audio/speech", data=said)
        it.go(view)
        prepare(it.page)
        it.page.screenshot(path=SCREENSHOTS / f"{re.sub(r'[/?=]', '-', view)}-{look}.png")
        print(f"{view} {look}", *it.wrong)


if __name__ == "__main__":
    main(sys.argv[1:])
