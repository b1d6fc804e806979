"""What is known of jobs after whatever happened to the process that worked on them."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from koe.core.errors import RequestError
from koe.storage.job import ItemState, JobState
from koe.storage.jobs import JobStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    made = JobStore(tmp_path / "jobs")
    yield made
    made.close()


def planned(store: JobStore, sizes: list[int]) -> str:
    job = store.create("script", "A play", {"text": "Ann: Grüezi"})
    store.add(job.id, ((size, {"text": "x" * size}) for size in sizes))
    store.set_state(job.id, JobState.QUEUED)
    return job.id


def test_what_a_job_is_made_of_is_on_disk_before_the_job_is(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[int, int]] = []
    flush = os.fsync

    def noted(handle: int) -> None:
        flushed.append((os.fstat(handle).st_ino, len(store.jobs())))
        flush(handle)

    monkeypatch.setattr(os, "fsync", noted)
    with store.upload() as file:
        file.write_text("Ann: Grüezi")
        job = store.create("script", "A play", {}, file)
    folder = store.folder(job.id)
    assert [count for _, count in flushed] == [0] * len(flushed)
    names = {folder / "source", folder, folder.parent}
    assert {path.stat().st_ino for path in names} <= {number for number, _ in flushed}


def test_progress_counts_items_and_their_sizes(store: JobStore) -> None:
    job_id = planned(store, [10, 20, 30, 40])
    first, second, *_ = store.items(job_id)
    store.done(first, {"file": "000000.flac"}, seconds=1.0)
    store.failed(second, "the engine failed", seconds=2.0)
    job = store.job(job_id)
    progress = job.progress
    assert (progress.items, progress.done, progress.failed, progress.size, progress.size_tried) == (4, 1, 1, 100, 30)
    assert job.seconds_left == pytest.approx(7.0)
    assert job.request == {"text": "Ann: Grüezi"}
    assert [item.number for item in store.items(job_id, ItemState.WAITING)] == [2, 3]
    assert store.items(job_id, ItemState.DONE)[0].result == {"file": "000000.flac"}
    assert store.items(job_id, ItemState.FAILED)[0].error == "the engine failed"


def test_what_failed_can_be_tried_again(store: JobStore) -> None:
    job_id = planned(store, [10, 20, 30])
    first, second, _ = store.items(job_id)
    store.done(first, {}, 1.0)
    store.failed(second, "no", 1.0)
    assert store.retry(job_id) == 1
    assert [item.state for item in store.items(job_id)] == [ItemState.DONE, ItemState.WAITING, ItemState.WAITING]
    assert (store.job(job_id).progress.failed, store.job(job_id).progress.size_tried) == (0, 10)


def test_a_job_that_is_planned_anew_has_its_items_once(store: JobStore) -> None:
    job_id = planned(store, [1] * 2500)
    store.clear(job_id)
    assert store.job(job_id).progress.items == 0
    store.add(job_id, ((2, {}) for _ in range(1500)))
    assert [item.number for item in store.every_item(job_id)] == list(range(1500))
    assert store.job(job_id).progress.size == 3000


def test_jobs_are_listed_in_their_order_and_by_state(store: JobStore) -> None:
    ids = [planned(store, [1]) for _ in range(3)]
    store.set_state(ids[1], JobState.FAILED, error="no disk")
    assert {job.id for job in store.jobs()} == set(ids)
    assert [job.error for job in store.jobs([JobState.FAILED])] == ["no disk"]
    assert [job.created for job in store.jobs()] == sorted(job.created for job in store.jobs())
    assert store.jobs(newest_first=True) == store.jobs()[::-1]


def test_a_removed_job_leaves_nothing(store: JobStore, tmp_path: Path) -> None:
    job_id = planned(store, [1])
    (store.folder(job_id) / "000000.flac").write_bytes(b"sound")
    store.remove(job_id)
    assert store.jobs() == []
    assert [file for file in (tmp_path / "jobs").iterdir() if file.is_dir()] == []
    with pytest.raises(RequestError, match="there is no job"):
        store.job(job_id)


@pytest.mark.parametrize("job_id", ["../..", "/etc", "", "20261121-120000-XYZ", "x" * 10_000, "\0"])
def test_an_id_is_never_a_path(store: JobStore, job_id: str) -> None:
    with pytest.raises(RequestError, match="there is no job"):
        store.folder(job_id)


def test_the_next_process_knows_what_a_killed_one_had_done(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from koe.storage.job import JobState
from koe.storage.jobs import JobStore
store = JobStore(Path(sys.argv[1]))
job = store.create("long", "A book", {})
store.add(job.id, ((1, {}) for _ in range(50)))
store.set_state(job.id, JobState.RUNNING)
for item in store.items(job.id)[:17]:
    store.done(item, {"file": str(item.number)}, 0.5)
print(job.id, flush=True)
store.create("long", "Half begun", {})
print("begun", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        job_id = process.stdout.readline().strip()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    store = JobStore(tmp_path)
    store.tidy()
    job = store.job(job_id)
    assert (job.state, job.progress.done) == (JobState.RUNNING, 17)
    assert job.worked == pytest.approx(8.5)
    assert [item.number for item in store.items(job_id, ItemState.WAITING)] == list(range(17, 50))
    assert [each.title for each in store.jobs([JobState.PLANNING])] == ["Half begun"]
    store.close()


def test_folders_without_a_job_are_tidied_away(store: JobStore, tmp_path: Path) -> None:
    job_id = planned(store, [1])
    stray = tmp_path / "jobs" / ".removed-20260101-000000-00000000"
    stray.mkdir()
    store.tidy()
    assert not stray.exists()
    assert store.folder(job_id).is_dir()


def test_a_file_of_a_newer_koe_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "jobs.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(RequestError, match="newer Koe"):
        JobStore(tmp_path)
