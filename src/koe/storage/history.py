"""The index of all runs: an SQLite file that finds them quickly, and is made anew from their folders where it is lost.

Text is found by its parts: every sequence of three characters is indexed, which needs no notion of words and so serves
every script. Shorter terms (a word of two Chinese characters) are looked for in the text itself.
"""

import contextlib
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from koe.core.errors import KoeError
from koe.storage.run import Run

EXCERPT = 300
"""Characters of a text that a list shows."""

_VERSION = 2
_WAIT_SECONDS = 5.0
"""For another process that is writing."""

_INDEXED = 3
"""Characters that a term has at least if the index is to find it."""

_MOST_TERMS = 20

_TABLES = (
    """CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, folder TEXT NOT NULL, task TEXT NOT NULL,
    created REAL NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, voice TEXT NOT NULL, engine TEXT NOT NULL,
    language TEXT, seed INTEGER, duration REAL NOT NULL, audio TEXT NOT NULL, bytes INTEGER NOT NULL,
    favourite INTEGER NOT NULL, pinned INTEGER NOT NULL
)""",
    "CREATE VIRTUAL TABLE words USING fts5(text, tokenize='trigram')",
)
_COLUMNS = (
    "id, folder, task, created, title, text, voice, engine, language, seed, duration, audio, bytes, favourite, pinned"
)
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class HistoryUnusable(KoeError):
    """The file is damaged, or of another version: it has to be made anew."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list shows of a run."""

    id: str
    folder: str
    """Its name."""

    task: str
    created: datetime
    title: str
    text: str
    """Its beginning."""

    voice: str
    engine: str
    language: str | None
    seed: int | None
    duration: float
    """Seconds."""

    audio: str
    """The name of the file to be heard."""

    bytes: int
    favourite: bool
    pinned: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs; what is empty or None doesn't matter."""

    text: str = ""
    """Terms that all have to be in its title or its text, anywhere and in any case."""

    voice: str | None = None
    task: str | None = None
    engine: str | None = None
    language: str | None = None
    """`en` finds en-GB, `en-GB` only itself."""

    favourite: bool | None = None
    pinned: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


class History:
    """To be used from any thread; other processes may have the same file open."""

    def __init__(self, path: Path) -> None:
        """Creates nothing."""
        self._path = path
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None

    def check(self) -> None:
        """Read all of it once. Raises HistoryUnusable."""
        with self._using() as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise HistoryUnusable(f"{self._path} is damaged: {found[0]}")

    def reset(self) -> None:
        """Make it anew, empty. Only for the one who owns it. Raises KoeError."""
        with self._lock:
            self.close()
            try:
                for ending in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            except OSError as error:
                raise KoeError(f"{error.filename or self._path} can't be removed: {error.strerror or error}") from error

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def add(self, runs: Iterable[Run]) -> None:
        """One that is known already stays as it is: its flags may have changed since it was read."""
        with self._using() as db:
            for run in runs:
                _add(db, run)

    def mark(self, run: Run) -> None:
        """Its flags have changed."""
        with self._using() as db:
            _add(db, run)
            marks = (run.flags.favourite, run.flags.pinned, run.id)
            db.execute("UPDATE runs SET favourite = ?, pinned = ? WHERE id = ?", marks)

    def remove(self, run_ids: Iterable[str]) -> None:
        with self._using() as db:
            for run_id in run_ids:
                _remove(db, run_id)

    def ids(self) -> set[str]:
        with self._using() as db:
            return {run_id for (run_id,) in db.execute("SELECT id FROM runs")}

    def search(self, query: Query, *, before: str = "", limit: int = 50) -> list[Entry]:
        """The newest first. `before`: only what comes behind the run of that id: so a list that is read page by page
        repeats and leaves out nothing while runs are added."""
        conditions = list(_conditions(query))
        if before:
            conditions.append(("id < ?", before))
        where = " AND ".join(["1", *(condition for condition, _ in conditions)])
        values = [value for _, value in conditions]
        with self._using() as db:
            found = db.execute(f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY id DESC LIMIT ?", (*values, limit))
            return [_entry(row) for row in found]

    def oldest(self) -> list[tuple[str, datetime, int]]:
        """Id, time and bytes of each run that may go by itself."""
        with self._using() as db:
            found = db.execute("SELECT id, created, bytes FROM runs WHERE NOT (favourite OR pinned) ORDER BY id")
            return [(run_id, _time(created), size) for run_id, created, size in found]

    def bytes(self) -> int:
        """Of all runs."""
        with self._using() as db:
            return int(db.execute("SELECT coalesce(sum(bytes), 0) FROM runs").fetchone()[0])

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """One short transaction. Raises HistoryUnusable, KoeError."""
        with self._lock:
            try:
                db = self._open = self._open or self._connect()
                with db:
                    yield db
            except sqlite3.Error as error:
                # Of an extended code, the lower byte says what it is about.
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
                    raise HistoryUnusable(f"{self._path} is damaged: {error}") from error
                raise KoeError(f"{self._path} can't be used: {error}") from error
            except OSError as error:
                raise KoeError(f"{error.filename or self._path} can't be used: {error.strerror or error}") from error

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            # What a power cut takes is still in the folders.
            db.execute("PRAGMA synchronous = NORMAL")
            self._make_tables(db)
        except BaseException:
            db.close()
            raise
        return db

    def _make_tables(self, db: sqlite3.Connection) -> None:
        if _version(db) == _VERSION:
            return
        with db:
            db.execute("BEGIN IMMEDIATE")
            # Where two processes come at once, the second finds it done.
            if (version := _version(db)) == _VERSION:
                return
            if version or db.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise HistoryUnusable(f"{self._path} is of version {version}, and not {_VERSION}")
            for statement in (*_TABLES, f"PRAGMA user_version = {_VERSION}"):
                db.execute(statement)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _conditions(query: Query) -> Iterator[tuple[str, object]]:
    """Of SQL, each with its value."""
    exact = ("voice", query.voice), ("task", query.task), ("engine", query.engine)
    flags = ("favourite", query.favourite), ("pinned", query.pinned)
    for column, value in (*exact, *flags):
        if value is not None:
            yield f"{column} = ?", value
    if query.language is not None:
        yield "language || '-' LIKE ? ESCAPE '!'", f"{_literal(query.language)}-%"
    if query.since is not None:
        yield "created >= ?", query.since.timestamp()
    if query.until is not None:
        yield "created < ?", query.until.timestamp()
    yield from _text_conditions(_folded(query.text).split()[:_MOST_TERMS])


def _text_conditions(terms: Sequence[str]) -> Iterator[tuple[str, object]]:
    if indexed := [term.replace('"', '""') for term in terms if len(term) >= _INDEXED]:
        phrases = " AND ".join(f'"{term}"' for term in indexed)
        yield "number IN (SELECT rowid FROM words WHERE words MATCH ?)", phrases
    for term in terms:
        if len(term) < _INDEXED:
            yield "number IN (SELECT rowid FROM words WHERE instr(text, ?))", term


def _folded(text: str) -> str:
    """Equal for what differs in case or in the width of its letters alone."""
    return unicodedata.normalize("NFKC", text.replace("\0", " ")).casefold()


def _literal(text: str) -> str:
    return "".join(f"!{letter}" if letter in "!%_" else letter for letter in text)


def _add(db: sqlite3.Connection, run: Run) -> None:
    inserted = db.execute(f"INSERT OR IGNORE INTO runs ({_COLUMNS}) VALUES (?{', ?' * 14})", _row(run))
    if inserted.rowcount:
        words = inserted.lastrowid, _folded(f"{run.meta.title}\n{run.meta.text}")
        db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", words)


def _remove(db: sqlite3.Connection, run_id: str) -> None:
    db.execute("DELETE FROM words WHERE rowid = (SELECT number FROM runs WHERE id = ?)", (run_id,))
    db.execute("DELETE FROM runs WHERE id = ?", (run_id,))


def _row(run: Run) -> tuple[object, ...]:
    meta, flags = run.meta, run.flags
    return (
        *(meta.id, run.folder.name, meta.task, meta.created.timestamp(), meta.title, meta.text[:EXCERPT]),
        *(
            meta.voice,
            meta.engine,
            meta.language,
            meta.seed,
            meta.duration,
            meta.files[0].name,
            meta.size,
            flags.favourite,
            flags.pinned,
        ),
    )


def _entry(row: tuple[object, ...]) -> Entry:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    marks = {name: bool(values[name]) for name in ("favourite", "pinned")}
    return Entry(**{**values, **marks, "created": _time(values["created"])})  # type: ignore[arg-type]


def _time(seconds: object) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)  # type: ignore[arg-type]
