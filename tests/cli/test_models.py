"""`koe models`: a list, downloads from a hub on loopback, checks, removal, pins."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from koe.core.installation import command
from tests.support.hollow import hollow_checkpoint
from tests.support.hub import COMMIT, FakeHub, fake_hub

Run = Callable[..., Result]
SMALL = "Qwen3-TTS-12Hz-0.6B-CustomVoice"

needs_hub = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="the extra `qwen` is not installed"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the hub, empty."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub() as running:
        running.repositories = {f"Qwen/{SMALL}": hollow_checkpoint(tmp_path / "hub" / SMALL)}
        monkeypatch.setenv("HF_ENDPOINT", running.uri)
        yield running


def row(koe: Run, name: str) -> dict[str, str]:
    rows: list[dict[str, str]] = json.loads(koe("models", "list", "--json").stdout)
    return next(each for each in rows if each["name"] == name)


def test_the_list_shows_what_can_be_downloaded(koe: Run) -> None:
    result = koe("models", "list")
    assert result.exit_code == 0
    assert result.stdout.count("can be downloaded") == 6
    assert "voices from a description" in result.stdout


def test_the_list_shows_what_is_here_and_what_is_wrong_with_it(koe: Run, data_dir: Path) -> None:
    hollow_checkpoint(data_dir / "models" / SMALL)
    (hollow_checkpoint(data_dir / "models" / "pirate") / "vocab.json").unlink()
    assert row(koe, SMALL)["state"] == "ready"
    assert "vocab.json is missing" in row(koe, "pirate")["state"]


def test_the_list_shows_the_cache_of_the_hub(koe: Run, cache: Path) -> None:
    hollow_checkpoint(cache / f"models--Qwen--{SMALL}" / "snapshots" / "abc")
    assert row(koe, SMALL)["state"] == "ready, in the Hugging Face cache"
    result = koe("models", "remove", SMALL, "--yes")
    assert (result.exit_code, "belongs to the Hugging Face cache" in result.stderr) == (1, True)


@needs_hub
def test_download_verify_remove(koe: Run, data_dir: Path, hub: FakeHub) -> None:
    result = koe("models", "download", "0.6b-customvoice")
    assert result.exit_code == 0, result.stderr
    assert f"{SMALL} is ready" in result.stdout
    assert row(koe, SMALL)["state"] == f"ready, revision {COMMIT[:12]}"
    assert "every file is as it was published" in koe("models", "verify").stdout
    assert koe("models", "remove", SMALL, input=b"n\n").exit_code == 0
    assert (data_dir / "models" / SMALL).exists()
    assert koe("models", "remove", SMALL, input=b"y\n").exit_code == 0
    assert not (data_dir / "models" / SMALL).exists()


@needs_hub
def test_a_download_that_fails_is_told_in_one_line(koe: Run, hub: FakeHub) -> None:
    hub.repositories.clear()
    result = koe("models", "download", SMALL)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"koe: there is no repository Qwen/{SMALL}")
    assert len(result.stderr.splitlines()) == 1


@needs_hub
def test_no_name_is_looked_up_on_the_hub_before_all_are_known(koe: Run, hub: FakeHub) -> None:
    result = koe("models", "download", SMALL, "nonsense")
    assert "no published checkpoint 'nonsense'" in result.stderr
    assert hub.requests == []


@needs_hub
def test_damage_is_found_and_mended(koe: Run, data_dir: Path, hub: FakeHub) -> None:
    koe("models", "download", SMALL)
    file = data_dir / "models" / SMALL / "vocab.json"
    file.write_bytes(b"!" + file.read_bytes()[1:])
    result = koe("models", "verify", SMALL)
    assert result.exit_code == 1
    assert "vocab.json is damaged" in result.stdout
    assert f"Get it again with {command('models download Qwen/' + SMALL)}." in result.stdout
    assert koe("models", "download", f"Qwen/{SMALL}").exit_code == 0
    assert koe("models", "verify", SMALL).exit_code == 0


@needs_hub
def test_an_interrupted_download_is_listed_and_can_be_removed(koe: Run, data_dir: Path, hub: FakeHub) -> None:
    hub.cuts["model.safetensors"] = [1, *[0] * 20]
    assert koe("models", "download", SMALL).exit_code == 1
    half = row(koe, SMALL)
    assert half["state"].startswith("incomplete")
    assert command(f"models download Qwen/{SMALL}") in half["state"]
    assert koe("models", "remove", SMALL, "--yes").exit_code == 0
    assert row(koe, SMALL)["state"] == "can be downloaded"
    assert not any((data_dir / "models").rglob("*.safetensors*"))


def test_what_koe_did_not_download_can_only_be_looked_at(koe: Run, data_dir: Path) -> None:
    hollow_checkpoint(data_dir / "models" / "pirate")
    result = koe("models", "verify", "pirate")
    assert (result.exit_code, "nothing to compare it with" in result.stdout) == (0, True)


@needs_hub
def test_pins(koe: Run, hub: FakeHub) -> None:
    assert koe("models", "pin", SMALL, "v1").exit_code == 0
    koe("models", "download", SMALL)
    assert hub.requests[0][1].endswith("/revision/v1")
    assert row(koe, SMALL)["state"].endswith("pinned to v1")
    assert COMMIT in koe("models", "pin", SMALL).stdout
    assert "follows the newest" in koe("models", "pin", SMALL, "--off").stdout
    assert koe("models", "pin", "nonsense", "v1").exit_code == 1
    assert koe("models", "pin", SMALL, "v1", "--off").exit_code == 2


@pytest.mark.parametrize("command", ["verify", "remove", "pin"])
def test_what_is_not_here_is_said_with_what_is(koe: Run, data_dir: Path, command: str) -> None:
    hollow_checkpoint(data_dir / "models" / "pirate")
    result = koe("models", command, SMALL)
    assert (result.exit_code, "isn't here; here are: pirate" in result.stderr) == (1, True)


@needs_hub
def test_nothing_of_it_loads_torch(environment: dict[str, str], hub: FakeHub) -> None:
    code = (
        "import sys; from koe.cli import app; app(sys.argv[1:], standalone_mode=False);"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    for arguments in (["list"], ["download", SMALL], ["verify"]):
        command = [sys.executable, "-c", code, "models", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
        assert result.stdout.endswith("False False\n")


def test_a_checkpoint_is_quantised_once_and_what_that_loses_is_told(
    koe: Run, data_dir: Path, tiny_custom_voice: Path
) -> None:
    (data_dir / "models").mkdir(parents=True, exist_ok=True)
    (data_dir / "models" / "tiny").symlink_to(tiny_custom_voice)
    result = koe("models", "quantize", "tiny", "--precision", "int4")
    assert result.exit_code == 0, result.output
    assert "quantising tiny to int4: the code predictor" in result.stderr
    assert "tiny is quantised to int4: 0.0 GB in" in result.stdout
    assert "Over 64 frames of a fixed text it is close to the original" in result.stdout
    again = koe("models", "quantize", "tiny", "--precision", "int4", "--no-report")
    assert "tiny has been quantised already" in again.stdout
    assert koe("models", "remove", "tiny", "--yes").exit_code == 0
    assert not list((data_dir / "models" / ".quantised").glob("tiny*"))


@pytest.mark.skipif(importlib.util.find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed")
def test_results_of_a_bench_that_are_none_are_refused(koe: Run, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("[1]")
    result = koe("bench", "--compare", str(tmp_path / "old.json"))
    assert result.exit_code == 1
    assert "holds no results of koe bench" in result.stderr
    assert "only of 0.6B and 1.7B" in koe("bench", "--size", "7B").stderr
