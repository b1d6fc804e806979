"""A run is there whole, or not at all."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from koe import __version__
from koe.core.errors import KoeError, MalformedInput, UnknownRun
from koe.storage.ids import folder_name, id_in, is_id, new_id
from koe.storage.runs import Runs
from tests.storage.samples import description, hidden, keep

ROOT = Path(__file__).parents[2]

DIES = """
import os, signal, sys
from pathlib import Path
from koe.storage.runs import Runs
runs = Runs(Path(sys.argv[1]))
draft = runs.begin("speech", {"text": "Hello."})
draft.file("audio.wav").write_bytes(b"RIFF")
print(draft.folder.name, flush=True)
sys.stdin.read() if sys.argv[2] == "waits" else os.kill(os.getpid(), signal.SIGKILL)
"""

FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
from koe.core.errors import KoeError
from koe.storage.runs import Runs
from tests.storage.samples import description
runs = Runs(Path(sys.argv[1]))
text = "x" * 100_000
with runs.begin("speech", {"text": "Hello."}) as draft:
    draft.file("audio.wav").write_bytes(b"RIFF")
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    try:
        draft.finish(description(text))
    except KoeError as error:
        print(error.message)
try:
    runs.begin("speech", {"text": text})
except KoeError as error:
    print(error.message)
"""


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


def test_a_run_is_kept_with_all_that_is_known_of_it(runs: Runs) -> None:
    text = "Grüße, 東京! 🎈 \ud800"
    with runs.begin("speech", {"text": text, "seed": None}) as draft:
        draft.file("audio.wav").write_bytes(b"RIFF")
        draft.file("words.srt").write_text("1")
        assert runs.names() == {}
        run = draft.finish(description(text, seed=7, language="de"))
    assert re.fullmatch(rf"\d{{8}}-\d{{6}}_speech_{draft.id}", run.folder.name)
    assert runs.names() == {run.id: run.folder.name}
    assert runs.get(run.id) == run
    assert (run.meta.text, run.meta.seed, run.meta.koe) == ("Grüße, 東京! 🎈 ?", 7, __version__)
    assert run.input() == {"text": run.meta.text, "seed": None}
    assert [file.name for file in run.meta.files] == ["audio.wav", "words.srt", "input.json"]
    for file in run.meta.files:
        data = run.file(file.name).read_bytes()
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    runs.close()
    assert hidden(runs.folder) == []


def test_what_is_not_finished_was_never_there(runs: Runs) -> None:
    with pytest.raises(ZeroDivisionError), runs.begin("speech", {}) as draft:
        draft.file("audio.wav").write_bytes(b"RIFF")
        _ = 1 / 0
    with pytest.raises(KoeError, match=r"audio\.wav"), runs.begin("speech", {}) as draft:
        draft.file("audio.wav")
        draft.finish(description())
    runs.close()
    assert runs.names() == {}
    assert hidden(runs.folder) == []


def test_ids_sort_by_time_and_are_nobodys_guess() -> None:
    start = datetime(2026, 1, 31, 18, 5, 2, tzinfo=UTC)
    ids = [new_id(start + timedelta(milliseconds=step)) for step in range(1000)]
    assert ids == sorted(ids)
    assert all(is_id(each) for each in ids)
    assert len({each[-16:] for each in ids}) == 1000
    name = folder_name(ids[0], "long-form", start)
    assert name.startswith("20260131-180502_long-form_")
    assert id_in(name) == ids[0]
    assert id_in(f".{name}") is id_in(f"{name}x") is id_in("..") is None


@pytest.mark.parametrize("task", ["", "..", "Speech", "a_b", "a/b", "x" * 31])
def test_a_task_is_a_word(runs: Runs, task: str) -> None:
    with pytest.raises(MalformedInput, match="task"):
        runs.begin(task, {})


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../x.wav",
        ".x",
        "a/b/c",
        "/a",
        "a/",
        "a/..",
        "a\\b",
        "meta.json",
        "words.json",
        "Input.json",
        "x" * 201,
        "x.",
        "x\n",
    ],
)
def test_a_file_lies_in_its_run(runs: Runs, name: str) -> None:
    with runs.begin("speech", {}) as draft, pytest.raises(MalformedInput):
        draft.file(name)


@pytest.mark.parametrize("name", ["a/b", "ä.wav", "日本/こえ.wav", "x" * 200])
def test_letters_of_all_scripts_and_one_folder_are_a_name(runs: Runs, name: str) -> None:
    with runs.begin("speech", {}) as draft:
        draft.file(name).write_bytes(b"sound")
        run = draft.finish(description())
    assert run.file(name).read_bytes() == b"sound"


def test_a_name_is_given_once(runs: Runs) -> None:
    with runs.begin("speech", {}) as draft:
        draft.file("audio.wav")
        with pytest.raises(MalformedInput, match="already"):
            draft.file("Audio.wav")


@pytest.mark.parametrize("run_id", ["", "..", "../../etc", "x" * 26, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%2e%2e", "\0"])
def test_no_id_leads_elsewhere(runs: Runs, run_id: str) -> None:
    keep(runs)
    for look in (runs.get, runs.remove, runs.mark):
        with pytest.raises(UnknownRun):
            look(run_id)


def test_only_what_meta_json_names_is_a_file_of_the_run(runs: Runs) -> None:
    run = keep(runs)
    (run.folder / "secret.txt").write_text("x")
    for name in ("secret.txt", "meta.json", "../x", ""):
        with pytest.raises(UnknownRun):
            run.file(name)
    audio = run.file("audio.wav")
    audio.unlink()
    with pytest.raises(UnknownRun, match="any more"):
        run.file("audio.wav")
    audio.symlink_to("/etc/passwd")
    with pytest.raises(UnknownRun, match="any more"):
        run.file("audio.wav")


def test_flags_are_kept_beside_what_never_changes(runs: Runs) -> None:
    run = keep(runs)
    before = (run.folder / "meta.json").read_bytes()
    assert runs.mark(run.id, favourite=True).flags.favourite
    marked = runs.mark(run.id, pinned=True)
    assert (marked.flags.favourite, marked.flags.pinned) == (True, True)
    assert runs.get(run.id) == marked
    assert not runs.mark(run.id, favourite=False).flags.favourite
    assert (run.folder / "meta.json").read_bytes() == before
    (run.folder / "flags.json").write_text("{")
    assert runs.get(run.id).flags.pinned


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda meta: b"", "EOF|Invalid JSON"),
        (lambda meta: b"\xff\xfe", "Invalid JSON|utf-8"),
        (lambda meta: b"[" * 100_000, "Invalid JSON"),
        (lambda meta: json.dumps(meta | {"schema_version": 2}).encode(), "schema_version"),
        (lambda meta: json.dumps(meta | {"id": new_id(datetime.now(UTC))}).encode(), "another run"),
        (lambda meta: json.dumps(meta | {"seed": 2**63}).encode(), "seed"),
        (lambda meta: json.dumps(meta | {"created": "0001-01-01T00:00:00+01:00"}).encode(), "created"),
        (lambda meta: json.dumps(meta | {"files": []}).encode(), "files"),
        (lambda meta: json.dumps(meta | {"files": [meta["files"][0] | {"name": "../x"}]}).encode(), r"files\.0\.name"),
    ],
)
def test_a_damaged_run_says_why_and_can_be_removed(runs: Runs, damage: object, reason: str) -> None:
    run = keep(runs)
    path = run.folder / "meta.json"
    path.write_bytes(damage(json.loads(path.read_text())))  # type: ignore[operator]
    with pytest.raises(UnknownRun, match=reason):
        runs.get(run.id)
    runs.remove(run.id)
    assert runs.names() == {}


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(runs: Runs) -> None:
    run = keep(runs)
    (run.folder / "meta.json").unlink()
    os.mkfifo(run.folder / "meta.json")
    with pytest.raises(UnknownRun, match="no file"):
        runs.get(run.id)


def test_a_removed_run_is_gone_at_once(runs: Runs) -> None:
    run, other = keep(runs), keep(runs)
    runs.remove(run.id)
    with pytest.raises(UnknownRun):
        runs.remove(run.id)
    assert list(runs.names()) == [other.id]
    assert not [name for name in hidden(runs.folder) if name.startswith(".gone")]


def test_a_hundred_runs_at_once(runs: Runs) -> None:
    with ThreadPoolExecutor(100) as threads:
        made = list(threads.map(lambda number: keep(runs, f"Text {number}."), range(100)))
    assert {runs.get(run.id).meta.text for run in made} == {f"Text {number}." for number in range(100)}
    runs.close()
    assert hidden(runs.folder) == []


def test_what_a_killed_process_was_writing_is_tidied_away(runs: Runs) -> None:
    kept = keep(runs)
    own = runs.begin("speech", {})
    command = [sys.executable, "-c", DIES, str(runs.folder)]
    dead = subprocess.run([*command, "dies"], stdout=subprocess.PIPE, cwd=ROOT, check=False)
    assert dead.returncode == -signal.SIGKILL
    left = dead.stdout.decode().strip()
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "waits"], stdin=pipe, stdout=pipe, cwd=ROOT) as alive:
        assert alive.stdout is not None
        written = alive.stdout.readline().decode().strip()
        (runs.folder / f".gone_{kept.folder.name}_00").mkdir()
        assert left in hidden(runs.folder)
        assert Runs(runs.folder).tidy() == 2
        names = hidden(runs.folder)
        assert left not in names
        assert {written, own.folder.name} < set(names)
        alive.kill()
    assert Runs(runs.folder).tidy() == 1
    own.discard()
    runs.close()
    assert hidden(runs.folder) == []
    assert list(runs.names()) == [kept.id]


def test_a_disk_that_refuses_more_leaves_nothing_behind(runs: Runs) -> None:
    full = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, runs.folder], stdout=subprocess.PIPE, cwd=ROOT, check=True
    )
    told = full.stdout.decode().splitlines()
    assert len(told) == 2
    assert all("can't be written: File too large" in line for line in told)
    assert runs.names() == {}
    assert not [name for name in hidden(runs.folder) if name.startswith(".draft")]
