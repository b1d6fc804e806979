"""A run that is being written, under a name that nobody sees."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from koe import __version__, disk
from koe.core.errors import MalformedInput
from koe.storage.meta import FLAGS, INPUT, META, WORDS, Artifact, Description, FileName, Flags, Meta
from koe.storage.run import Run

_FILE_NAME: TypeAdapter[str] = TypeAdapter(FileName)

Finished = Callable[[Run], None]


def write_input(folder: Path, input: Mapping[str, object]) -> None:
    """Raises OSError."""
    written = json.dumps(dict(input), ensure_ascii=False, indent=2)
    (folder / INPUT).write_bytes(written.encode(errors="replace"))


class Draft:
    """A run that is being written. Whoever began it finishes it or discards it; the latter is harmless afterwards."""

    def __init__(self, id: str, task: str, created: datetime, folder: Path, home: Path, finished: Finished) -> None:
        self.id = id
        self.folder = folder
        self._task, self._created = task, created
        self._home, self._finished = home, finished
        self._names: list[str] = []
        self._taken = {INPUT, META, FLAGS, WORDS}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def file(self, name: str) -> Path:
        """Where to write something that was made; it has to be there at the end. What is heard comes first. Raises
        MalformedInput."""
        try:
            _FILE_NAME.validate_python(name)
        except ValidationError:
            wrong = f"{name[:100]!r} can't be the name of a file in a run: letters, digits, -, _ and ."
            raise MalformedInput(wrong) from None
        if name.casefold() in self._taken:
            raise MalformedInput(f"the run has a file {name} already")
        self._names.append(name)
        self._taken.add(name.casefold())
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        return file

    def ask(self, input: Mapping[str, object]) -> None:
        """What was asked for, where that is known only now. Raises KoeError where the disk fails."""
        with disk.told(self._home):
            write_input(self.folder, input)

    def finish(self, description: Description) -> Run:
        """From here on the run is there. Raises KoeError where the disk fails."""
        with disk.told(self._home):
            meta = Meta(
                **dict(description),
                id=self.id,
                task=self._task,
                created=self._created,
                koe=__version__,
                files=tuple(self._artifact(name) for name in (*self._names, INPUT)),
            )
            disk.write(self.folder / META, meta.model_dump_json(indent=2).encode())
            self.folder.rename(self._home)
            disk.sync(self._home.parent)
        run = Run(self._home, meta, Flags())
        self._finished(run)
        return run

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _artifact(self, name: str) -> Artifact:
        size, digest = disk.flushed_digest(self.folder / name)
        return Artifact(name=name, size=size, sha256=digest)
