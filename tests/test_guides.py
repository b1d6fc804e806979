"""The guides in docs/ and the add-on's: every command, option, setting, variable, endpoint, file and link that they
name is there, and their YAML is right."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from koe.app.http import ENDPOINTS
from koe.cli import app
from koe.settings import load, names

ROOT = Path(__file__).parents[1]
OTHERS = [ROOT / "addon" / "DOCS.md", ROOT / "addon" / "README.md"]
NO_GUIDES = {
    "api.md",  # tests/test_api_docs.py runs it
    "coming-from.md",  # it names what other systems have; tests/test_coming_from.py
    "page.md",  # for those who work on the page
}
GUIDES = [file for file in sorted((ROOT / "docs").glob("*.md")) if file.name not in NO_GUIDES] + OTHERS
SERVERS_OWN = {"/health", "/ready", "/metrics", "/openapi.json", "/docs", "/docs/style.css", "/api/session"}
KOE = typer.main.get_command(app)


def read(guide: Path) -> str:
    return guide.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def spans(text: str) -> list[str]:
    """What stands between backticks outside of blocks."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", prose)]


def commands(text: str) -> Iterator[list[str]]:
    """The words behind `koe`."""
    lines = [line for language in ("bash", "sh") for block in blocks(text, language) for line in lines_of(block)]
    for line in [*lines, *spans(text)]:
        for part in re.split(r"&&|\|(?=\s)", line):
            words = shlex.split(part.partition(" #")[0], posix=True) if part.count("'") % 2 == 0 else []
            starts = [place for place, word in enumerate(words) if word == "koe" or word.endswith("/koe")]
            # `exec koe koe models`: the last one is the command, the one before the container.
            if starts and (starts[-1] == 0 or words[0] in ("docker", "printf")) and len(words) > starts[-1] + 1:
                yield words[starts[-1] + 1 :]


def lines_of(block: str) -> list[str]:
    return block.replace("\\\n", " ").splitlines()


def settings_named(text: str) -> set[str]:
    sections = {name.partition(".")[0] for name in names.sections()}
    tokens = (token for span in spans(text) for token in re.findall(r"(?<![\w./])[a-z_]+(?:\.[a-z_]+)+", span))
    return {token for token in tokens if token.partition(".")[0] in sections}


def test_there_are_guides() -> None:
    assert len(GUIDES) > 8
    assert sum(len(list(commands(read(guide)))) for guide in GUIDES) > 30
    assert sum(len(settings_named(read(guide))) for guide in GUIDES) > 20


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_command_and_option_is_there(guide: Path) -> None:
    for words in commands(read(guide)):
        check_command(KOE, words, f"koe {' '.join(words)}")


def check_command(command: Any, words: list[str], whole: str) -> None:
    """`command`: one of click's, or a group of them."""
    options = {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
    while words:
        word, *words = words
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            assert name in options or name == "--help", f"{whole}: there is no {name}"
            takes_value = name in options and not options[name].is_flag and "=" not in word
            words = words[1:] if takes_value else words
        elif hasattr(command, "commands"):
            assert word in command.commands, f"{whole}: there is no command {word}"
            return check_command(command.commands[word], words, whole)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_setting_and_variable_is_there(guide: Path) -> None:
    text = read(guide)
    assert settings_named(text) <= set(names.fields()) | names.sections()
    known = {*names.variables(), *names.NO_SETTINGS}
    assert set(re.findall(r"\bKOE_[A-Z_]+\b", text)) <= known


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_endpoint_is_there(guide: Path) -> None:
    known = {endpoint.path for endpoint in ENDPOINTS} | SERVERS_OWN
    patterns = [re.compile(re.sub(r"\\\{\w+(:[^}]*)?\\\}", r"[^/?]+", re.escape(path))) for path in known]
    text = read(guide)
    named = [*re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) (/[\w/{}.-]+)", text)]
    named += re.findall(r"https?://[\w.]+:(?:10211|8099)(/[\w/.-]+)", text)
    for path in named:
        plain = re.sub(r"\{\w+\}", "x", path)
        assert any(pattern.fullmatch(plain) for pattern in patterns), path


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_file_and_link_is_there(guide: Path) -> None:
    text = read(guide)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if target.startswith("http"):
            continue
        file = (guide.parent / path).resolve() if path else guide
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", read(file), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, target
    for path in re.findall(r"(?<![\w/])(?:script|deploy|docs|addon)/[\w./-]*\w", " ".join([*spans(text), text])):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_yaml_is_right_and_settings_in_it_are_settings(guide: Path, tmp_path: Path) -> None:
    for block in blocks(read(guide), "yaml"):
        content = yaml.safe_load(block)
        if set(content) <= {name.partition(".")[0] for name in names.fields()}:
            (tmp_path / "koe.yaml").write_text(block)
            load(tmp_path, environ={}, config_file=tmp_path / "koe.yaml")
        else:
            assert {"action", "target", "data"} <= set(content) or "automation" in content, block
