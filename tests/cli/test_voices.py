"""Who can speak."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

Run = Callable[..., Result]


def test_the_table_has_one_line_for_each_voice(koe: Run) -> None:
    lines = koe("voices").stdout.splitlines()
    assert lines[0].split() == ["id", "name", "languages", "kind", "engine", "styles", "state"]
    low = next(line for line in lines if line.startswith("fake-low"))
    assert "en-US, de-DE" in low
    assert "calm, loud" in low


@pytest.mark.parametrize(
    ("language", "ids"),
    [("de", ["fake-low"]), ("en-us", ["fake-low", "fake-high"]), ("en-GB", []), ("e", [])],
)
def test_voices_of_a_language(koe: Run, language: str, ids: list[str]) -> None:
    found = json.loads(koe("voices", "-l", language, "--json").stdout)
    assert [voice["id"] for voice in found if voice["engine"] == "fake"] == ids


def test_json_tells_everything(koe: Run) -> None:
    found = json.loads(koe("voices", "--json").stdout)
    low = next(voice for voice in found if voice["id"] == "fake-low")
    assert low["languages"] == ["en-US", "de-DE"]
    assert low["styles"] == ["calm", "loud"]


def test_no_voice_is_said(koe: Run) -> None:
    result = koe("voices", "-l", "zxx")
    assert (result.exit_code, result.stderr) == (0, "No voice speaks zxx.\n")
