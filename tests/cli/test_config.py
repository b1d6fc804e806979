"""What is in force, and why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from koe.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def file(data_dir: Path) -> Path:
    path = data_dir / "config" / "koe.yaml"
    path.write_text("name: Küche\nstop:\n  grace: 2\n", encoding="utf-8")
    return path


def test_every_setting_is_shown_with_its_value_and_source(koe: Run, file: Path) -> None:
    lines = [line.rstrip().split(maxsplit=2) for line in koe("config").stdout.splitlines()]
    assert ["name", "Küche", f"{file} line 1"] in lines
    assert ["stop.grace", "2", f"{file} line 3"] in lines
    assert ["engine.default", "fake", "KOE_ENGINE_DEFAULT"] in lines
    assert ["voice.default", "null", "default"] in lines
    assert ["wyoming.listen", "tcp://*:10210", "default"] in lines


def test_json_can_be_loaded_again(koe: Run, file: Path) -> None:
    shown = json.loads(koe("config", "--json").stdout)
    assert shown["config_file"] == str(file)
    assert shown["sources"]["name"] == f"{file} line 1"
    assert Settings.model_validate(shown["settings"]).name == "Küche"


def test_check_says_only_whether_it_is_right(koe: Run, file: Path) -> None:
    result = koe("config", "--check")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    file.write_text("stop: {grace: -1}")
    assert koe("config", "--check").exit_code == 2


def test_a_file_of_an_older_layout_is_told_of(koe: Run, file: Path) -> None:
    file.write_text("version: 1\nport: 10300\n")
    result = koe("config")
    assert "tcp://*:10300" in result.stdout
    assert "koe.yaml.v1.backup" in result.stderr


def test_what_was_changed_over_http_is_shown(koe: Run, file: Path) -> None:
    changes = file.with_name("changes.yaml")
    changes.write_text("version: 2\nname: Changed\nengine: {default: espeak}\nstop: {grace: -1}\n")
    shown = koe("config")
    lines = [line.rstrip().split(maxsplit=2) for line in shown.stdout.splitlines()]
    assert ["name", "Changed", f"{changes} line 2"] in lines
    assert ["stop.grace", "2", f"{file} line 3"] in lines
    assert ["engine.default", "fake", "KOE_ENGINE_DEFAULT"] in lines
    assert f"stop.grace ({changes} line 4): -1 isn't right" in shown.stderr
    assert json.loads(koe("config", "--json").stdout)["sources"]["name"] == f"{changes} line 2"


def test_damaged_changes_are_told_of_and_keep_nothing_from_working(koe: Run, file: Path) -> None:
    file.with_name("changes.yaml").write_bytes(b"name: \xff")
    result = koe("config", "--check")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert "changes.yaml.damaged" in result.stderr
