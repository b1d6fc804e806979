"""The House view's measurement of this machine: begun, watched, cancelled, and kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from koe.engine.qwen.cpu.figures import Benchmark, Figures
from koe.engine.qwen.engine import is_installed
from tests.page.conftest import Open
from tests.support.bench import small_worker
from tests.support.browser import PHONE
from tests.support.koe_server import KoeServer, koe_server

pytestmark = pytest.mark.skipif(not is_installed(), reason="the extra `qwen` is not installed")

BASE = {"talker": 0.02, "predictor": 0.03, "codec": 0.01}
FOUND = (
    Figures(size="0.6B", precision="int8", first_audio=0.31, real_time=0.8, together=2.4, **BASE),
    Figures(size="0.6B", precision="int4", first_audio=0.25, real_time=0.5, together=4.4, **BASE),
    Figures(size="1.7B", precision="int8", first_audio=0.9, real_time=2.2, together=0.6, **BASE),
    Figures(size="1.7B", precision="int4", first_audio=0.6, real_time=1.4, together=0.9, **BASE),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KoeServer]:
    """A server that measures models far smaller than the real ones."""
    folder: Path = tmp_path_factory.mktemp("bench")
    with koe_server(folder, environment=small_worker(folder / "small")) as server:
        yield server


def test_the_machine_is_measured_beside_the_house(open_page: Open, small: KoeServer) -> None:
    it = open_page("house/models", url=small.url)
    section = it.page.get_by_role("region", name="How fast this machine would be")
    expect(section.get_by_text("about two minutes")).to_be_visible()
    section.get_by_role("button", name="Measure", exact=True).click()
    expect(section.get_by_role("progressbar")).to_be_visible()
    expect(section.get_by_text("Rooms go on speaking")).to_be_visible()
    it.expect_accessible()
    # Whoever comes back sees it go on.
    it.page.reload()
    expect(section.get_by_role("progressbar")).to_be_visible()
    section.get_by_role("button", name="Cancel").click()
    expect(section.get_by_role("button", name="Measure", exact=True)).to_be_visible()
    section.get_by_role("button", name="Measure", exact=True).click()
    expect(section.get_by_role("listitem")).to_have_count(4, timeout=60_000)
    expect(section.get_by_role("button", name="Measure again")).to_be_visible(timeout=20_000)
    expect(section.get_by_text("Measured with")).to_be_visible()


def test_the_last_result_is_shown_with_its_date_and_in_words(open_page: Open, small: KoeServer) -> None:
    Benchmark.now(FOUND).keep(small.data_dir)
    it = open_page("house/models", url=small.url, viewport=PHONE, color_scheme="dark")
    entries = it.page.get_by_role("list", name="How fast this machine would be").get_by_role("listitem")
    expect(entries).to_have_count(4)
    expect(entries.nth(0)).to_contain_text("First sound after 310 ms · 800 ms of work for a second of speech")
    expect(entries.nth(0)).to_contain_text("Fit for rooms")
    expect(entries.nth(1)).to_contain_text("4 rooms at once or more")
    expect(entries.nth(2)).to_contain_text("For productions, not for rooms")
    expect(entries.nth(3)).to_contain_text("Speech begins 400 ms later for each second of it")
    it.expect_fits()
    it.expect_accessible()
