"""Settings from everywhere they can be set, later places over earlier ones: defaults, the file, what was changed over
HTTP, `KOE_*` variables, the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from koe.core.errors import KoeError, SettingsError
from koe.settings import check, locate, migrate, names, yaml_file
from koe.settings.overlay import Overlay, fitting, overlay_path
from koe.settings.schema import CURRENT_VERSION, Settings
from koe.settings.source import Given, Layers, Source, SourceKind, Values
from koe.settings.yaml_file import Branch

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force."""

    settings: Settings

    data_dir: Path
    """Absolute; it may not exist yet."""

    config_file: Path
    """Where the file is, or would be."""

    sources: Mapping[str, Source]
    """Every setting by its dotted name."""

    notices: tuple[str, ...] = ()
    """What the user should hear about once there is a log."""

    layers: Layers = field(default_factory=Layers)
    """What they were made of, besides the overlay."""

    @property
    def changes_file(self) -> Path:
        """Where the overlay is, or would be."""
        return overlay_path(self.data_dir)


@dataclass(slots=True)
class _Collected:
    """What was given so far, and everything wrong with it."""

    given: dict[str, Given] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, value: object, source: Source) -> None:
        self.given[name] = Given(value, source)


@dataclass(frozen=True, slots=True)
class _File:
    content: Branch
    migrated_from: int | None = None


def load(
    data_dir: Path | None = None,
    overrides: Mapping[str, str] = NOTHING,
    environ: Mapping[str, str] = os.environ,
    *,
    config_file: Path | None = None,
) -> Loaded:
    """Raises SettingsError that lists everything wrong at once.

    `overrides` is the command line: dotted names and their texts, written as in a variable.
    """
    folder = locate.data_dir(data_dir, environ)
    path = locate.config_file(config_file, folder, environ)
    file = _read(path)
    below, above = _Collected(), _Collected()
    _take_file(below, file, path)
    _take_environment(above, environ)
    _take_overrides(above, overrides)
    layers = Layers(below.given, above.given)
    overlay, notices = _overlay(folder, layers)
    given = layers.around(overlay)
    settings = _checked(given, below.problems + above.problems)
    if file.migrated_from:
        notices = (_store_migrated(path, file), *notices)
    return Loaded(settings, folder, path, sources(given), notices, layers)


def sources(given: Values) -> dict[str, Source]:
    return {name: given[name].source if name in given else Source() for name in names.fields()}


def _overlay(folder: Path, layers: Layers) -> tuple[Values, tuple[str, ...]]:
    try:
        stored = Overlay(overlay_path(folder)).read()
    except KoeError as error:
        return {}, (f"{error.message}. What was changed over HTTP is left out",)
    entries, notices = fitting(layers, stored.entries)
    return entries, (*stored.notices, *notices)


def _checked(given: Values, problems: list[str]) -> Settings:
    checked = check.check(given)
    if not isinstance(checked, Settings):
        problems = problems + [check.described(name, text, given) for name, text in checked.items()]
    elif not problems:
        return checked
    raise SettingsError(check.listed(problems))


def _read(path: Path) -> _File:
    content = yaml_file.parse(yaml_file.read(path) or "", str(path))
    values = content.plain()
    version = migrate.version_of(values, str(path))
    if version == CURRENT_VERSION:
        return _File(content)
    return _File(_parsed_again(migrate.migrated(values, version), path), version)


def _parsed_again(values: migrate.Values, path: Path) -> Branch:
    return yaml_file.parse(migrate.as_yaml(values), str(path))


def _store_migrated(path: Path, file: _File) -> str:
    version = file.migrated_from or CURRENT_VERSION
    try:
        backup = migrate.replace(path, migrate.as_yaml(file.content.plain()), version)
    except OSError as error:
        reason = error.strerror or error
        return f"{path} has an older layout and can't be updated on disk ({reason}); it works as it is"
    return f"{path} was brought up to date; the file as it was is {backup.name}"


def _take_file(collected: _Collected, file: _File, path: Path) -> None:
    for name, line, value in names.leaves(file.content):
        source = Source(SourceKind.FILE, str(path), None if file.migrated_from else line)
        if name in names.fields():
            collected.add(name, value, source)
        elif name not in names.sections():
            collected.problems.append(_unknown(name, source))
        elif value is not None:
            collected.problems.append(f"{name} ({source}) is a section; its settings are indented below it")


def _take_environment(collected: _Collected, environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        text = environ[variable].strip()
        if not variable.startswith(names.PREFIX) or variable in names.NO_SETTINGS:
            continue
        if name := names.variables().get(variable):
            # Compose files hand on variables that nobody set as empty ones.
            if text:
                collected.add(name, _value(name, text), Source(SourceKind.ENVIRONMENT, variable))
        else:
            known = [*names.variables(), *names.NO_SETTINGS]
            hint = names.did_you_mean(variable, known)
            collected.problems.append(f"the environment variable {variable} is no setting of Koe{hint}")


def _take_overrides(collected: _Collected, overrides: Mapping[str, str]) -> None:
    for name, text in overrides.items():
        source = Source(SourceKind.COMMAND_LINE, name)
        if name in names.fields():
            collected.add(name, _value(name, text), source)
        else:
            collected.problems.append(_unknown(name, source))


def _value(name: str, text: str) -> object:
    if names.is_text(names.fields()[name]):
        return None if text in ("null", "~") else text
    return yaml_file.parse_value(text)


def _unknown(name: str, source: Source) -> str:
    hint = names.did_you_mean(name, [*names.fields(), *names.sections()])
    return f"{name} ({source}) is no setting of Koe{hint}"
