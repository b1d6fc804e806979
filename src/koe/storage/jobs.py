"""Jobs and their items on disk, so that a crash, at whatever moment, costs no item that was finished.

One SQLite file holds all jobs; what their items sound like lies beside it, a folder for each job:

    outputs/jobs/jobs.sqlite
    outputs/jobs/<job id>/...
"""

import json
import re
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from pathlib import Path

from koe import disk
from koe.core.errors import RequestError, UnknownJob
from koe.storage.job import Item, ItemState, Job, JobState, Progress, Values

SOURCE = "source"

_VERSION = 1
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_AT_ONCE = 1000
"""Items that are written in one transaction."""

_WAIT_SECONDS = 10.0
"""For another process that is writing."""

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, request TEXT NOT NULL,
    created REAL NOT NULL, changed REAL NOT NULL, worked REAL NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    run TEXT, items INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0, size_tried INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS items (
    job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, number INTEGER NOT NULL, state TEXT NOT NULL,
    size INTEGER NOT NULL, spec TEXT NOT NULL, result TEXT, error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_by_state ON items (job, state, number);
"""


class JobStore:
    """Its methods take milliseconds and may be called in any thread; `add` takes as long as the items come."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of all jobs. Raises RequestError where it holds jobs of a newer Koe, OSError."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = _open(folder / "jobs.sqlite")

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def folder(self, job_id: str) -> Path:
        """Of a job's files; made with the job."""
        return self._folder / _checked(job_id)

    @contextmanager
    def upload(self) -> Iterator[Path]:
        """Where to write what a job is to be made of; gone afterwards, unless `create` has taken it."""
        file = self._folder / f".upload-{secrets.token_hex(8)}"
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    def create(self, kind: str, title: str, request: Values, source: Path | None = None) -> Job:
        """In the state `planning`; then `add` its items and `set_state` it to `queued`. `source`: a file that becomes
        the job's own, as `source` in its folder."""
        now = time.time()
        job_id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(4)}"
        folder = self.folder(job_id)
        folder.mkdir()
        if source is not None:
            # Whoever is told of the job may throw the file away.
            disk.flush(source)
            source.replace(folder / SOURCE)
            disk.sync(folder)
        disk.sync(self._folder)
        with self._transaction() as database:
            database.execute(
                "INSERT INTO jobs (id, kind, title, state, request, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (job_id, kind, title, JobState.PLANNING, json.dumps(request), now, now),
            )
        return self.job(job_id)

    def add(self, job_id: str, specs: Iterable[tuple[int, Values]]) -> None:
        """Pairs of size and specification, behind those that it has."""
        rest = iter(specs)
        number = self.job(job_id).progress.items
        while some := list(islice(rest, _AT_ONCE)):
            rows = [
                (job_id, each, ItemState.WAITING, size, json.dumps(spec))
                for each, (size, spec) in enumerate(some, number)
            ]
            with self._transaction() as database:
                database.executemany("INSERT INTO items (job, number, state, size, spec) VALUES (?, ?, ?, ?, ?)", rows)
                database.execute(
                    "UPDATE jobs SET items = items + ?, size = size + ? WHERE id = ?",
                    (len(some), sum(size for size, _ in some), job_id),
                )
            number += len(some)

    def clear(self, job_id: str) -> None:
        """Take all items away, to plan anew."""
        with self._transaction() as database:
            database.execute("DELETE FROM items WHERE job = ?", (job_id,))
            database.execute(
                "UPDATE jobs SET items = 0, done = 0, failed = 0, size = 0, size_tried = 0 WHERE id = ?", (job_id,)
            )

    def job(self, job_id: str) -> Job:
        """Raises RequestError where there is none."""
        with self._lock:
            row = self._database.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise UnknownJob(f"there is no job {job_id[:100]!r}")
            return _job(row)

    def jobs(self, states: Sequence[JobState] = tuple(JobState), *, newest_first: bool = False) -> list[Job]:
        order = "DESC" if newest_first else "ASC"
        marks = ", ".join("?" * len(states))
        with self._lock:
            rows = self._database.execute(
                f"SELECT * FROM jobs WHERE state IN ({marks}) ORDER BY rowid {order}",
                [str(state) for state in states],
            ).fetchall()
        return [_job(row) for row in rows]

    def items(self, job_id: str, state: ItemState | None = None, *, after: int = -1, limit: int = 100) -> list[Item]:
        """In their order, those behind number `after`."""
        where, values = "job = ? AND number > ?", [job_id, after]
        if state is not None:
            where, values = f"{where} AND state = ?", [*values, str(state)]
        with self._lock:
            rows = self._database.execute(
                f"SELECT * FROM items WHERE {where} ORDER BY number LIMIT ?", [*values, limit]
            ).fetchall()
        return [_item(row) for row in rows]

    def every_item(self, job_id: str, state: ItemState | None = None) -> Iterator[Item]:
        """A few hundred at a time, so that a million of them fit."""
        after = -1
        while some := self.items(job_id, state, after=after, limit=500):
            yield from some
            after = some[-1].number

    def set_state(self, job_id: str, state: JobState, *, error: str = "", run: str | None = None) -> None:
        with self._transaction() as database:
            database.execute(
                "UPDATE jobs SET state = ?, error = ?, run = coalesce(?, run), changed = ? WHERE id = ?",
                (state, error, run, time.time(), job_id),
            )

    def done(self, item: Item, result: Values, seconds: float) -> None:
        """It is, and took so long. Whatever it made must be on disk by now."""
        self._settle(item, ItemState.DONE, json.dumps(result), "", seconds)

    def failed(self, item: Item, error: str, seconds: float) -> None:
        self._settle(item, ItemState.FAILED, None, error, seconds)

    def retry(self, job_id: str) -> int:
        """Put back the items that failed; how many."""
        with self._transaction() as database:
            database.execute(
                "UPDATE jobs SET failed = 0, size_tried = size_tried - (SELECT coalesce(sum(size), 0) FROM items "
                "WHERE job = jobs.id AND state = ?) WHERE id = ?",
                (ItemState.FAILED, job_id),
            )
            changed = database.execute(
                "UPDATE items SET state = ?, error = '' WHERE job = ? AND state = ?",
                (ItemState.WAITING, job_id, ItemState.FAILED),
            )
            return changed.rowcount

    def remove(self, job_id: str) -> None:
        """With its files; their folder goes first out of sight, so that a crash leaves no half."""
        folder = self.folder(job_id)
        hidden = folder.with_name(f".removed-{folder.name}")
        if folder.exists():
            folder.rename(hidden)
        with self._transaction() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        shutil.rmtree(hidden, ignore_errors=True)

    def tidy(self) -> None:
        """What a crash in the middle of `remove` or `create` left."""
        known = {job.id for job in self.jobs()}
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.name.startswith(".upload-"):
                folder.unlink(missing_ok=True)

    def _settle(self, item: Item, state: ItemState, result: str | None, error: str, seconds: float) -> None:
        with self._transaction() as database:
            database.execute(
                "UPDATE items SET state = ?, result = ?, error = ? WHERE job = ? AND number = ?",
                (state, result, error, item.job, item.number),
            )
            database.execute(
                "UPDATE jobs SET worked = worked + ?, changed = ?, done = done + ?, failed = failed + ?, "
                "size_tried = size_tried + ? WHERE id = ?",
                (seconds, time.time(), state is ItemState.DONE, state is ItemState.FAILED, item.size, item.job),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._database:
            yield self._database


def _open(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_WAIT_SECONDS, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    # A commit is on the disk when it returns, also where the power is cut then.
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        database.close()
        raise RequestError(f"{file} was written by a newer Koe: use that one, or move the file away")
    if version == 0:
        # Another process may be doing the same.
        database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
    return database


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    progress = Progress(**{each.name: values.pop(each.name) for each in fields(Progress)})
    state, request = JobState(values.pop("state")), json.loads(values.pop("request"))
    return Job(**values, state=state, request=request, progress=progress)


def _item(row: sqlite3.Row) -> Item:
    result = json.loads(row["result"]) if row["result"] is not None else None
    return Item(
        row["job"], row["number"], ItemState(row["state"]), row["size"], json.loads(row["spec"]), result, row["error"]
    )


def _checked(job_id: str) -> str:
    if not _ID.fullmatch(job_id):
        raise UnknownJob(f"there is no job {job_id[:100]!r}")
    return job_id
