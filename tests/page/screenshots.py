"""The pictures of the admin page: every view in light, in the dark, and on a phone.

Run by script/screenshots; what is shown are real answers of a server with espeak and, where Qwen is installed, tiny
checkpoints.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.page.conftest import make_models
from tests.support.browser import DESK, PHONE, SCREENSHOTS, chromium, visit
from tests.support.koe_server import koe_server

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


VIEWS: dict[str, Callable[[Page], None]] = {
    "speak": speak,
    "voices": settle,
    "design": settle,
    "productions": settle,
    "history": settle,
    "house": settle,
    "house/models": settle,
    "house/settings": settle,
    "house/log": settle,
}
"""By the view: what is done in it before the picture is taken."""


def main(wanted: list[str]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        make_models(data_dir / "models")
        with koe_server(data_dir) as server, chromium() as browser:
            for view, prepare in VIEWS.items():
                if not wanted or view in wanted:
                    for look, context in LOOKS.items():
                        _take(browser, server.url, view, prepare, look, context)


def _take(
    browser: Browser, url: str, view: str, prepare: Callable[[Page], None], look: str, context: dict[str, Any]
) -> None:
    with visit(browser, url, **context, reduced_motion="reduce") as it:
        it.page.add_init_script("localStorage.setItem('koe.welcomed', 'yes')")
        for sentence in SENTENCES if view == "house" else ():
            it.page.request.post(f"{url}/v1/audio/speech", data={"input": sentence, "voice": "espeak-en-us"})
        it.go(view)
        prepare(it.page)
        it.page.screenshot(path=SCREENSHOTS / f"{view.replace('/', '-')}-{look}.png")
        print(f"{view} {look}", *it.wrong)


if __name__ == "__main__":
    main(sys.argv[1:])
