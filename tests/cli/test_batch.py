"""`koe batch` and `koe jobs`: in this process, interrupted, and against a real server."""

import asyncio
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import soundfile
from typer.testing import Result

from koe.adapters.http import jobs as http_jobs
from koe.pipelines.jobs import JobQueue
from koe.storage.job import JobState
from koe.storage.jobs import JobStore
from tests.support.house import PATIENCE
from tests.support.http_house import STRANGER, STRANGERS, TOKEN, http_house
from tests.support.waiting import wait_until

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

SCRIPT = "Anna: Is the kettle on?\nBert: It is.\nAnna: Then where is my tea?\n"
VOICES = ("--speaker", "Anna=fake-high", "--speaker", "Bert=fake-low")
TABLE = "character,text,file\nGuard,Who goes there?,guard_1\nGuard,Pass.,guard_2\nThief,Nobody.,thief_1\n"
SUBTITLES = "1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:05,000\nGood night.\n"
BOOK = "# One\n\nThe first chapter.\n\n# Two\n\nThe second one.\n"


def wrote(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def listed(koe: Run, *arguments: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(koe("jobs", "list", "--json", *arguments).stdout)
    return found


@pytest.mark.parametrize(
    ("kind", "name", "text", "options", "made"),
    [
        ("long", "book.md", BOOK, ("--whole",), {"all.wav", "001-One.wav", "002-Two.wav"}),
        ("long", "book.md", BOOK, ("--chapter", "2", "--format", "flac"), {"002-Two.flac"}),
        ("script", "play.txt", SCRIPT, (*VOICES, "--loudness", "-19"), {"script.wav"}),
        ("npc", "lines.csv", TABLE, ("--speaker", "Thief=fake-high"), {"guard_1.wav", "guard_2.wav", "thief_1.wav"}),
        ("subtitles", "film.srt", SUBTITLES, ("-v", "fake-high", "--hurry", "1.5"), {"dub.wav"}),
        ("variations", "line.txt", "Halt!", ("--seed", "7", "-n", "2"), {"001-seed-7.wav", "002-seed-8.wav"}),
        ("variations", "line.txt", "Halt!", ("--seed", "3", "--seed", "9"), {"001-seed-3.wav", "002-seed-9.wav"}),
        ("variations", "line.txt", "Halt!", ("--seed", "0", "-n", "1"), {"001-seed-0.wav"}),
    ],
)
def test_every_kind_is_made(
    koe: Run, tmp_path: Path, kind: str, name: str, text: str, options: tuple[str, ...], made: set[str]
) -> None:
    out = tmp_path / "out"
    result = koe("batch", kind, wrote(tmp_path, name, text), *options, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert {file.name for file in out.rglob("*") if file.is_file()} == made | {"manifest.json"}
    assert all(soundfile.info(file).frames for file in out.rglob("*") if file.suffix in (".wav", ".flac"))
    folder = Path(result.stdout.splitlines()[0].partition(": ")[2])
    assert (folder / "meta.json").is_file()
    (job,) = listed(koe)
    assert (job["kind"], job["title"], job["state"]) == (kind, Path(name).stem, "finished")


def test_effects_are_put_on(koe: Run, tmp_path: Path) -> None:
    text, seconds = wrote(tmp_path, "line.txt", "Who goes there?"), []
    for number, effects in enumerate([(), ("--effect", "speed:factor=2"), ("--effect", "none")]):
        out = tmp_path / str(number)
        assert koe("batch", "long", text, *effects, "--out", out).exit_code == 0
        (file,) = out.glob("*.wav")
        seconds.append(soundfile.info(file).duration)
    assert seconds[1] == pytest.approx(seconds[0] / 2, rel=0.2)
    assert seconds[2] == seconds[0]
    asked = [json.loads(koe("jobs", "show", job["id"], "--json").stdout)["request"]["options"] for job in listed(koe)]
    assert [each.get("how", {}).get("effects") for each in asked] == [[], [{"effect": "speed", "factor": 2.0}], None]


def test_a_design_needs_an_engine_for_it(koe: Run) -> None:
    result = koe("batch", "design", "a calm old sailor", "--text", "Ahoy there.", "-n", "2", "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("candidate ") == 2
    result = koe("batch", "design", "a calm old sailor", "--keep", "Old sailor")
    assert result.exit_code == 1
    assert "no voice can be designed" in result.stderr
    (job,) = listed(koe)
    assert (job["kind"], job["title"], job["state"]) == ("design", "a calm old sailor", "paused")


def test_the_best_variation_is_kept_and_a_production_done_again(koe: Run, tmp_path: Path) -> None:
    text = wrote(tmp_path, "line.txt", "Halt!")
    assert koe("batch", "variations", text, "--voice", "fake-low", "--seed", "3", "--seed", "9").exit_code == 0
    (run,) = json.loads(koe("history", "list", "--json").stdout)
    kept = json.loads(koe("history", "keep", run["id"], "002-seed-9.wav", "--json").stdout)
    assert (kept["task"], kept["text"], kept["favourite"]) == ("speech", "Halt!", True)
    assert "no take 'x'" in koe("history", "keep", run["id"], "x").stderr
    again = koe("history", "regenerate", run["id"], "--json")
    assert json.loads(again.stdout)["task"] == "variations", again.stderr
    assert len(json.loads(koe("history", "list", "--json").stdout)) == 3


def test_a_command_leaves_the_jobs_of_others_alone(koe: Run, tmp_path: Path, data_dir: Path) -> None:
    store = JobStore(data_dir / "outputs" / "jobs")
    (tmp_path / "left").write_text(SCRIPT)
    left = store.create("script", "Left by a crash", {}, tmp_path / "left")
    result = koe("batch", "script", wrote(tmp_path, "play.txt", SCRIPT), *VOICES)
    assert result.exit_code == 0, result.stderr
    assert store.job(left.id).state is JobState.PLANNING
    result = koe("jobs", "resume", left.id)
    assert "speakers without a voice" in result.stderr
    store.close()


def test_a_dry_run_shows_the_plan_and_what_is_wrong(koe: Run, tmp_path: Path, data_dir: Path) -> None:
    play = wrote(tmp_path, "play.txt", SCRIPT)
    result = koe("batch", "script", play, "--speaker", "Anna=fake-hig", "--dry-run")
    assert result.exit_code == 1
    assert "did you mean fake-high?" in result.stderr
    assert "Bert" in result.stderr
    good = koe("batch", "script", play, *VOICES, "--dry-run")
    assert good.exit_code == 0
    assert good.stdout.splitlines()[-1].startswith("3 items, 44 characters, about 0:03")
    assert "fake-low" in good.stdout
    assert not (data_dir / "outputs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("script", "--speaker", "Anna"), "NAME=VOICE"),
        (("script", "--gap", "-1"), "gap"),
        (("long", "--loudness", "3"), "loudness"),
        (("long", "--speed", "9"), "speed"),
        (("variations", "--seed", "1", "--seed", "2", "-n", "3"), "--count"),
        (("long", "--server", "tcp://127.0.0.1:10210"), "http://"),
        (("long", "--server", "http://["), "http://"),
    ],
)
def test_wrong_options_are_refused_at_once(
    koe: Run, tmp_path: Path, data_dir: Path, arguments: tuple[str, ...], words: str
) -> None:
    kind, *options = arguments
    result = koe("batch", kind, wrote(tmp_path, "x.txt", "Hello."), *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (data_dir / "outputs" / "jobs").exists()


def test_what_can_not_be_made_fails_with_the_reason(koe: Run, tmp_path: Path) -> None:
    result = koe("batch", "script", wrote(tmp_path, "play.txt", SCRIPT))
    assert result.exit_code == 1
    assert "speakers without a voice" in result.stderr
    (job,) = listed(koe)
    assert f"koe jobs retry {job['id']}" in result.stderr
    assert "speakers without a voice" in koe("jobs", "show", job["id"]).stdout
    assert koe("jobs", "remove", job["id"]).exit_code == 0
    assert koe("jobs").stderr == "There are no jobs.\n"


@pytest.mark.parametrize("command", ["show", "pause", "resume", "cancel", "retry", "remove"])
def test_a_job_that_is_not_there_is_told(koe: Run, command: str) -> None:
    result = koe("jobs", command, "../../etc")
    assert (result.exit_code, result.stderr) == (1, "koe: there is no job '../../etc'\n")


def test_after_ctrl_c_the_job_goes_on_where_it_stopped(
    koe: Run, start_koe: Start, tmp_path: Path, data_dir: Path
) -> None:
    table = "character,text\n" + "".join(f"Guard,{'Halt and be known. ' * 40} {n}\n" for n in range(60))
    process = start_koe("batch", "npc", wrote(tmp_path, "lines.csv", table))
    store = opened(data_dir)
    deadline = time.monotonic() + PATIENCE
    while not (jobs := store.jobs()) or jobs[0].progress.done < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, told.decode()
    (job,) = store.jobs()
    assert job.state is JobState.PAUSED
    assert f"koe jobs resume {job.id}" in told.decode()
    before = job.progress.done
    assert 3 <= before < 60
    result = koe("jobs", "resume", job.id, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert store.job(job.id).progress.done == 60
    assert len(list((tmp_path / "out").rglob("*.wav"))) == 60
    store.close()


def opened(data_dir: Path) -> JobStore:
    """As soon as another process has made it."""
    wait_until((data_dir / "outputs" / "jobs" / "jobs.sqlite").exists)
    return JobStore(data_dir / "outputs" / "jobs")


@pytest.fixture
def server(start_koe: Start, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of one that works in the data folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("KOE_HTTP_LISTEN", f"tcp://127.0.0.1:{port}")
    process = start_koe("serve", "--listen", "tcp://127.0.0.1:0", "--no-discovery")
    assert process.stdout is not None
    while line := process.stdout.readline():
        if line.startswith(b"Ctrl+C"):
            break
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)


def test_a_server_carries_it_out(koe: Run, server: str, tmp_path: Path) -> None:
    table, out = wrote(tmp_path, "lines.csv", TABLE), tmp_path / "out"
    plan = koe("batch", "npc", table, "--dry-run", "--server", server)
    assert plan.stdout.splitlines()[-1].startswith("3 items"), plan.stderr
    result = koe("batch", "npc", table, "--title", "Lines", "--out", out, "--server", server)
    assert result.exit_code == 0, result.stderr
    assert {file.name for file in out.rglob("*.wav")} == {"guard_1.wav", "guard_2.wav", "thief_1.wav"}
    (job,) = listed(koe, "--server", server)
    assert (job["title"], job["state"]) == ("Lines", "finished")
    # Beside it, the same jobs are seen.
    assert listed(koe) == [job]
    shown = json.loads(koe("jobs", "show", job["id"], "--json", "--server", server).stdout)
    assert shown.pop("request") == {"options": {}, "output": {"format": "wav"}}
    assert shown == {**job, "failed": []}
    assert "is finished" in koe("jobs", "pause", job["id"], "--server", server).stderr
    assert koe("jobs", "remove", job["id"], "--server", server).exit_code == 0
    assert listed(koe) == []


def test_without_its_name_the_server_of_the_folder_is_asked(koe: Run, server: str, tmp_path: Path) -> None:
    result = koe("batch", "script", wrote(tmp_path, "play.txt", SCRIPT), *VOICES)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"3 of 3 items: {server}/api/runs/")
    (job,) = listed(koe)
    assert "nothing to try again" in koe("jobs", "retry", job["id"]).stderr


def test_damaged_jobs_do_not_keep_the_house_from_speaking(
    koe: Run, data_dir: Path, request: pytest.FixtureRequest
) -> None:
    folder = data_dir / "outputs" / "jobs"
    folder.mkdir(parents=True)
    (folder / "jobs.sqlite").write_bytes(b"no database at all" * 1000)
    server: str = request.getfixturevalue("server")
    refused = koe("jobs", "list", "--server", server)
    assert (refused.exit_code, "does no jobs now" in refused.stderr) == (1, True)
    assert "can't be opened" in koe("jobs", "list").stderr
    with urlopen(f"{server}/health", timeout=PATIENCE) as answer:
        assert answer.status == 200


async def test_the_token_is_shown_to_the_server(
    koe: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JobStore(tmp_path / "jobs")
    queue = JobQueue(store, {}, side_by_side=1, max_jobs=1)
    async with http_house(
        tmp_path,
        http_jobs.ENDPOINTS,
        listen=[f"tcp://{STRANGER}:0"],
        trust=STRANGERS,
        prepare=lambda app, _: http_jobs.install(app, queue, store),
    ) as house:
        listing = ("jobs", "list", "--json", "--server", house.url)
        assert "KOE_TOKEN" in (await asyncio.to_thread(koe, *listing)).stderr
        wrote(data_dir, "config/token", f"{TOKEN}\n")
        assert (await asyncio.to_thread(koe, *listing)).stdout == "[]\n"
        monkeypatch.setenv("KOE_TOKEN", "another-token-0123456789")
        assert "not the token" in (await asyncio.to_thread(koe, *listing)).stderr
    store.close()


def test_a_server_that_can_not_be_found_is_told(
    koe: Run, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = wrote(tmp_path, "line.txt", "Halt!")
    monkeypatch.setenv("KOE_HTTP_LISTEN", "tcp://127.0.0.1:0")
    result = koe("batch", "variations", text)
    assert result.exit_code == 2
    assert "--server" in result.stderr
    result = koe("batch", "variations", text, "--server", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "can't be asked" in result.stderr
