"""The folder `models`: what is whole has its name, what is not yet or no more starts with a dot."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koe import disk
from koe.core.errors import Busy, RequestError

_PINS = "pins.json"
_NOTE = ".koe-download.json"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A download that was interrupted, or is still going on."""

    name: str

    folder: Path

    bytes: int
    """That are here."""

    total: int | None
    """None: nobody noted it."""

    repo: str | None


class Store:
    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "models"

    def path(self, name: str) -> Path:
        """Where the checkpoint of this name is, or would be."""
        if not _NAME.fullmatch(name):
            raise RequestError(f"{name!r} can't be the name of a checkpoint")
        return self.folder / name

    def unfinished(self, name: str) -> Path:
        """Where it is while it is downloaded."""
        return self._hidden("download", name)

    def note(self, name: str, repo: str, total: int) -> None:
        """For `all_unfinished`: what a download is of, and how many bytes it has."""
        (self.unfinished(name) / _NOTE).write_text(json.dumps({"repo": repo, "bytes": total}), encoding="utf-8")

    def all_unfinished(self) -> Iterator[Unfinished]:
        for folder in sorted(self.folder.glob(".download-*/")):
            name = folder.name.removeprefix(".download-")
            if not _NAME.fullmatch(name):
                continue
            here = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.name != _NOTE)
            try:
                noted = json.loads((folder / _NOTE).read_bytes())
                yield Unfinished(name, folder, here, int(noted["bytes"]), str(noted["repo"]))
            except (OSError, ValueError, TypeError, KeyError):
                yield Unfinished(name, folder, here, None, None)

    def finish(self, name: str) -> Path:
        """What was downloaded is whole now and takes the place of what may have been there."""
        target, old = self.path(name), self._hidden("removed", name)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        self.unfinished(name).rename(target)
        shutil.rmtree(old, ignore_errors=True)
        return target

    def remove(self, name: str) -> None:
        """A checkpoint and what is left of its downloads; first it loses its name, so that no half stays behind."""
        target = self._there(name)
        old, unfinished = (self.folder / f".{purpose}-{name}" for purpose in ("removed", "download"))
        if target.is_symlink():
            target.unlink()
        elif target.exists():
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        for folder in (old, unfinished):
            if folder.exists():
                shutil.rmtree(folder)

    def free(self) -> int:
        """Bytes."""
        return shutil.disk_usage(next(each for each in (self.folder, *self.folder.parents) if each.exists())).free

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Raises Busy where another process downloads the same."""
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._hidden("lock", name))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise Busy(f"{name} is already being downloaded by another program") from None
        try:
            yield
        finally:
            lock.release()

    def pin(self, name: str) -> str | None:
        """The revision that downloads of this checkpoint keep to."""
        return self._pins().get(name)

    def set_pin(self, name: str, revision: str | None) -> None:
        """A commit, a tag or a branch; None: whatever is newest."""
        if revision is not None and not _REVISION.fullmatch(revision):
            raise RequestError(f"{revision!r} is no revision; write a commit, a tag or a branch")
        pins = self._pins() | {self.path(name).name: revision}
        kept = {name: pin for name, pin in sorted(pins.items()) if pin}
        self.folder.mkdir(parents=True, exist_ok=True)
        disk.write(self.folder / _PINS, (json.dumps(kept, indent=2) + "\n").encode())

    def _pins(self) -> dict[str, str | None]:
        path = self.folder / _PINS
        try:
            pins = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            pins = None
        if not isinstance(pins, dict) or not all(isinstance(pin, str) for pin in pins.values()):
            raise RequestError(f"{path} is damaged; mend or remove it")
        return pins

    def _there(self, name: str) -> Path:
        """Also a folder that somebody made, whose name no download would have."""
        there = self.folder.iterdir() if self.folder.is_dir() else ()
        is_there = any(each.name == name for each in there) and not name.startswith(".")
        return self.folder / name if is_there else self.path(name)

    def _hidden(self, purpose: str, name: str) -> Path:
        return self.folder / f".{purpose}-{self.path(name).name}"
