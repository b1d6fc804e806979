"""What is found, and what is to be done about it."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tests.support.hollow import hollow_checkpoint

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def listen(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A place that is certainly free, and no multicast."""
    monkeypatch.setenv("KOE_WYOMING_LISTEN", f"unix://{tmp_path}/koe.sock")
    monkeypatch.setenv("KOE_DISCOVERY_ENABLED", "false")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        yield int(other.getsockname()[1])


def finding(result: Result, subject: str) -> dict[str, str]:
    findings: list[dict[str, str]] = json.loads(result.stdout)
    return next(each for each in findings if each["subject"].startswith(subject))


def test_a_healthy_machine_has_no_problem(koe: Run, tmp_path: Path) -> None:
    result = koe("doctor")
    assert result.exit_code == 0, result.stdout
    for subject in ["Python", "Libraries", "Settings", "Data folder", "Disk", "Listening", "Speaking"]:
        assert f"ok       {subject}" in result.stdout
    assert not (tmp_path / "koe.sock").exists()


def test_wrong_settings_are_a_problem(koe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOE_LOG_LEVEL", "loud")
    result = koe("doctor", "--json")
    assert result.exit_code == 1
    assert "'loud' isn't right" in finding(result, "Settings")["found"]


def test_an_address_in_use_is_a_problem(koe: Run, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setenv("KOE_WYOMING_LISTEN", f"tcp://127.0.0.1:{taken}")
    result = koe("doctor", "--json")
    assert result.exit_code == 1
    assert finding(result, "Listening")["mark"] == "problem"
    assert finding(result, "Addresses")["mark"] == "warning"


def test_an_engine_that_can_not_speak_is_a_problem(koe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOE_VOICE_DEFAULT", "nobody")
    result = koe("doctor")
    assert result.exit_code == 1
    assert "PROBLEM  Speaking: there is no voice 'nobody'" in result.stdout
    assert "         -> " in result.stdout


def test_a_folder_that_is_not_there_yet_is_fine(koe: Run, tmp_path: Path) -> None:
    result = koe("--data-dir", tmp_path / "later" / "data", "doctor", "--json")
    assert result.exit_code == 0
    assert "will be made" in finding(result, "Data folder")["found"]
    assert not (tmp_path / "later").exists()


def test_checkpoints_are_looked_at(koe: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(data_dir))
    assert "natural voices" in finding(koe("doctor", "--json"), "Qwen3-TTS")["found"]
    folder = hollow_checkpoint(data_dir / "models" / "pirate")
    assert "pirate" in finding(koe("doctor", "--json"), "Qwen3-TTS")["found"]
    (folder / "vocab.json").unlink()
    broken = finding(koe("doctor", "--json"), "Qwen3-TTS")
    assert (broken["mark"], "vocab.json is missing" in broken["found"]) == ("warning", True)
    monkeypatch.setenv("KOE_ENGINE_QWEN_ENABLED", "false")
    assert finding(koe("doctor", "--json"), "Qwen3-TTS")["found"] == "switched off"


def test_qwen_is_loaded_and_heard(koe: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = pytest.importorskip("tests.support.checkpoints", reason="the extra `qwen` is not installed")
    monkeypatch.setenv("HF_HOME", str(data_dir))
    folder = checkpoints.make_checkpoint(data_dir / "models" / "tiny", size="tiny", kind="custom_voice")
    heard = finding(koe("doctor", "--json"), "Qwen3-TTS speaks")
    assert (heard["mark"], "of qwen, first audio after" in heard["found"]) == ("ok", True)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1_000_000:] = b"\xff" * 1_000_000  # NaN
    (folder / "model.safetensors").write_bytes(weights)
    refused = finding(koe("doctor", "--json"), "Qwen3-TTS speaks")
    assert refused["mark"] == "problem"
    assert "its weights are damaged" in refused["found"]
