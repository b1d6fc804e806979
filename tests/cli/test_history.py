"""`koe history`, without a server and beside one."""

import json
import re
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from koe.pipelines.speak import SpeechInput
from koe.storage.outputs import Outputs
from koe.storage.run import Run as KeptRun
from tests.storage.samples import description
from tests.support.house import PATIENCE

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def outputs(data_dir: Path) -> Iterator[Outputs]:
    outputs = Outputs(data_dir / "outputs")
    yield outputs
    outputs.close()


def kept(outputs: Outputs, text: str = "Hello.", **told: Any) -> KeptRun:
    with outputs.begin("speech", SpeechInput(text=text, voice=told.get("voice")).model_dump(mode="json")) as draft:
        draft.file("audio.wav").write_bytes(b"RIFF")
        return draft.finish(description(text, **told))


def listed(koe: Run, *arguments: str) -> list[str]:
    return [entry["text"] for entry in json.loads(koe("history", "list", *arguments, "--json").stdout)]


def test_nothing_was_made_yet(koe: Run) -> None:
    result = koe("history")
    assert (result.exit_code, result.stderr) == (0, "There are no such runs.\n")


def test_runs_are_found(koe: Run, outputs: Outputs) -> None:
    kept(outputs, "Grüße aus 東京.", language="de-DE")
    run = kept(outputs, "Good [bold]\nmorning." + "x" * 100, voice="anna")
    lines = koe("history").stdout.splitlines()
    assert lines[0].split() == ["id", "created", "task", "voice", "seconds", "text"]
    assert lines[1].startswith(run.id)
    assert "Good [bold] morning." in lines[1]
    assert "東京" in lines[2]
    assert listed(koe, "東京") == listed(koe, "-l", "de") == listed(koe, "grüsse aus") == ["Grüße aus 東京."]
    assert len(listed(koe, "--voice", "anna", "--from", "2020-01-31")) == 1
    assert listed(koe, "--to", "2020-01-31") == listed(koe, "evening") == listed(koe, "--task", "other") == []
    assert len(listed(koe, "-n", "1")) == 1


@pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="the extra `align` is not installed")
def test_the_words_of_a_run_are_told(koe: Run, outputs: Outputs, tmp_path: Path) -> None:
    with outputs.begin("speech", SpeechInput(text="Good morning everybody.").model_dump(mode="json")) as draft:
        soundfile.write(draft.file("audio.wav"), np.zeros(24_000), 24_000)
        run = draft.finish(description("Good morning everybody.", language="en"))
    told = koe("history", "words", run.id)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("1\n00:00:00,")
    assert told.stdout.endswith("\nGood morning everybody.\n")
    made = outputs.get(run.id).words()
    out = tmp_path / "words.json"
    assert koe("history", "words", run.id, "-o", out).stdout == f"{out}\n"
    assert json.loads(out.read_text())["files"][0]["text"] == "Good morning everybody."
    assert koe("history", "words", run.id, "--format", "vtt").stdout.startswith("WEBVTT\n")
    assert koe("history", "words", run.id, "--file", "audio.wav", "--again").exit_code == 0
    assert outputs.get(run.id).words() == made
    for arguments, code, reason in (
        (("--file", "other.wav"), 1, "of audio.wav"),
        (("-o", tmp_path / "words.txt"), 2, ".srt, .vtt or .json"),
        (("-l", "not a tag"), 2, "no language tag"),
        (("-l", "de"), 1, "words.whisper"),
    ):
        failed = koe("history", "words", run.id, *arguments)
        assert (failed.exit_code, reason in " ".join(failed.stderr.split())) == (code, True), failed.stderr


def test_a_run_is_shown_and_marked(koe: Run, outputs: Outputs) -> None:
    run = kept(outputs)
    assert koe("history", "mark", run.id, "--favourite").exit_code == 0
    assert listed(koe, "--favourite") == ["Hello."]
    assert listed(koe, "--no-favourite") == listed(koe, "--pinned") == []
    told = json.loads(koe("history", "show", run.id, "--json").stdout)
    assert (told["id"], told["favourite"], told["folder"]) == (run.id, True, str(run.folder))
    assert "audio.wav (4 bytes)" in koe("history", "show", run.id).stdout
    assert koe("history", "mark", run.id).exit_code == 2


def test_runs_are_removed(koe: Run, outputs: Outputs) -> None:
    runs = [kept(outputs), kept(outputs)]
    assert koe("history", "remove", *(run.id for run in runs)).exit_code == 0
    assert listed(koe) == []
    assert not any(run.folder.exists() for run in runs)


@pytest.mark.parametrize("command", ["show", "remove", "zip", "regenerate"])
def test_a_run_that_is_not_there_is_told(koe: Run, command: str) -> None:
    result = koe("history", command, "../../etc")
    assert (result.exit_code, result.stderr) == (1, "koe: there is no run '../../etc'\n")


def test_a_run_is_written_to_a_zip(koe: Run, outputs: Outputs, tmp_path: Path) -> None:
    run, out = kept(outputs), tmp_path / "run.zip"
    assert koe("history", "zip", run.id, "-o", out).stdout == f"{out}\n"
    assert len(zipfile.ZipFile(out).namelist()) == 3
    run.file("audio.wav").write_bytes(b"")
    assert koe("history", "zip", run.id, "-o", tmp_path / "broken.zip").exit_code == 1
    assert not (tmp_path / "broken.zip").exists()


def test_a_run_is_done_again(koe: Run, outputs: Outputs) -> None:
    run = kept(outputs, "Hello.", voice="fake-high")
    made = json.loads(koe("history", "regenerate", run.id, "--json").stdout)
    assert (made["text"], made["voice"], made["duration"] > 0) == ("Hello.", "fake-high", True)
    result = koe("history", "regenerate", run.id, "--seed", "12")
    assert Path(result.stdout.split(": ")[1].strip()).is_file()
    assert listed(koe) == ["Hello."] * 3
    for seed in ("x", "-1", str(2**63), "１"):
        assert koe("history", "regenerate", run.id, "--seed", seed).exit_code == 2


def test_it_reads_beside_a_running_server(koe: Run, start_koe: Start, outputs: Outputs) -> None:
    kept(outputs, "Kept before.")
    server = start_koe("serve", "--listen", "tcp://127.0.0.1:0", "--set", "discovery.enabled=false")
    assert server.stderr is not None
    assert server.stdout is not None
    server.stdout.readline()
    kept(outputs, "Kept meanwhile.")
    assert listed(koe) == ["Kept meanwhile.", "Kept before."]
    refused = koe("serve", "--listen", "tcp://127.0.0.1:0", "--set", "discovery.enabled=false")
    assert refused.exit_code == 2
    assert "another Koe server works in" in refused.stderr


def started(server: "subprocess.Popen[bytes]") -> str:
    """What it has said of itself."""
    assert server.stdout is not None
    told = b""
    while b"Ctrl+C" not in told:
        line = server.stdout.readline()
        assert line, told
        told += line
    return told.decode()


def test_rooms_and_requests_are_kept_where_that_is_wished(koe: Run, start_koe: Start) -> None:
    server = start_koe("serve", "--listen", "tcp://127.0.0.1:0", "--no-discovery", "--set", "outputs.keep_rooms=true")
    told = started(server)
    room = re.search(r"tcp://127\.0\.0\.1:\d+", told)
    http = re.search(r"http://127\.0\.0\.1:\d+", told)
    assert room is not None
    assert http is not None
    said = koe("say", "Said to a room.", "--voice", "fake-low", "--server", room[0], "--out", "-")
    assert said.exit_code == 0, said.stderr
    for text, keep in (("Kept.", True), ("Not kept.", False)):
        body = json.dumps({"input": text, "voice": "fake-high", "response_format": "wav", "keep": keep}).encode()
        asked = Request(f"{http[0]}/v1/audio/speech", body, {"Content-Type": "application/json"})
        with urlopen(asked, timeout=PATIENCE) as answer:
            assert len(answer.read()) > 1000
    server.send_signal(signal.SIGTERM)
    assert server.wait(PATIENCE) == 0
    assert sorted(listed(koe)) == ["Kept.", "Said to a room."]


def test_what_is_said_here_is_kept_where_that_is_wished(koe: Run, tmp_path: Path) -> None:
    result = koe("say", "Hello.", "--voice", "fake-low", "--seed", "7", "--keep", "--out", tmp_path / "out.flac")
    assert result.exit_code == 0, result.stderr
    (run,) = json.loads(koe("history", "list", "--json").stdout)
    folder = Path(result.stderr.partition("kept: ")[2].strip())
    assert folder.name == run["folder"]
    assert (folder / "audio.flac").read_bytes() == (tmp_path / "out.flac").read_bytes()
    assert koe("history", "regenerate", run["id"]).exit_code == 0
    refused = koe("say", "Hello.", "--keep", "--server", "tcp://127.0.0.1:1")
    assert (refused.exit_code, "keep_rooms" in refused.stderr) == (2, True)
