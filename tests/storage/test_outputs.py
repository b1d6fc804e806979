"""One folder: its owner, its history whatever became of it, and the end of old runs."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from koe.core.errors import KoeError, SettingsError, UnknownRun
from koe.storage.archive import zip_pieces
from koe.storage.history import Query
from koe.storage.outputs import Limits, Outputs
from koe.storage.run import Run
from koe.storage.runs import Runs
from tests.storage.samples import hidden, keep
from tests.support.waiting import wait_until

PATIENCE = 20.0
UNLIMITED = Limits()

DIES_AFTER_THE_RENAME = """
import os, signal, sys
from pathlib import Path
from koe.storage.runs import Runs
from tests.storage.samples import keep
keep(Runs(Path(sys.argv[1]), lambda run: os.kill(os.getpid(), signal.SIGKILL)))
"""


def shown(outputs: Outputs, text: str = "") -> list[str]:
    return [entry.text for entry in outputs.search(Query(text)).entries]


def served(folder: Path, limits: Limits = UNLIMITED) -> Outputs:
    outputs = Outputs(folder, limits, patience=0)
    outputs.serve()
    return outputs


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Outputs]:
    outputs = served(tmp_path)
    yield outputs
    outputs.close()


def test_a_finished_run_is_found_at_once(outputs: Outputs) -> None:
    run = keep(outputs, "Guten Morgen.")
    assert shown(outputs, "morgen") == ["Guten Morgen."]
    outputs.mark(run.id, favourite=True)
    assert [entry.favourite for entry in outputs.search(Query(favourite=True)).entries] == [True]
    outputs.remove(run.id)
    assert shown(outputs) == []


def test_a_second_server_is_refused_with_a_reason(outputs: Outputs, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"another Koe server works in .*--data-dir"):
        served(tmp_path)
    outputs.close()
    served(tmp_path).close()


def test_the_command_line_reads_and_changes_beside_a_server(outputs: Outputs, tmp_path: Path) -> None:
    run = keep(outputs, "Said by the server.")
    visitor = Outputs(tmp_path)
    visitor.visit()
    assert shown(visitor) == ["Said by the server."]
    visitor.remove(run.id)
    keep(visitor, "Said by the visitor.")
    visitor.close()
    assert shown(outputs) == ["Said by the visitor."]
    assert shown(outputs, "server") == []


def test_pages_lead_from_one_to_the_next(outputs: Outputs) -> None:
    made = [keep(outputs, f"Text {number}.").id for number in range(7)]
    first = outputs.search(Query(), limit=3)
    second = outputs.search(Query(), cursor=first.next, limit=3)
    third = outputs.search(Query(), cursor=second.next, limit=3)
    found = [entry.id for page in (first, second, third) for entry in page.entries]
    assert found == sorted(made, reverse=True)
    assert third.next is None
    assert outputs.search(Query(), limit=7).next is None


def test_folders_that_were_removed_by_hand_are_not_shown(outputs: Outputs) -> None:
    made = [keep(outputs, f"Text {number}.") for number in range(6)]
    newest = sorted(made, key=lambda run: run.id)[-1]
    for run in made:
        if run is not newest:
            shutil.rmtree(run.folder)
    assert [entry.id for entry in outputs.search(Query(), limit=1).entries] == [newest.id]
    page = outputs.search(Query("text"), limit=4)
    assert ([entry.id for entry in page.entries], page.next) == ([newest.id], None)
    with pytest.raises(UnknownRun):
        outputs.get(made[0].id if made[0] is not newest else made[1].id)


@pytest.mark.parametrize("loss", ["missing", "no database", "empty", "other version", "torn"])
def test_a_lost_history_is_made_anew_with_its_flags(tmp_path: Path, loss: str) -> None:
    outputs = served(tmp_path)
    run = keep(outputs, "Kept.")
    for number in range(300):
        keep(outputs, f"Text {number}.")
    outputs.mark(run.id, pinned=True)
    outputs.close()
    path = tmp_path / "history.sqlite"
    data = path.read_bytes()
    if loss == "other version":
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
    else:
        path.unlink()
    if loss in ("no database", "empty", "torn"):
        torn = data[:8192] + os.urandom(len(data) - 8192)
        path.write_bytes({"no database": b"no database" * 1000, "empty": b"", "torn": torn}[loss])
    outputs = served(tmp_path)
    try:
        wait_until(lambda: len(outputs.search(Query(), limit=400).entries) == 301)
        assert [entry.id for entry in outputs.search(Query(pinned=True)).entries] == [run.id]
        assert shown(outputs, "text 299") == ["Text 299."]
        wait_until(lambda: outputs.indexing is None)
    finally:
        outputs.close()


def test_while_the_history_is_made_its_progress_is_known_and_what_it_has_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = served(tmp_path)
    made = sorted(keep(outputs, f"Text {number}.").id for number in range(250))
    outputs.close()
    (tmp_path / "history.sqlite").unlink()
    really, reading, going_on = Runs.read, threading.Event(), threading.Event()

    def slowly(runs: Runs, name: str) -> Run:
        if made[99] in name:
            reading.set()
            assert going_on.wait(PATIENCE)
        return really(runs, name)

    monkeypatch.setattr(Runs, "read", slowly)
    outputs = served(tmp_path)
    assert reading.wait(PATIENCE)
    assert outputs.indexing == (100, 250)
    assert [entry.id for entry in outputs.search(Query(), limit=250).entries] == made[:149:-1]
    marked = outputs.mark(made[120], favourite=True)
    assert [entry.id for entry in outputs.search(Query(favourite=True)).entries] == [marked.id]
    new = keep(outputs, "Spoken meanwhile.")
    assert shown(outputs, "meanwhile") == ["Spoken meanwhile."]
    going_on.set()
    wait_until(lambda: outputs.indexing is None)
    assert len(outputs.search(Query(), limit=300).entries) == 251
    assert [entry.id for entry in outputs.search(Query(favourite=True)).entries] == [marked.id]
    outputs.close()
    assert new.folder.is_dir()


def test_damage_that_comes_later_heals_as_well(outputs: Outputs, tmp_path: Path) -> None:
    for number in range(50):
        keep(outputs, f"Text {number}. " + "x" * 500)
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(path.stat().st_size - 100))
    late = keep(outputs, "Spoken meanwhile.")
    wait_until(lambda: len(outputs.search(Query(), limit=100).entries) == 51)
    assert shown(outputs, "meanwhile") == ["Spoken meanwhile."]
    assert outputs.get(late.id) == late


def test_a_damaged_run_is_skipped_with_a_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outputs = served(tmp_path)
    good, bad = keep(outputs, "Good."), keep(outputs, "Bad.")
    outputs.close()
    (bad.folder / "meta.json").write_text("{")
    (tmp_path / "history.sqlite").unlink()
    outputs = served(tmp_path)
    wait_until(lambda: shown(outputs) == ["Good."] and outputs.indexing is None)
    assert f"the run {bad.id} can't be used: meta.json" in caplog.text
    outputs.remove(bad.id)
    outputs.close()
    assert good.folder.is_dir()
    assert not bad.folder.exists()


def test_a_run_whose_maker_died_before_it_was_listed_is_found(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", DIES_AFTER_THE_RENAME, tmp_path / "runs"], cwd=root, check=False)
    outputs = served(tmp_path)
    wait_until(lambda: shown(outputs) == ["Hello."])
    wait_until(lambda: hidden(tmp_path / "runs") == [])
    outputs.close()


def test_a_history_that_cannot_be_written_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "history.sqlite").mkdir()
    outputs = served(tmp_path)
    run = keep(outputs)
    assert outputs.get(run.id) == run
    assert "isn't in the history yet" in caplog.text
    with pytest.raises(KoeError, match=r"history\.sqlite"):
        outputs.search(Query())
    outputs.close()


def test_a_hundred_runs_at_once_are_all_found(outputs: Outputs) -> None:
    with ThreadPoolExecutor(100) as threads:
        list(threads.map(lambda number: keep(outputs, f"Text {number}."), range(100)))
    found = outputs.search(Query(), limit=200).entries
    assert sorted(entry.text for entry in found) == sorted(f"Text {number}." for number in range(100))


def test_old_runs_go_but_not_those_that_somebody_wants(tmp_path: Path) -> None:
    outputs = served(tmp_path)
    pinned, favourite, old = (keep(outputs, name) for name in ("pinned", "favourite", "old"))
    outputs.mark(pinned.id, pinned=True)
    outputs.mark(favourite.id, favourite=True)
    outputs.close()
    outputs = served(tmp_path, Limits(max_age=timedelta(0)))
    wait_until(lambda: sorted(shown(outputs)) == ["favourite", "pinned"])
    outputs.close()
    assert not old.folder.exists()
    assert pinned.folder.is_dir()


def test_the_oldest_make_room_for_new_ones(tmp_path: Path) -> None:
    outputs = served(tmp_path, Limits(max_bytes=10_500))
    pinned = keep(outputs, "pinned", sound=bytes(3000))
    outputs.mark(pinned.id, pinned=True)
    for number in range(6):
        keep(outputs, f"Text {number}.", sound=bytes(3000))
        threading.Event().wait(0.002)
    wait_until(lambda: sorted(shown(outputs)) == ["Text 4.", "Text 5.", "pinned"])
    outputs.close()


def test_a_zip_holds_all_of_a_run_and_is_made_piece_by_piece(outputs: Outputs) -> None:
    sound = os.urandom(3_000_000)
    run = keep(outputs, sound=sound)
    pieces = list(zip_pieces(run))
    assert max(map(len, pieces)) < 300_000
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        names = [f"{run.folder.name}/{name}" for name in ("audio.wav", "input.json", "meta.json")]
        assert archive.namelist() == names
        assert archive.read(names[0]) == sound


def test_a_zip_of_a_file_that_was_cut_off_does_not_end_well(outputs: Outputs) -> None:
    run = keep(outputs, sound=bytes(100))
    run.file("audio.wav").write_bytes(bytes(50))
    with pytest.raises(KoeError, match="50 bytes instead of 100"):
        list(zip_pieces(run))
