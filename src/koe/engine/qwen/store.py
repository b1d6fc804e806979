"""The folder `models`: what is whole has its name, what is not yet or no more starts with a dot."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koe.core.errors import Busy, RequestError

_PINS = "pins.json"
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


class Store:
    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "models"

    def path(self, name: str) -> Path:
        """Where the checkpoint of this name is, or would be."""
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}", name):
            raise RequestError(f"{name!r} can't be the name of a checkpoint")
        return self.folder / name

    def unfinished(self, name: str) -> Path:
        """Where it is while it is downloaded."""
        return self._hidden("download", name)

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
        target, old = self.path(name), self._hidden("removed", name)
        if target.is_symlink():
            target.unlink()
        elif target.exists():
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        for folder in (old, self.unfinished(name)):
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
        return self._pins().get(self.path(name).name)

    def set_pin(self, name: str, revision: str | None) -> None:
        """A commit, a tag or a branch; None: whatever is newest."""
        if revision is not None and not _REVISION.fullmatch(revision):
            raise RequestError(f"{revision!r} is no revision; write a commit, a tag or a branch")
        pins = self._pins() | {self.path(name).name: revision}
        kept = {name: pin for name, pin in sorted(pins.items()) if pin}
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self._hidden("new", _PINS)
        temporary.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.folder / _PINS)

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

    def _hidden(self, purpose: str, name: str) -> Path:
        return self.folder / f".{purpose}-{self.path(name).name}"
