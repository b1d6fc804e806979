"""The settings of a running house, and changing them.

in force   what the house works with
next       what it would work with after a new start; the same but for changes that wait for that
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from koe.core.errors import SettingsError
from koe.settings import check, names
from koe.settings.changeable import Effect, effect
from koe.settings.load import Loaded, sources
from koe.settings.overlay import Overlay, fitting
from koe.settings.schema import Settings
from koe.settings.source import Given, Source, SourceKind, Values

_log = logging.getLogger(__name__)

Tree = Mapping[str, object]


class Why(StrEnum):
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"
    FIXED = "fixed"
    WRONG = "wrong"


class Refused(SettingsError):
    """A change that would not do, or have no effect."""

    def __init__(self, why: Why, name: str, message: str) -> None:
        super().__init__(message)
        self.why, self.name = why, name


class LiveSettings:
    """Looking may be done from anywhere. Changes wait for each other and for the disk: they belong in a thread."""

    def __init__(self, loaded: Loaded) -> None:
        self.in_force = self.next = loaded
        self._overlay = Overlay(loaded.changes_file)
        self._watchers: list[Callable[[Loaded], object]] = []

    def watch(self, changed: Callable[[Loaded], object]) -> None:
        """`changed` gets what is in force from now on, in the thread of whoever changed it."""
        self._watchers.append(changed)

    def change(self, changes: Mapping[str, object]) -> None:
        """All of them, or none. Raises Refused, Busy, and KoeError where the disk fails."""
        for name in changes:
            self._check_changeable(name)
        self._edit(changes)

    def take_back(self, name: str) -> None:
        """A change, if there is one; also one that is left out. Raises as `change`."""
        _check_known(name)
        self._edit({}, taken_back=(name,))

    def _check_changeable(self, name: str) -> None:
        _check_known(name)
        if effect(name) is None:
            file = self.in_force.config_file
            words = f"{name} can't be changed over HTTP: write it to {file} and start Koe again"
            raise Refused(Why.FORBIDDEN, name, words)
        if fixed := self.in_force.layers.above.get(name):
            words = f"{name} is fixed by {_by(fixed.source)}, which wins over every change: change it there"
            raise Refused(Why.FIXED, name, words)

    def _edit(self, changes: Mapping[str, object], taken_back: Collection[str] = ()) -> None:
        layers, source = self.in_force.layers, Source(SourceKind.OVERLAY, str(self._overlay.path))
        with self._overlay.changing():
            # From the disk, because another process may have changed something.
            stored = self._overlay.read()
            before, _ = fitting(layers, stored.entries)
            kept = {name: given for name, given in before.items() if name not in taken_back}
            given = layers.around({**kept, **{name: Given(value, source) for name, value in changes.items()}})
            settings = _checked(given, changes or taken_back)
            edited = _edited(stored.tree, settings, changes, taken_back)
            if edited != stored.tree:
                self._overlay.write(edited)
            for notice in stored.notices:
                _log.warning("%s", notice)
            self._take(settings, given)

    def _take(self, settings: Settings, given: Values) -> None:
        """While nobody else changes anything, so that the last change is the one that counts."""
        now = [name for name in names.fields() if effect(name) is Effect.NOW]
        came_from = sources(given)
        self.next = replace(self.next, settings=settings, sources=came_from)
        self.in_force = replace(
            self.in_force,
            settings=names.with_values(self.in_force.settings, {name: names.value_of(settings, name) for name in now}),
            sources={**self.in_force.sources, **{name: came_from[name] for name in now}},
        )
        for changed in self._watchers:
            changed(self.in_force)


def _check_known(name: str) -> None:
    if name in names.sections():
        inside = ", ".join(each for each in names.fields() if each.startswith(f"{name}."))
        raise Refused(Why.UNKNOWN, name, f"{name} is a section; its settings are {inside}")
    if name not in names.fields():
        # Cut, because the search takes long where the word is long.
        hint = names.did_you_mean(name[:100], names.fields())
        raise Refused(Why.UNKNOWN, name[:100], f"{name[:100]} is no setting of Koe{hint}")


def _checked(given: Values, asked: Collection[str]) -> Settings:
    """Raises Refused that lists all that is wrong, and names the first of it that was asked for."""
    checked = check.check(given)
    if isinstance(checked, Settings):
        return checked
    texts = [f"{name}: {problem}" for name, problem in checked.items()]
    blamed = next((name for name in asked if name in checked), next(iter(asked)))
    raise Refused(Why.WRONG, blamed, check.listed(texts))


def _edited(tree: Tree, settings: Settings, changes: Collection[str], taken_back: Collection[str]) -> Tree:
    """What the file is to hold; what in it isn't asked for stays, whatever it is."""
    values = names.plain_values(settings)
    for name in changes:
        tree = _put(tree, name.split("."), values[name])
    for name in taken_back:
        tree = _without(tree, name.split("."))
    return tree


def _put(tree: Tree, path: Sequence[str], value: object) -> Tree:
    """A copy with that at that path."""
    first, *rest = path
    return {**tree, first: _put(_section(tree, first), rest, value) if rest else value}


def _without(tree: Tree, path: Sequence[str]) -> Tree:
    """A copy without what is at that path, nor sections that are empty then."""
    first, *rest = path
    left = _without(_section(tree, first), rest) if rest else None
    return {**tree, first: left} if left else {key: value for key, value in tree.items() if key != first}


def _section(tree: Tree, name: str) -> Tree:
    section = tree.get(name)
    return section if isinstance(section, dict) else {}


def _by(source: Source) -> str:
    if source.kind is SourceKind.COMMAND_LINE:
        return f"the command line ({source.name})"
    return f"the environment variable {source.name}"
