"""One server for all that only look and listen, one browser for each module."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visit, chromium, visit
from tests.support.koe_server import KoeServer, koe_server

NAMED, BASE, DESIGN = (f"Qwen3-TTS-12Hz-{name}" for name in ("0.6B-CustomVoice", "0.6B-Base", "1.7B-VoiceDesign"))

Open = Callable[..., Visit]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first of them waits for the server to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models"))


def make_models(folder: Path) -> Path:
    """The folder, with tiny checkpoints of all three kinds where Qwen is installed."""
    folder.mkdir(exist_ok=True)
    if importlib.util.find_spec("qwen_tts") is not None:
        from tests.support.checkpoints import make_checkpoint

        make_checkpoint(folder / NAMED, size="tiny", kind="custom_voice", eos_scale=6.0)
        make_checkpoint(folder / BASE, size="tiny", kind="base", eos_scale=6.0)
        make_checkpoint(folder / DESIGN, size="tiny", kind="voice_design", eos_scale=6.0)
    return folder


@pytest.fixture(scope="session")
def koe(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[KoeServer]:
    """espeak, fake and tiny checkpoints of all three kinds; what a test makes there, it takes away again."""
    data_dir = tmp_path_factory.mktemp("koe")
    shutil.copytree(models, data_dir / "models")
    with koe_server(data_dir) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Only for a module: as long as it runs, no test of another one can be asynchronous.
    with chromium() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`open_page("history", viewport=PHONE, color_scheme="dark")`: a browser that has never been here. At the end each
    of them has been fine."""
    with ExitStack() as opened:
        visits: list[Visit] = []

        def open_it(view: str = "speak", *, url: str = "", welcomed: bool = True, **context: Any) -> Visit:
            # Who has a server of its own doesn't wait for the one that all share.
            url = url or request.getfixturevalue("koe").url
            it = opened.enter_context(visit(browser, url, **context))
            if welcomed:
                it.page.add_init_script("localStorage.setItem('koe.welcomed', 'yes')")
            visits.append(it)
            it.go(view)
            return it

        yield open_it
        for it in visits:
            it.expect_fine()
