"""Voices that a file declares."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.effects import PRESETS, Reverb
from koe.core.errors import SettingsError
from koe.core.languages import spoken_by_all
from koe.core.profile import Profile
from koe.core.voice import VoiceKind
from koe.voices.presets import read_presets


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "voices.yaml"


def read(file: Path, text: str) -> tuple[Profile, ...]:
    file.write_text(text, encoding="utf-8")
    return read_presets(file)


def complaint(file: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(file, text)
    return caught.value.message


def test_a_voice_has_all_that_is_said_of_it(file: Path) -> None:
    text = """
voices:
  - id: news
    name: Die Nachrichten
    base: qwen-ryan
    instruct: Read clearly.
    languages: [de, en-GB]
    speed: 1.1
    effects: [M3GAN, {effect: reverb, wet: 0.1}]
    seed: 7
    description: For the kitchen.
"""
    file.write_text(text)
    os.utime(file, (1_000_000_000, 1_000_000_000))
    then = datetime.fromtimestamp(1_000_000_000, UTC)
    assert read_presets(file) == (
        Profile(
            "news",
            "Die Nachrichten",
            VoiceKind.NAMED,
            ("de-DE", "en-GB"),
            then,
            then,
            description="For the kitchen.",
            base="qwen-ryan",
            engine="qwen",
            instruct="Read clearly.",
            seed=7,
            speed=1.1,
            effects=(*PRESETS["M3GAN"], Reverb(wet=0.1)),
        ),
    )


def test_ids_come_from_names_around_those_that_are_given(file: Path) -> None:
    text = "voices:\n- {name: Anna, base: b}\n- {name: Anna, base: b}\n- {name: x, id: anna, base: b}\n"
    assert [voice.id for voice in read(file, text)] == ["anna-2", "anna-3", "anna"]


def test_a_voice_that_names_no_language_speaks_those_of_its_engine(file: Path) -> None:
    text = "- {name: a, base: espeak-en-gb}\n- {name: b, base: qwen-ryan}\n- {name: c, base: qwen-x, language: no}\n"
    languages = [voice.languages for voice in read(file, f"voices:\n{text}")]
    assert languages == [("en-GB",), spoken_by_all("en"), ("no",)]
    assert [voice.engine for voice in read_presets(file)] == ["espeak", "qwen", "qwen"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "voices:\n", "voices: []\n", "{}"])
def test_a_file_may_declare_none(file: Path, text: str) -> None:
    assert read(file, text) == ()


def test_a_missing_file_declares_none(file: Path) -> None:
    assert read_presets(file) == ()


VOICE = "voices:\n- name: Anna\n  base: qwen-ryan\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("voice:\n", "voice ({} line 1) is nothing here; did you mean voices?"),
        ("a: 1\n" + VOICE, "a ({} line 1) is nothing here"),
        ("voices: {a: 1}\n", "voices ({} line 1) is a list"),
        ("- name: Anna\n", "settings are written as `name: value`"),
        ("voices:\n- Anna\n", "a voice ({} line 2) is written as"),
        ("voices:\n- base: b\n", "name is missing ({} line 2)"),
        ("voices:\n- name: Anna\n", "base is missing ({} line 2)"),
        (VOICE + "  seeed: 1\n", "seeed ({} line 4) is nothing that a voice has; did you mean seed?"),
        (VOICE + "  speed: 3\n", "speed ({} line 4): 3 isn't right: it should be less than or equal to 2"),
        (VOICE + "  effects: [HAL]\n", "effects ({} line 4): there is no effect and no preset called 'HAL'"),
        (VOICE + "  effects: [{effect: gain, db: 99}]\n", "effects[0].gain.db ({} line 4): 99 isn't right"),
        (VOICE + "  seed: true\n", "seed ({} line 4): True isn't right"),
        (VOICE + "  id: Anna\n", "id ({} line 4): 'Anna' is no id"),
        (VOICE + "  id: qwen-x\n", "id ({} line 4): 'qwen-x' can't be"),
        (VOICE + "  language: deutsch\n", "language ({} line 4): 'deutsch' is no language tag"),
        (VOICE + "  language: de\n  languages: [de]\n", "give language or languages, not both"),
        (VOICE + "  languages: []\n", "languages ({} line 4): [] isn't right"),
        (VOICE + "  name: Berta\n", "name ({} line 4) is there twice"),
        (VOICE + "  id: a\n- {name: b, base: b, id: a}\n", "two voices have the id a"),
        (VOICE + "  1: x\n", "({} line 4)"),
        (VOICE + "  seed: !!int x\n", "doesn't fit its tag"),
        (VOICE + "  seed: !!timestamp x\n", "doesn't fit its tag"),
        (VOICE + "  seed: !!bool x\n", "doesn't fit its tag"),
        (VOICE + "  seed: [\n", "no valid YAML"),
        ("voices: &a\n- *a\n", "line 1, column 9: this is no valid YAML"),
        ("voices:\n- &a [*a]\n", "line 2, column 3: this is no valid YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(file: Path, text: str, said: str) -> None:
    assert said.format(file) in complaint(file, text)


def test_all_voices_that_are_wrong_are_told(file: Path) -> None:
    said = complaint(file, "voices:\n- {name: a, base: b, speed: 9}\n- {base: b}\n")
    assert "line 2" in said
    assert "line 3" in said


@given(st.text(max_size=60) | st.text("[]{}:&*!-? \nvoicesname", max_size=60).map(lambda text: f"voices:\n{text}"))
def test_nothing_but_a_refusal_comes_of_noise(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "noise.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_presets(file)
    except SettingsError:
        return
