"""How the page is reached: with the token, behind a proxy under a path of its own, and after the server was away."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.page.conftest import Open
from tests.page.test_speak import heard, write_and_speak
from tests.support.browser import ELSEWHERE
from tests.support.koe_server import KoeServer, free_port, koe_server
from tests.support.proxy import reverse_proxy

WRITE = """(words) => {
  const text = document.querySelector('#speak-text');
  text.value = words;
  text.dispatchEvent(new Event('input', { bubbles: true }));
}"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KoeServer]:
    """A server of one's own: without Qwen, it is there at once. It listens to others as well, so there is a token."""
    data_dir = tmp_path_factory.mktemp("own")
    port = free_port()
    listen = f'["tcp://127.0.0.1:{port}", "tcp://*:{free_port()}"]'
    settings = {"engine.qwen.enabled": "false", "http.listen": listen, "http.allowed_hosts": f'["{ELSEWHERE}"]'}
    with koe_server(data_dir, settings, port=port) as server:
        yield server


@pytest.fixture(scope="module")
def proxied(own: KoeServer) -> Iterator[str]:
    """Its address behind a proxy, where nobody is taken for this machine."""
    with reverse_proxy(own.url, "/some/path") as url:
        yield url


def test_others_sign_in_with_the_token(open_page: Open, own: KoeServer, proxied: str) -> None:
    it = open_page("house", url=proxied)
    dialog = it.page.get_by_role("dialog", name="Sign in")
    dialog.wait_for()
    it.expect_accessible()
    it.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    it.page.get_by_label("Token").fill("something-else-0123456789")
    it.page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("This isn't the token")
    it.page.get_by_label("Token").fill(f" {own.token}\n")
    it.page.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    # What was asked in vain has come by itself.
    expect(it.page.get_by_role("heading", name="Home Assistant")).to_be_visible()
    it.expect_refused(401)
    it.page.reload()
    expect(it.page.get_by_role("heading", name="Home Assistant")).to_be_visible()
    # Also over a restart.
    own.stop()
    own.start()
    it.page.reload()
    expect(it.page.get_by_role("heading", name="Home Assistant")).to_be_visible()
    expect(dialog).to_have_count(0)
    # What the proxy said while the server was away; a browser may tell of it late.
    it.page.close()
    it.wrong.clear()


def test_what_was_written_stays_while_somebody_signs_in(open_page: Open, own: KoeServer, proxied: str) -> None:
    it = open_page(url=proxied)
    text = it.page.get_by_label("What is said")
    dialog = it.page.get_by_role("dialog", name="Sign in")
    dialog.wait_for()
    it.page.evaluate("window.view = document.querySelector('koe-speak')")
    written = ""

    def write(route: Route) -> None:
        """Before the answer, and when it is there."""
        nonlocal written
        for words in ("The kettle ", "sings."):
            written += words
            it.page.evaluate(WRITE, written)
            if words == "The kettle ":
                route.fallback()

    it.page.route("**/api/session", write)
    it.page.get_by_label("Token").fill(own.token)
    it.page.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    it.page.get_by_role("combobox", name="Voice").wait_for()
    expect(text).to_have_value("The kettle sings.")
    expect(it.page.get_by_role("button", name="Speak", exact=True)).to_be_enabled()
    assert it.page.evaluate("window.view === document.querySelector('koe-speak')")
    it.expect_refused(401)


def test_the_page_works_below_any_path(open_page: Open, own: KoeServer, proxied: str) -> None:
    it = open_page(url=proxied)
    it.page.get_by_label("Token").fill(own.token)
    it.page.get_by_role("button", name="Sign in").click()
    expect(it.page.get_by_label("Token")).to_have_count(0)
    it.page.get_by_role("combobox", name="Voice").wait_for()
    it.expect_refused(401)
    asked: list[str] = []
    it.page.on("request", lambda request: asked.append(request.url))
    write_and_speak(it.page, "Good night.")
    heard(it.page)
    for name in ("Voices", "Design", "Productions", "History", "House"):
        it.page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(it.page.get_by_role("heading", level=1)).to_have_text(name)
    assert all(url.startswith((proxied, "blob:")) for url in asked)


def test_the_page_speaks_without_https(open_page: Open, own: KoeServer) -> None:
    it = open_page(url=own.url.replace("127.0.0.1", ELSEWHERE))
    assert not it.page.evaluate("isSecureContext")
    write_and_speak(it.page, "Good night.")
    heard(it.page)
    it.go("house")
    it.page.get_by_role("button", name="Copy 127.0.0.1").click()
    expect(it.page.get_by_text("select the address yourself")).to_be_visible()


def test_the_page_comes_back_with_the_server(open_page: Open, own: KoeServer) -> None:
    it = open_page(url=own.url)
    own.stop()
    write_and_speak(it.page, "Good night.")
    expect(it.page.get_by_role("alert")).to_contain_text("Koe can't be reached")
    away = it.page.get_by_text("Koe can't be reached. Trying again")
    expect(away).to_be_visible()
    own.start()
    expect(away).to_be_hidden(timeout=20_000)
    write_and_speak(it.page, "Good night.")
    heard(it.page)
    away_words = "ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE)"
    it.wrong = [each for each in it.wrong if not re.search(away_words, each)]


def test_a_page_from_before_an_update_asks_to_be_loaded_again(open_page: Open, own: KoeServer) -> None:
    it = open_page(url=own.url)
    # As a server of another version answers.
    it.page.route("**/page/**", lambda route: route.fulfill(status=404, json={"error": {"message": "updated"}}))
    it.page.get_by_role("link", name="House").click()
    expect(it.page.get_by_role("heading", name="This view can't be loaded")).to_be_visible()
    it.page.unroute("**/page/**")
    it.page.get_by_role("button", name="Load the page again").click()
    expect(it.page.get_by_role("heading", name="Home Assistant")).to_be_visible()
    it.wrong.clear()
