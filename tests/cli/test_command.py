"""Help, versions, exit codes and how failures are told."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from koe import __version__

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]
COMMANDS = ["serve", "say", "voices", "models", "config", "doctor"]


def test_help_names_every_command_and_the_exit_codes(koe: Run) -> None:
    result = koe("--help")
    assert result.exit_code == 0
    for word in [*COMMANDS, "--data-dir", "--config", "130"]:
        assert word in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(koe: Run, command: str) -> None:
    assert koe(command, "-h").exit_code == 0


def test_version(koe: Run) -> None:
    assert koe("--version").stdout == f"koe {__version__}\n"


@pytest.mark.parametrize("arguments", [["speak"], ["say"], ["say", "a", "-f", "b"], ["serve", "--set", "x"]])
def test_wrong_usage_ends_with_2(koe: Run, arguments: list[str]) -> None:
    assert koe(*arguments).exit_code == 2


def test_wrong_settings_end_with_2_and_one_message(koe: Run, data_dir: Path) -> None:
    (data_dir / "config" / "koe.yaml").write_text("nmae: Koe\n")
    result = koe("config")
    assert result.exit_code == 2
    assert result.stderr.startswith("koe: nmae (")
    assert "did you mean name?" in result.stderr
    assert result.stdout == ""


def test_failures_end_with_1_and_one_line(koe: Run, tmp_path: Path) -> None:
    result = koe("say", "Hello", "--voice", "fake-loww", "-o", tmp_path / "x.wav")
    assert result.exit_code == 1
    assert result.stderr.startswith("koe: there is no voice 'fake-loww'")
    assert "fake-low" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(start_koe: Start) -> None:
    process = start_koe("--debug", "say", "Hello", "--voice", "none", "-o", "-")
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"Traceback" in told
    assert b"UnknownVoice" in told


def test_global_options_name_folder_and_file(koe: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: Mine\n")
    result = koe("--data-dir", tmp_path, "--config", file, "config")
    assert f"Data folder:   {tmp_path}" in result.stdout
    assert "Mine" in result.stdout


def test_help_loads_nothing_heavy() -> None:
    heavy = "numpy soundfile wyoming zeroconf pydantic_core yaml torch"
    code = f"import sys, koe.cli; print([m for m in '{heavy}'.split() if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["speak"], 2), (["--debug", "boom"], 1)])
def test_a_model_that_still_loads_does_not_spoil_the_end(arguments: list[str], code: int) -> None:
    """Python's own tidying up would let torch abort the process; here it would tell of itself."""
    script = (
        "import atexit, sys, threading, time; import koe.cli; from koe.engine import MODEL_THREAD\n"
        "def boom() -> None: raise ValueError('boom')\n"
        "koe.cli.app.command()(boom)\n"
        "threading.Thread(target=time.sleep, args=(60,), name=MODEL_THREAD, daemon=True).start()\n"
        "atexit.register(print, 'tidying up')\n"
        "koe.cli.main()"
    )
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)
    assert result.returncode == code
    assert "tidying up" not in result.stdout
    assert result.stdout.startswith("koe ") == (code == 0)
    assert ("ValueError: boom" in result.stderr) == (code == 1)
