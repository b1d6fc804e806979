"""Making voices from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import Result

from tests.support.clips import speech_wav

Run = Callable[..., Result]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "anna clip.wav"
    path.write_bytes(speech_wav())
    return path


def listed(koe: Run) -> dict[str, dict[str, Any]]:
    return {voice["id"]: voice for voice in json.loads(koe("voices", "--json").stdout)}


def ok(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def test_a_clip_becomes_a_voice(koe: Run, clip: Path, data_dir: Path) -> None:
    said = ok(koe("voices", "add", "Änna B.", "--ref", clip, "--text", "The words of the clip.", "-l", "de"))
    assert "anna-b is made, but can't speak yet: " in said.stdout
    told = json.loads(ok(koe("voices", "show", "anna-b", "--json")).stdout)
    assert (told["name"], told["kind"], told["languages"]) == ("Änna B.", "cloned", ["de-DE"])
    assert told["references"][0]["transcript"] == "The words of the clip."
    # No engine that clones is here: it is listed with the reason.
    assert listed(koe)["anna-b"]["state"].startswith("missing")
    assert "Änna B." in ok(koe("voices", "show", "anna-b")).stdout


def test_the_languages_of_a_clone_begin_with_that_of_its_words(koe: Run, clip: Path) -> None:
    ok(koe("voices", "add", "Karl", "--ref", clip, "--text", "Das sind die Worte, die in der Aufnahme zu hören sind."))
    assert listed(koe)["karl"]["languages"][0] == "de-DE"
    assert len(listed(koe)["karl"]["languages"]) == 10


def test_without_its_words_a_note_says_what_is_lost(koe: Run, clip: Path) -> None:
    assert "note: without a transcript" in ok(koe("voices", "add", "Anna", "--ref", clip)).stderr


def test_a_variation_of_a_built_in_voice_speaks(koe: Run, tmp_path: Path) -> None:
    ok(koe("voices", "add", "Quick", "--base", "fake-low", "--speed", "2", "--gain", "-6"))
    assert listed(koe)["quick"]["state"] == "ready"
    usual, quick = tmp_path / "usual.wav", tmp_path / "quick.wav"
    ok(koe("voices", "test", "fake-low", "--out", usual))
    ok(koe("voices", "test", "quick", "--out", quick))
    assert soundfile.info(quick).duration == pytest.approx(soundfile.info(usual).duration / 2, abs=0.05)


def test_edit_changes_what_is_named_and_nothing_else(koe: Run, clip: Path, tmp_path: Path) -> None:
    ok(koe("voices", "add", "Anna", "--ref", clip, "--seed", "3"))
    before = json.loads(koe("voices", "show", "anna", "--json").stdout)
    ok(koe("voices", "edit", "anna", "--text", "Other  words.", "--name", "Anna B.", "--temperature", "0.7"))
    after = json.loads(koe("voices", "show", "anna", "--json").stdout)
    assert after["references"][0] == {**before["references"][0], "transcript": "Other words."}
    assert (after["name"], after["seed"], after["sampling"]["temperature"]) == ("Anna B.", 3, 0.7)
    another = tmp_path / "another.wav"
    another.write_bytes(speech_wav(5.0, 200.0))
    ok(koe("voices", "edit", "anna", "--ref", clip, "--ref", another, "--text", "One.", "--text", "Two."))
    both = json.loads(koe("voices", "show", "anna", "--json").stdout)["references"]
    assert [reference["transcript"] for reference in both] == ["One.", "Two."]


def test_a_voice_has_the_effects_that_it_is_given(koe: Run, tmp_path: Path) -> None:
    ok(koe("voices", "add", "Doll", "--base", "fake-low", "--effect", "M3GAN", "--effect", "reverb:size=0.1,wet=0.3"))
    told = json.loads(koe("voices", "show", "doll", "--json").stdout)["effects"]
    assert [effect["effect"] for effect in told] == ["pitch", "reverb"]
    assert (told[0]["semitones"], told[1]["wet"]) == (3, 0.3)
    assert "reverb:size=0.1,damping=0.5,wet=0.3" in koe("voices", "show", "doll").stdout
    usual, doll = tmp_path / "usual.wav", tmp_path / "doll.wav"
    ok(koe("voices", "test", "fake-low", "--out", usual))
    ok(koe("voices", "test", "doll", "--out", doll))
    # It rings on.
    assert soundfile.info(doll).duration > soundfile.info(usual).duration
    ok(koe("voices", "edit", "doll", "--name", "Dolly"))
    assert json.loads(koe("voices", "show", "doll", "--json").stdout)["effects"] == told
    ok(koe("voices", "edit", "doll", "--effect", "speed:factor=2"))
    assert json.loads(koe("voices", "show", "doll", "--json").stdout)["effects"] == [{"effect": "speed", "factor": 2}]
    ok(koe("voices", "edit", "doll", "--effect", "none"))
    assert json.loads(koe("voices", "show", "doll", "--json").stdout)["effects"] == []


def test_remove_asks_first(koe: Run, clip: Path, data_dir: Path) -> None:
    ok(koe("voices", "add", "Anna", "--ref", clip))
    assert koe("voices", "remove", "anna", input=b"n\n").exit_code == 1
    assert "anna" in listed(koe)
    ok(koe("voices", "remove", "anna", "--yes"))
    assert "anna" not in listed(koe)
    assert not [path for path in (data_dir / "voices").rglob("*.wav")]


def test_export_wipe_import_gives_identical_files(koe: Run, clip: Path, data_dir: Path, tmp_path: Path) -> None:
    ok(koe("voices", "add", "Anna", "--ref", clip, "--text", "The words."))
    ok(koe("voices", "add", "Quick", "--base", "fake-low", "--speed", "2", "--effect", "M3GAN"))
    kept = {
        path.relative_to(data_dir): path.read_bytes()
        for folder in ("profiles", "refs")
        for path in (data_dir / "voices" / folder).rglob("*")
        if path.is_file()
    }
    assert len(kept) == 3
    zipped = tmp_path / "voices.zip"
    ok(koe("voices", "export", "--out", zipped))
    for voice in ("anna", "quick"):
        ok(koe("voices", "remove", voice, "--yes"))
    ok(koe("voices", "import", zipped, "--dry-run"))
    assert "anna" not in listed(koe)
    ok(koe("voices", "import", zipped))
    assert {path: (data_dir / path).read_bytes() for path in kept} == kept
    refused = koe("voices", "import", zipped)
    assert refused.exit_code == 1
    assert "anna" in refused.stderr


def test_voices_declared_in_the_configuration_are_listed(koe: Run, data_dir: Path) -> None:
    (data_dir / "config" / "voices.yaml").write_text("voices:\n  - {name: Brisk, base: fake-low, speed: 1.2}\n")
    assert listed(koe)["brisk"]["state"] == "ready"
    refused = koe("voices", "remove", "brisk", "--yes")
    assert refused.exit_code == 1
    assert "voices.yaml" in refused.stderr


def test_a_damaged_voice_is_listed_with_the_reason(koe: Run, clip: Path, data_dir: Path) -> None:
    ok(koe("voices", "add", "Anna", "--ref", clip))
    (data_dir / "voices" / "profiles" / "anna.json").write_text("{")
    assert listed(koe)["anna"]["state"].startswith("broken")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "either clips"),
        (("--ref", "CLIP", "--base", "fake-low"), "either clips"),
        (("--ref", "CLIP", "--text", "a", "--text", "b"), "1 clips and 2 texts"),
        (("--ref", "missing.wav"), "missing.wav"),
        (("--ref", "CLIP", "--id", "../x"), "../x"),
        (("--base", "fake-lwo"), "fake-lwo"),
        (("--base", "fake-low", "--speed", "9"), "speed"),
        (("--base", "fake-low", "--effect", "reverb:size=3"), "size"),
        (("--base", "fake-low", "--effect", "HAL"), "HAL"),
        (("--base", "fake-low", "--effect", "M3GAN", "--effect", "none"), "none"),
        (("--ref", "CLIP", "--temperature", "-1"), "temperature"),
        (("--ref", "CLIP", "-l", "not a tag"), "language tag"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_written(
    koe: Run, clip: Path, data_dir: Path, arguments: tuple[str, ...], reason: str
) -> None:
    result = koe("voices", "add", "Anna", *(clip if each == "CLIP" else each for each in arguments))
    assert result.exit_code != 0
    assert reason in result.output
    assert not list((data_dir / "voices").rglob("*.json"))


def test_a_design_without_a_model_for_it_says_what_to_do(koe: Run) -> None:
    result = koe("voices", "design", "a calm old sailor")
    assert result.exit_code == 1
    assert "no voice can be designed" in result.stderr
