"""A Chromium that is driven through the admin page, and what a test wants to know of a page that is open."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    ViewportSize,
    sync_playwright,
)

ROOT = Path(__file__).parents[2]
AXE = ROOT / "tools" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "docs" / "screenshots"

ELSEWHERE = "koe.test"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    # A name that isn't this machine's to the browser, as another device has it: no https, so no secure context.
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
    # A microphone that beeps, and nobody who has to be asked.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}


@contextmanager
def chromium(microphone: Path | None = None) -> Iterator[Browser]:
    """Running from here to the end of the block. Skips where there is none. `microphone`: a WAV, all that it hears."""
    with sync_playwright() as playwright:
        path = _found(playwright)
        if path is None:
            pytest.skip("no Chromium was found: script/test says how to get one")
        # Its own sandbox needs what containers don't give to root.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        heard = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
        browser = playwright.chromium.launch(executable_path=path, args=[*_QUIET, *sandbox, *heard])
        try:
            yield browser
        finally:
            browser.close()


def _found(playwright: Playwright) -> str | None:
    given = os.environ.get("KOE_CHROMIUM")
    own = playwright.chromium.executable_path
    found = (given, *map(shutil.which, _NAMES), own if Path(own).exists() else None)
    return next((each for each in found if each), None)


@dataclass
class Visit:
    """A page that is open, and what it did that it shouldn't have."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)

    def go(self, view: str) -> None:
        """`speak`, or with more: `history?q=laundry`."""
        self.page.goto(f"{self.url}/#/{view}")
        self.page.locator(f"koe-{view.partition('/')[0].partition('?')[0]} h1").first.wait_for(state="attached")

    def expect_fine(self) -> None:
        """No error on the console, and no request to anywhere else, so far."""
        assert self.wrong == []

    def expect_refused(self, *statuses: int) -> None:
        """That requests were answered so: browsers log that, too."""
        for status in statuses:
            told = f"the server responded with a status of {status} "
            assert any(told in each for each in self.wrong), f"nothing was answered with {status}"
            self.wrong = [each for each in self.wrong if told not in each]

    def expect_accessible(self) -> None:
        """Nothing that axe-core calls serious or critical."""
        if not AXE.exists():
            pytest.skip("axe-core is not installed: script/test does it where there is npm")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        # Colours that are still changing are those of neither light.
        self.page.evaluate("Promise.allSettled(document.getAnimations().map((each) => each.finished))")
        found: list[dict[str, Any]] = self.page.evaluate("async () => (await axe.run()).violations")
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        told = [{"id": each["id"], "at": [node["html"][:160] for node in each["nodes"]]} for each in serious]
        assert told == [], json.dumps(told, indent=1)

    def expect_fits(self) -> None:
        """Nothing sticks out at the side."""
        wide, room = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= room, f"the page is {wide} pixels wide, where there are {room}"

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        there = urlsplit(request.url)
        if there.scheme not in ("blob", "data") and there.netloc != urlsplit(self.url).netloc:
            self.wrong.append(f"asked {request.url}")


@contextmanager
def visit(browser: Browser, url: str, **context: Any) -> Iterator[Visit]:
    """A browser that has never been here, from here to the end of the block; `context`: Playwright's options."""
    # Without motion: what is looked at is what stays, not a colour on its way to another.
    usual = {"viewport": DESK, "locale": "en-GB", "reduced_motion": "reduce"}
    opened: BrowserContext = browser.new_context(**(usual | context))
    opened.set_default_timeout(10_000)
    page = opened.new_page()
    it = Visit(page, url)
    page.on("console", it._console)
    page.on("pageerror", lambda error: it.wrong.append(f"failed: {error}"))
    page.on("request", it._request)
    try:
        yield it
    finally:
        opened.close()
