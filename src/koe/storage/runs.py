"""Finished runs on disk: each is a folder that is there whole, or not at all.

outputs/runs/<timestamp>_<task>_<run id>/
  audio.wav ...   what was made
  input.json      the request as it was given: enough to do it again
  meta.json       what came of it
  flags.json      favourite, pinned; only where somebody has said so
  words.json      when each word is said; only where somebody has wanted to know

with runs.begin("speech", {"text": "Hello."}) as draft:
    write(draft.file("audio.wav"))
    run = draft.finish(Description(...))
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from koe import disk
from koe.core.errors import MalformedInput, UnknownRun
from koe.storage import meta, owners
from koe.storage.drafts import Draft, Finished, write_input
from koe.storage.ids import folder_name, id_in, is_id, new_id
from koe.storage.meta import FLAGS, META, WORDS, Flags, Meta
from koe.storage.run import Run
from koe.storage.words import Words


class Runs:
    """To be used from any thread, and by several processes at once. All of it waits for the disk."""

    def __init__(self, folder: Path, finished: Finished = lambda _run: None) -> None:
        """Creates nothing. `finished`: told of every run that has just been finished here."""
        self.folder = folder
        self._finished = finished
        self._owner = owners.Owner(folder)

    def begin(self, task: str, input: Mapping[str, object]) -> Draft:
        """Raises MalformedInput for a task that is no word, KoeError where the disk fails."""
        created = datetime.now(UTC)
        run_id = new_id(created)
        name = folder_name(run_id, task, created)
        with disk.told(self.folder):
            folder = self._owner.draft(name)
            try:
                write_input(folder, input)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return Draft(run_id, task, created, folder, self.folder / name, self._finished)

    def names(self) -> dict[str, str]:
        """Of all folders that hold a run, by its id."""
        try:
            with os.scandir(self.folder) as entries:
                folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return {}
        return {run_id: name for name in folders if (run_id := id_in(name)) is not None}

    def get(self, run_id: str) -> Run:
        """Raises UnknownRun, also where it can't be read."""
        return self.read(self._name(run_id))

    def read(self, name: str) -> Run:
        """By its folder's name, one of `names`. Raises UnknownRun."""
        folder = self.folder / name
        try:
            found = meta.read(folder / META, Meta)
            if found.id != id_in(name):
                raise MalformedInput(f"{META}: it is another run's ({found.id[:100]!r})")
        except MalformedInput as error:
            raise UnknownRun(f"the run {id_in(name)} can't be used: {error.message} ({folder})") from None
        except OSError as error:
            reason = error.strerror or error
            raise UnknownRun(f"the run {id_in(name)} can't be used: {META}: {reason} ({folder})") from None
        return Run(folder, found, self.flags(name))

    def flags(self, name: str) -> Flags:
        try:
            return meta.read(self.folder / name / FLAGS, Flags)
        except FileNotFoundError:
            return Flags()
        except (MalformedInput, OSError):
            # Somebody wanted something of it: rather keep it once too often.
            return Flags(pinned=True)

    def mark(self, run_id: str, *, favourite: bool | None = None, pinned: bool | None = None) -> Run:
        """None: as it is. Raises UnknownRun, Busy, KoeError where the disk fails."""
        wanted = {"favourite": favourite, "pinned": pinned}
        with disk.told(self.folder), owners.exclusive(self.folder):
            run = self.get(run_id)
            flags = run.flags.model_copy(update={name: value for name, value in wanted.items() if value is not None})
            if flags != run.flags:
                disk.write(run.folder / FLAGS, flags.model_dump_json().encode())
        return Run(run.folder, run.meta, flags)

    def keep_words(self, run_id: str, words: Words) -> None:
        """In place of those that there were. Raises UnknownRun, Busy, KoeError where the disk fails."""
        with disk.told(self.folder), owners.exclusive(self.folder):
            disk.write(self.get(run_id).folder / WORDS, words.model_dump_json().encode())

    def remove(self, run_id: str) -> None:
        """At once it is no longer there; what it held goes after that. Raises UnknownRun, KoeError."""
        name = self._name(run_id)
        leaving = self.folder / f"{owners.GONE}{name}_{secrets.token_hex(4)}"
        with disk.told(self.folder):
            try:
                (self.folder / name).rename(leaving)
            except FileNotFoundError:
                raise _unknown(run_id) from None
            disk.sync(self.folder)
        shutil.rmtree(leaving, ignore_errors=True)

    def tidy(self) -> int:
        """Remove what crashes left; how many folders. Raises Busy, KoeError."""
        with disk.told(self.folder):
            return owners.tidy(self.folder)

    def close(self) -> None:
        """No draft is being written any more."""
        with contextlib.suppress(OSError):
            self._owner.release()

    def _name(self, run_id: str) -> str:
        """The folder is found among those that there are: no path is made of what a client sent."""
        name = self.names().get(run_id) if is_id(run_id) else None
        if name is None:
            raise _unknown(run_id)
        return name


def _unknown(run_id: str) -> UnknownRun:
    return UnknownRun(f"there is no run {run_id[:100]!r}")
