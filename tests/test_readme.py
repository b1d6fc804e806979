"""The README's commands do what it says, in a copy of the repository and a home of their own."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from wyoming.client import AsyncClient
from wyoming.tts import Synthesize

from koe.core.text.verbalise import verbalise
from koe.settings import Settings
from tests.support.house import hear

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP_SECONDS = 300


def blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


def koe_commands() -> list[str]:
    return [command for command in commands() if ".venv/bin/koe " in command]


@pytest.mark.parametrize("command", koe_commands())
def test_a_command_of_the_readme_works_here(command: str, tmp_path: Path) -> None:
    here = command.replace(".venv/bin/koe", f"{shlex.quote(sys.executable)} -m koe")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KOE_DATA_DIR": str(tmp_path), "LANG": "C.UTF-8"}
    environment["KOE_WYOMING_LISTEN"] = "tcp://127.0.0.1:0"
    ran = subprocess.run(here, shell=True, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    for name in re.findall(r"--out (\S+)", command):
        assert (tmp_path / name).stat().st_size > 1000


def test_every_command_of_the_readme_is_known_to_these_tests() -> None:
    others = {command.split()[0] for command in commands() if command not in koe_commands()}
    assert others == {"script/run", "script/lint", "script/test"}
    for path in re.findall(r"script/\w+", README):
        assert os.access(ROOT / path, os.X_OK), path


@pytest.mark.slow
@pytest.mark.timeout(2 * SETUP_SECONDS)
def test_script_run_from_a_fresh_clone_in_an_empty_home(tmp_path: Path) -> None:
    clone = fresh_clone(tmp_path / "koe")
    for _ in range(2):
        server = start(clone, tmp_path / "home")
        uri, told = welcome(server)
        heard = asyncio.run(say(uri, "The house speaks."))
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
        assert server.returncode == 0
        assert heard > 10_000
        assert "In Home Assistant: Settings > Devices & services" in told


def fresh_clone(target: Path) -> Path:
    """What git would hand to somebody else, with the changes of the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def start(clone: Path, home: Path) -> "subprocess.Popen[str]":
    home.mkdir(exist_ok=True)
    # What belongs to this run's own environment must not help.
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KOE_", "VIRTUAL_ENV", "PYTHON"))}
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not p.startswith(sys.prefix))
    command = ["script/run", "--listen", "tcp://127.0.0.1:0", "--no-discovery"]
    environment = {**kept, "HOME": str(home), "PATH": path}
    return subprocess.Popen(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True)


def welcome(server: "subprocess.Popen[str]") -> tuple[str, str]:
    """The server's address, and all it said."""
    assert server.stdout is not None
    told = ""
    while "Ctrl+C" not in told:
        line = server.stdout.readline()
        assert line, f"script/run ended: {told}"
        told += line
    match = re.search(r"Address +(\S+)", told)
    assert match is not None
    return match[1], told


async def say(uri: str, text: str) -> int:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Synthesize(text).event())
        return len((await hear(client)).pcm)


@pytest.mark.parametrize(
    ("written", "spoken", "language"),
    [
        (*row, language)
        for row, language in zip(
            re.findall(r"^\| `([^`]*\d[^`]*)` \| ([^|]+?) \|$", README, re.MULTILINE), ("en", "de", "fr"), strict=False
        )
    ],
)
def test_the_examples_of_how_text_is_read(written: str, spoken: str, language: str) -> None:
    assert verbalise(written, language) == spoken


def test_the_settings_that_the_readme_names_exist() -> None:
    names = re.findall(r"`((?:speech|wyoming|stop)\.\w+)`", README)
    assert len(names) > 8
    for name in names:
        section, key = name.split(".")
        assert hasattr(getattr(Settings(), section), key), name
