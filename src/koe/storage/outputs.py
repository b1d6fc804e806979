"""The outputs folder: its runs, the history that finds them, and what becomes of the old ones.

<data_dir>/outputs/
  .lock             held by the server that this folder belongs to
  runs/             the truth
  history.sqlite    made of it
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from koe import disk
from koe.core.errors import KoeError, SettingsError, UnknownRun
from koe.storage.drafts import Draft
from koe.storage.history import Entry, History, HistoryUnusable, Query
from koe.storage.run import Run
from koe.storage.runs import Runs
from koe.storage.words import Words

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_AT_ONCE = 100
"""Runs that are read into the history in one go; whoever searches meanwhile waits no longer than that."""

_LOOK_SECONDS = 3600.0
"""Between two looks for runs that have grown too old."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond which the oldest runs go, except favourite and pinned ones; None: there is none."""

    max_age: timedelta | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]

    next: str | None
    """Where the next page begins; None: this is the last."""


class Outputs:
    """To be used from any thread; all of it waits for the disk.

    A server calls `serve`: the folder is its own until `close`, and a thread of its own tidies up, brings the history
    up to date and removes what is too old. Who only drops in, beside a server or without one, calls `visit`.
    """

    def __init__(self, folder: Path, limits: Limits = Limits(), *, patience: float = 2.0) -> None:
        """Creates nothing. `patience`: seconds that `serve` waits, for the command line owns the folder for a moment,
        too."""
        self._folder, self._limits, self._patience = folder, limits, patience
        self._runs = Runs(folder / "runs", self._finished)
        self._history = History(folder / "history.sqlite")
        self._lock = FileLock(str(folder / ".lock"), thread_local=False)
        self._keeper: threading.Thread | None = None
        self._awake, self._closing = threading.Event(), threading.Event()
        self._outdated = True
        self.indexing: tuple[int, int] | None = None
        """While the history is made: how many of how many runs it has."""

    def serve(self) -> None:
        """Raises SettingsError where another server has the folder, KoeError where it can't be written to."""
        if not self._own(self._patience):
            raise SettingsError(
                f"another Koe server works in {self._folder}: stop it, or give this one a data folder of its own "
                "(--data-dir)"
            )
        self._keeper = threading.Thread(target=self._keep, name="outputs", daemon=True)
        self._keeper.start()

    def visit(self) -> None:
        """Raises KoeError."""
        if self._own(0):
            try:
                self._runs.tidy()
                self._mend()
            finally:
                self._lock.release()
        self._sync()

    def close(self) -> None:
        """Harmless where it was never opened."""
        self._closing.set()
        self._awake.set()
        if self._keeper is not None:
            self._keeper.join()
        self._runs.close()
        self._history.close()
        if self._lock.is_locked:
            self._lock.release()

    def begin(self, task: str, input: Mapping[str, object]) -> Draft:
        """Raises MalformedInput for a task that is no word, KoeError where the disk fails."""
        return self._runs.begin(task, input)

    def get(self, run_id: str) -> Run:
        """Raises UnknownRun, also where it can't be read."""
        return self._runs.get(run_id)

    def search(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> Page:
        """The newest first. Raises KoeError."""
        shown: list[Entry] = []
        before = cursor or ""
        while len(shown) <= limit:
            wanted = limit + 1 - len(shown)
            found = self._asked(lambda: self._history.search(query, before=before, limit=wanted))  # noqa: B023
            there = [entry for entry in found if (self._runs.folder / entry.folder).is_dir()]
            if len(there) < len(found):
                # Somebody removed their folders by hand.
                self._history.remove({entry.id for entry in found} - {entry.id for entry in there})
            shown += there
            if len(found) < wanted:
                break
            before = found[-1].id
        more = len(shown) > limit
        return Page(tuple(shown[:limit]), shown[limit - 1].id if more else None)

    def mark(self, run_id: str, *, favourite: bool | None = None, pinned: bool | None = None) -> Run:
        """None: as it is. Raises UnknownRun, Busy, KoeError where the disk fails."""
        run = self._runs.mark(run_id, favourite=favourite, pinned=pinned)
        self._asked(lambda: self._history.mark(run))
        return run

    def keep_words(self, run_id: str, words: Words) -> None:
        """In place of those that there were. Raises UnknownRun, Busy, KoeError where the disk fails."""
        self._runs.keep_words(run_id, words)

    def remove(self, run_id: str) -> None:
        """Raises UnknownRun, KoeError."""
        self._runs.remove(run_id)
        self._asked(lambda: self._history.remove([run_id]))

    def retain(self) -> int:
        """Remove what is beyond the limits, the oldest first; how many runs. Raises KoeError."""
        removed = 0
        for run_id in self._beyond():
            if self._closing.is_set():
                break
            try:
                # The folder itself has the last word.
                if not self._runs.get(run_id).flags.protect:
                    self.remove(run_id)
                    removed += 1
            except UnknownRun:
                self._history.remove([run_id])
        if removed:
            _log.info("%d old runs were removed (settings outputs.max_age_days, outputs.max_bytes)", removed)
        return removed

    def _beyond(self) -> Iterator[str]:
        """Ids of the runs that should go."""
        oldest, newest = self._limits.max_age, self._limits.max_bytes
        if oldest is None and newest is None:
            return
        now, size = datetime.now(UTC), self._history.bytes()
        for run_id, created, bytes in self._history.oldest():
            too_old = oldest is not None and now - created > oldest
            if too_old or (newest is not None and size > newest):
                size -= bytes
                yield run_id

    def _own(self, patience: float) -> bool:
        with disk.told(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=patience)
            except Timeout:
                return False
        return True

    def _keep(self) -> None:
        """Until the end: speech never waits for any of it."""
        self._logged(self._runs.tidy)
        self._logged(self._mend)
        while not self._closing.is_set():
            self._awake.clear()
            self._logged(self._catch_up)
            self._awake.wait(_LOOK_SECONDS)

    def _catch_up(self) -> None:
        if self._outdated:
            self._asked(self._sync)
        self._asked(self.retain)

    def _logged(self, work: Callable[[], object]) -> None:
        try:
            work()
        except KoeError as error:
            _log.warning("the history of runs isn't kept up to date now: %s", error.message)
        except Exception:
            # Whatever it was, the next time may be better: this thread is the only one that does it.
            _log.exception("unexpected failure in keeping the history of runs")

    def _mend(self) -> None:
        try:
            self._history.check()
        except HistoryUnusable as error:
            self._make_anew(error)

    def _make_anew(self, error: HistoryUnusable) -> None:
        """Only for the one who owns it. Raises KoeError."""
        _log.warning("%s: the history is made anew from the folders", error.message)
        self._history.reset()
        self._outdated = True
        self._awake.set()

    def _asked(self, ask: Callable[[], _Result]) -> _Result:
        """Where the history turns out to be damaged, what is there of the new one."""
        try:
            return ask()
        except HistoryUnusable as error:
            if not self._lock.is_locked:
                raise
            self._make_anew(error)
            return ask()

    def _finished(self, run: Run) -> None:
        try:
            self._asked(lambda: self._history.add([run]))
        except KoeError as error:
            # The run is there, and will be found when the history is next compared with the folders.
            self._outdated = True
            _log.warning("the run %s isn't in the history yet: %s", run.id, error.message)
        self._awake.set()

    def _sync(self) -> None:
        """Bring the history up to date with the folders, the newest first. Raises KoeError."""
        self._outdated = False
        # In this order: a run is in the history only after its folder is there.
        known, names = self._history.ids(), self._runs.names()
        self._history.remove(known - names.keys())
        missing = iter(sorted(names.keys() - known, reverse=True))
        total, done = len(names.keys() - known), 0
        try:
            while not self._closing.is_set() and (batch := list(islice(missing, _AT_ONCE))):
                self.indexing = done, total
                self._history.add([run for run_id in batch if (run := self._readable(names[run_id])) is not None])
                done += len(batch)
        except BaseException:
            self._outdated = True
            raise
        finally:
            self.indexing = None

    def _readable(self, name: str) -> Run | None:
        try:
            return self._runs.read(name)
        except UnknownRun as error:
            if (self._runs.folder / name).is_dir():
                _log.warning("%s", error.message)
            return None
