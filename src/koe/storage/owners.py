"""Whose unfinished runs these are: what a process that died left behind can be told from what another one is writing.

    outputs/runs/.owner_<token>.lock        held by the process as long as it lives
    outputs/runs/.draft_<token>_<name>/     a run that it is writing
    outputs/runs/.gone_<name>_<token>/      a run that was removed, on its way out

A process id would tell less: it is given to somebody else one day, and means nothing in another container.
"""

import contextlib
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from koe.core.errors import Busy

GONE = ".gone_"

_OWNER = re.compile(r"\.owner_([0-9a-f]{16})\.lock")
_DRAFT = re.compile(r"\.draft_([0-9a-f]{16})_.+")
_PATIENCE, _POLL = 10.0, 0.01
"""Seconds: the lock is held for a moment."""


class Owner:
    """This process, as the owner of its drafts."""

    def __init__(self, folder: Path) -> None:
        """Nothing is created until the first draft."""
        self._folder = folder
        self._claiming = threading.Lock()
        self._lock: FileLock | None = None
        self._token = secrets.token_hex(8)

    def draft(self, name: str) -> Path:
        """A new folder, in which the run of that name may be written."""
        with self._claiming:
            if self._lock is None:
                self._lock = self._claim()
        path = self._folder / f".draft_{self._token}_{name}"
        path.mkdir()
        return path

    def release(self) -> None:
        """From here on, drafts that are left are nobody's."""
        with self._claiming:
            if self._lock is not None:
                self._lock.release()
                Path(self._lock.lock_file).unlink(missing_ok=True)
                self._lock = None

    def _claim(self) -> FileLock:
        # Under the lock of all: whoever tidies must not come between making the file and locking it.
        with exclusive(self._folder):
            lock = FileLock(str(self._folder / f".owner_{self._token}.lock"), thread_local=False)
            lock.acquire(timeout=0)
            return lock


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """One thread of one process at a time. Raises Busy."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(str(folder / ".lock")).acquire(timeout=_PATIENCE, poll_interval=_POLL):
            yield
    except Timeout:
        raise Busy(f"{folder} is being changed by somebody else: try again later") from None


def tidy(folder: Path) -> int:
    """Remove the drafts of those who are no longer there, and what was being removed; how many."""
    with exclusive(folder):
        hidden = [path for path in folder.iterdir() if path.name.startswith(".")]
        living = {found[1] for path in hidden if (found := _OWNER.fullmatch(path.name)) and _lives(path)}
        left = [
            path
            for path in hidden
            if path.name.startswith(GONE) or ((found := _DRAFT.fullmatch(path.name)) and found[1] not in living)
        ]
    for path in left:
        # Somebody else may be at it as well.
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _lives(owner: Path) -> bool:
    lock = FileLock(str(owner))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    owner.unlink(missing_ok=True)
    return False
