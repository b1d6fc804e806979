"""Settings from everywhere they can be set, later places over earlier ones: defaults, the file, `KOE_*`
variables, the command line."""

import os
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from koe.core.errors import SettingsError
from koe.settings import locate, migrate, names, yaml_file
from koe.settings.schema import CURRENT_VERSION, Settings
from koe.settings.source import Given, Source, SourceKind
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
    collected = _Collected()
    _take_file(collected, file, path)
    _take_environment(collected, environ)
    _take_overrides(collected, overrides)
    settings = _checked(collected)
    notices = (_store_migrated(path, file),) if file.migrated_from else ()
    return Loaded(settings, folder, path, _sources(collected), notices)


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
    for name, line, value in _leaves(file.content):
        source = Source(SourceKind.FILE, str(path), None if file.migrated_from else line)
        if name in names.fields():
            collected.add(name, value, source)
        elif name not in names.sections():
            collected.problems.append(_unknown(name, source))
        elif value is not None:
            collected.problems.append(f"{name} ({source}) is a section; its settings are indented below it")


def _leaves(branch: Branch, prefix: str = "") -> Iterator[tuple[str, int, object]]:
    for key, (line, value) in branch.items.items():
        name = prefix + key
        if isinstance(value, Branch) and name in names.sections():
            yield from _leaves(value, f"{name}.")
        else:
            yield name, line, value.plain() if isinstance(value, Branch) else value


def _take_environment(collected: _Collected, environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        text = environ[variable].strip()
        if not variable.startswith(names.PREFIX) or variable in (names.DATA_DIR, names.CONFIG):
            continue
        if name := names.variables().get(variable):
            # Compose files hand on variables that nobody set as empty ones.
            if text:
                collected.add(name, _value(name, text), Source(SourceKind.ENVIRONMENT, variable))
        else:
            known = [*names.variables(), names.DATA_DIR, names.CONFIG]
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


def _checked(collected: _Collected) -> Settings:
    problems = collected.problems
    try:
        settings = Settings.model_validate(_nested(collected.given))
    except ValidationError as error:
        problems = problems + _wrong_values(error, collected.given)
    if problems:
        raise SettingsError(_listed(problems))
    return settings


def _wrong_values(error: ValidationError, given: Mapping[str, Given]) -> list[str]:
    """One problem for each setting: a list with a wrong item would be called too short as well."""
    wrong: dict[str, str] = {}
    for detail in error.errors():
        name = ".".join(part for part in detail["loc"] if isinstance(part, str))
        wrong.setdefault(name, _wrong(name, detail, given))
    return list(wrong.values())


def _nested(given: Mapping[str, Given]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for name, each in given.items():
        *path, last = name.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})  # type: ignore[assignment]
        branch[last] = each.value
    return tree


def _wrong(name: str, detail: ErrorDetails, given: Mapping[str, Given]) -> str:
    if name not in names.fields():
        return f"{name}: {_reason(detail)}"
    source = given[name].source if name in given else Source()
    if detail["type"] == "value_error":
        return f"{name} ({source}): {_reason(detail)}"
    value = reprlib.repr(given[name].value if name in given else None)
    return f"{name} ({source}): {value} isn't right; it takes {names.takes(names.fields()[name])}"


def _reason(detail: ErrorDetails) -> str:
    return str(detail.get("ctx", {}).get("error", detail["msg"]))


def _listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} settings are wrong:\n" + "\n".join(f"  - {problem}" for problem in problems)


def _sources(collected: _Collected) -> dict[str, Source]:
    given = collected.given
    return {name: given[name].source if name in given else Source() for name in names.fields()}
