"""docs/coming-from.md: what it says is here is here."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from koe.app.http import ENDPOINTS
from koe.cli import app
from koe.settings import names

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "coming-from.md").read_text(encoding="utf-8")
SYSTEMS = ["voice", "Voice-Clone-Studio", "Qwen3-TTS_server", "mimic", "qwen3-tts-enhanced", "voicebox"]
METHODS = "GET|POST|PUT|PATCH|DELETE"
SECTIONS = "log|engine|voice|speech|wyoming|http|discovery|outputs|jobs|transcription|stop"


def here() -> list[str]:
    """What stands as code in the columns of Koe, and in the text."""
    lines = [line.split(" | ", 1)[1] if line.startswith("| ") else line for line in PAGE.splitlines() if " | " in line]
    return re.findall(r"`([^`]+)`", "\n".join(lines))


def named(pattern: str) -> list[str]:
    return sorted({each for each in here() if re.fullmatch(pattern, each)})


COMMANDS = named(r"koe( .*)?")
ASKED = named(rf"({METHODS}) /\S+")
SET = named(rf"({SECTIONS})\.[\w.]+")


def test_every_system_has_a_table() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    assert list(sections) == [*SYSTEMS, "Open Speech"]
    for name, text in sections.items():
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert rows[:2] == [f"| {name} | Koe |", "| --- | --- |"]
        assert len(rows) > 8
        assert all(line.count(" | ") == 1 and line.endswith(" |") for line in rows)
    assert (len(COMMANDS) > 30, len(ASKED) > 30, len(SET) > 10) == (True, True, True)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_there_with_its_options(words: str) -> None:
    command: Any = typer.main.get_command(app)
    takes_value = False
    for word in shlex.split(words)[1:]:
        commands = getattr(command, "commands", {})
        if word in commands:
            command = commands[word]
        elif word.startswith("-"):
            assert word in {option for each in command.params for option in (*each.opts, *each.secondary_opts)}, words
            takes_value = True
        else:
            # In a group, a word that is no option's value would be a command that isn't there.
            assert takes_value or not commands, words
            takes_value = False


@pytest.mark.parametrize("asked", ASKED)
def test_an_endpoint_is_there(asked: str) -> None:
    own = {"GET /health", "GET /ready"}
    assert asked in {f"{each.method} {each.path}" for each in ENDPOINTS} | own


@pytest.mark.parametrize("setting", SET)
def test_a_setting_is_there(setting: str) -> None:
    assert setting in names.schemas()


def test_every_link_leads_somewhere() -> None:
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        if link.startswith("#"):
            assert link[1:] in anchors
        elif not link.startswith("https://"):
            assert (ROOT / "docs" / link).exists()
