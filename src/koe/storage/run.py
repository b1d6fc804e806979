"""A finished run, as it lies on disk."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koe import disk
from koe.core.errors import MalformedInput, UnknownRun
from koe.storage.meta import INPUT, WORDS, Flags, Meta, read, read_bytes
from koe.storage.words import Words


@dataclass(frozen=True, slots=True)
class Run:
    folder: Path
    meta: Meta
    flags: Flags

    @property
    def id(self) -> str:
        return self.meta.id

    def file(self, name: str) -> Path:
        """One of those in meta.json. Raises UnknownRun."""
        names = [file.name for file in self.meta.files]
        if name not in names:
            raise UnknownRun(f"the run {self.id} has no file {name[:100]!r}; it has {', '.join(names)}")
        path = self.folder / name
        if not disk.is_plain_file(path):
            raise UnknownRun(f"the file {name} of the run {self.id} isn't there any more")
        return path

    @property
    def has_words(self) -> bool:
        """Whether they have been timed."""
        return disk.is_plain_file(self.folder / WORDS)

    def words(self) -> Words:
        """When each is said. Raises UnknownRun where nobody has had them timed."""
        try:
            return read(self.folder / WORDS, Words)
        except FileNotFoundError:
            raise UnknownRun(f"the words of the run {self.id} have not been timed yet") from None
        except MalformedInput as error:
            raise UnknownRun(f"the words of the run {self.id} have to be timed anew: {error.message}") from None

    def input(self) -> dict[str, Any]:
        """Raises UnknownRun, MalformedInput where it was damaged."""
        data = read_bytes(self.file(INPUT))
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise MalformedInput(f"the run {self.id} can't be done again: its {INPUT} is damaged")
        return found
