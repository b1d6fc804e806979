"""The folder in which each voice is one file, `<id>.json`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from koe import disk
from koe.core.errors import MalformedInput
from koe.core.profile import Profile
from koe.voices import files
from koe.voices.watch import Watched

ENDING = ".json"


@dataclass(frozen=True, slots=True)
class BrokenVoice:
    """A file that can't be used as it is."""

    id: str
    """Empty where the file is none of a single voice."""

    path: Path

    reason: str
    """In words, without the path."""


class ProfileFolder:
    """Safe to be asked by several threads, and while another process changes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = Watched(_read)

    def voices(self) -> Iterator[Profile | BrokenVoice]:
        """Of now, in no order."""
        try:
            paths = self._paths()
        except OSError as error:
            yield BrokenVoice("", self.path, _unreadable(error))
            return
        for path in paths:
            if found := self._voice(path):
                yield found

    def voice(self, voice_id: str) -> Profile | BrokenVoice | None:
        """None where there is no such file."""
        path = self.find(voice_id)
        return self._voice(path) if path is not None else None

    def find(self, voice_id: str) -> Path | None:
        """The voice's file, whatever it holds; looked for among those that are there, so that no id leads elsewhere.
        Raises OSError where the folder can't be read."""
        return next((path for path in self._paths() if path.name == voice_id + ENDING), None)

    def _paths(self) -> list[Path]:
        try:
            return [path for path in self.path.iterdir() if path.suffix == ENDING and not path.name.startswith(".")]
        except FileNotFoundError:
            return []

    def _voice(self, path: Path) -> Profile | BrokenVoice | None:
        try:
            return self._files.get(path)
        except FileNotFoundError:
            return BrokenVoice(path.stem, path, "it is a link to nothing") if path.is_symlink() else None
        except OSError as error:
            return BrokenVoice(path.stem, path, _unreadable(error))


def _read(path: Path) -> Profile | BrokenVoice:
    try:
        if not disk.is_regular(path):
            raise MalformedInput("it is no file")
        with path.open("rb") as file:
            profile = files.from_json(file.read(files.MAX_BYTES + 1))
        if profile.id != path.stem:
            raise MalformedInput(f"the file is called {path.name}, but its id is {profile.id}: make them the same")
    except MalformedInput as error:
        return BrokenVoice(path.stem, path, error.message)
    return profile


def _unreadable(error: OSError) -> str:
    return f"it can't be read: {error.strerror or error}"
