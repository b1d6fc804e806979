"""The `koe` command, in this process or as one of its own, in an empty data folder."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from koe.cli import app
from tests.support import tiny

tiny_custom_voice = tiny.tiny_custom_voice

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

FAKE = {
    "KOE_ENGINE_FAKE_ENABLED": "true",
    "KOE_ENGINE_DEFAULT": "fake",
    "KOE_ENGINE_FALLBACK": "null",
    "KOE_HTTP_LISTEN": "tcp://127.0.0.1:0",
}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "config").mkdir(parents=True)
    return folder


@pytest.fixture
def environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The fake engine, no audio player on the path, and nothing else of Koe's."""
    for name in os.environ:
        if name.startswith("KOE_"):
            monkeypatch.delenv(name)
    programs = data_dir.parent / "bin"
    programs.mkdir()
    given = FAKE | {"KOE_DATA_DIR": str(data_dir), "PATH": str(programs), "TERM": "dumb", "NO_COLOR": "1"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture
def own_logging() -> Iterator[None]:
    """`koe serve` in this process sends the log to a stream that is closed after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def koe(environment: dict[str, str], own_logging: None) -> Run:
    """Run the command to its end."""

    def run(*arguments: str | Path, input: bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(each) for each in arguments], input=input)

    return run


@pytest.fixture
def start_koe(environment: dict[str, str], request: pytest.FixtureRequest) -> Start:
    """Start the command as a process, which is ended after the test at the latest."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As shells have it for what they start in the background; a process would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*arguments: str | Path) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "koe", *map(str, arguments)]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        request.addfinalizer(lambda: _end(process))
        return process

    return start


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()
