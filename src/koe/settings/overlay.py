"""The settings that were changed while Koe ran: config/changes.yaml, of the same layout as koe.yaml, which is left to
whoever wrote it. They win over that file, and never keep the house from starting: what can't be used is left out.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from koe import disk
from koe.core.errors import Busy, KoeError, SettingsError
from koe.settings import check, migrate, names, yaml_file
from koe.settings.changeable import effect
from koe.settings.schema import CURRENT_VERSION, Settings
from koe.settings.source import Given, Layers, Source, SourceKind, Values
from koe.settings.yaml_file import Branch

if TYPE_CHECKING:
    from filelock import FileLock

_HEADER = """\
# Written by Koe: what was changed over HTTP. It wins over koe.yaml. DELETE /api/settings/NAME takes a change back.

"""

_POLL = 0.01
"""Seconds between looks at the lock: a change holds it for about as long."""


def overlay_path(data_dir: Path) -> Path:
    return data_dir / "config" / "changes.yaml"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the file holds."""

    tree: Mapping[str, object] = field(default_factory=dict)
    """All of it, in the current layout."""

    entries: Values = field(default_factory=dict)
    """What of it are settings that may be in it; their values aren't checked."""

    notices: tuple[str, ...] = ()
    """What was left out, and why."""


class Overlay:
    def __init__(self, path: Path, *, patience: float = 10.0) -> None:
        """Creates nothing. `patience`: seconds that a change waits for those of others."""
        self.path, self._patience = path, patience

    def read(self) -> Stored:
        """A damaged file is set aside, so that the next change finds room. Raises KoeError where that can't be, and
        for a file that can't be read but may be whole."""
        try:
            return self._read()
        except SettingsError as error:
            if isinstance(error.__cause__, OSError):
                raise KoeError(error.message) from error
            damage = error.message
        try:
            return self._mended()
        except KoeError as error:
            raise KoeError(f"{damage}, and it can't be set aside: {error.message}") from error

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes it meanwhile. Raises Busy, and KoeError where the disk fails."""
        from filelock import Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.acquire(timeout=self._patience, poll_interval=_POLL):
                yield
        except Timeout:
            raise Busy(f"the settings are being changed by somebody else ({self._lock.lock_file})") from None
        except OSError as error:
            where = error.filename or self.path
            raise KoeError(f"the settings can't be changed: {where}: {error.strerror or error}") from error

    def write(self, tree: Mapping[str, object]) -> None:
        """While `changing`. Raises SettingsError for more than could be read again, OSError."""
        text = _HEADER + yaml_file.as_text({"version": CURRENT_VERSION, **tree})
        if len(text.encode()) > yaml_file.MAX_BYTES:
            raise SettingsError(f"these are more than {yaml_file.MAX_BYTES // 1024} KiB of settings")
        # Whoever held the lock before and left one was cut off.
        for abandoned in disk.abandoned(self.path):
            abandoned.unlink(missing_ok=True)
        disk.write(self.path, text.encode())

    @cached_property
    def _lock(self) -> "FileLock":
        # Imported here, because it brings asyncio along.
        from filelock import FileLock

        return FileLock(str(self.path.with_name(f".{self.path.name}.lock")))

    def _read(self) -> Stored:
        text, where = yaml_file.read(self.path), str(self.path)
        content = yaml_file.parse(text or "", where)
        version = migrate.version_of(content.plain(), where)
        if version != CURRENT_VERSION:
            migrated = migrate.migrated(content.plain(), version)
            content = yaml_file.parse(migrate.as_yaml(migrated), where)
        return _stored(content, self.path, lines=version == CURRENT_VERSION)

    def _mended(self) -> Stored:
        with self.changing():
            # Once more: another process may just have done the same, and written a new one.
            try:
                return self._read()
            except SettingsError as error:
                aside = self._set_aside()
                return Stored(notices=(f"{error.message}. The file was set aside as {aside.name}",))

    def _set_aside(self) -> Path:
        """Where it is now. Raises OSError."""
        number = 1
        while True:
            aside = self.path.with_name(f"{self.path.name}.damaged" + (f".{number}" if number > 1 else ""))
            if not aside.exists():
                self.path.rename(aside)
                return aside
            number += 1


def fitting(layers: Layers, overlay: Values) -> tuple[Values, tuple[str, ...]]:
    """Those with which the settings are right, and what is said of the others."""
    kept, notices = dict(overlay), []
    while not isinstance(problems := check.check(layers.around(kept)), Settings):
        culprits = _culprits(problems, layers, kept)
        if not culprits:
            break
        for name, problem in culprits.items():
            notices.append(f"{check.described(name, problem, kept)}. It is left out")
            del kept[name]
    return kept, tuple(notices)


def _culprits(problems: check.Problems, layers: Layers, overlay: Values) -> Mapping[str, str]:
    """What is to blame, and why: settings that are wrong by themselves, else one without which all is right, else
    all of a section whose settings contradict each other."""
    counting = [name for name in overlay if name not in layers.above]
    wrong = {name: text for name in counting for at, text in problems.items() if f"{at}.".startswith(f"{name}.")}
    if wrong:
        return wrong
    under = {name: text for name in counting for at, text in problems.items() if name.startswith(f"{at}.")}
    for name, text in under.items():
        rest = {each: given for each, given in overlay.items() if each != name}
        if isinstance(check.check(layers.around(rest)), Settings):
            return {name: text}
    return under


def _stored(content: Branch, path: Path, *, lines: bool) -> Stored:
    entries, notices = {}, []
    for name, line, value in names.leaves(content):
        source = Source(SourceKind.OVERLAY, str(path), line if lines else None)
        if name == "version" or (name in names.sections() and value is None):
            continue
        if name not in names.fields():
            notices.append(f"{name} ({source}) is no setting of Koe. It is left out")
        elif effect(name) is None:
            notices.append(f"{name} ({source}) can be set in koe.yaml alone. It is left out")
        else:
            entries[name] = Given(value, source)
    return Stored(content.plain(), entries, tuple(notices))
