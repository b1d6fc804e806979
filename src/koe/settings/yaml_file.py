"""One YAML text as values with their lines, and the ways in which it can be no such text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.reader import ReaderError

from koe.core.errors import SettingsError

MAX_BYTES = 256 * 1024

_TAG_ERRORS = (ValueError, KeyError, AttributeError, TypeError)
"""What yaml raises for `!!int x` and the like."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping of the file: each key with its line (from 1) and what stands there."""

    items: dict[str, tuple[int, "Branch | object"]] = field(default_factory=dict)

    def plain(self) -> dict[str, object]:
        """The same without lines."""
        return {
            key: value.plain() if isinstance(value, Branch) else value for key, (_line, value) in self.items.items()
        }


class _Loader(yaml.SafeLoader):
    """YAML as people mean it (1.2's core schema): `no` is Norwegian, 012 is twelve, 12:30 is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first) or [""])


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"^(?:~|null|Null|NULL)$", "~nN")
_resolve("null", r"^$", "")
_resolve("int", r"^[-+]?[0-9]{1,18}$", "-+0123456789")
_resolve("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", "-+.0123456789")
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _loader, node: int(str(node.value)))


class _Dumper(yaml.SafeDumper):
    """Quotes what the loader would not take for text, and besides what it itself wouldn't."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    # The other quotes would let line breaks such as U+0085 become spaces.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)

for _first, _resolvers in _Loader.yaml_implicit_resolvers.items():
    for _tag, _pattern in _resolvers:
        _Dumper.add_implicit_resolver(_tag, _pattern, [_first])


def read(path: Path) -> str | None:
    """The file's text, or None where there is no such file. Raises SettingsError for what can't be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise SettingsError(f"{path} is a folder; the settings are a file of that name") from None
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{path} is larger than {MAX_BYTES // 1024} KiB: that is no settings file")
    return _decoded(content, path)


def parse(text: str, where: str) -> Branch:
    """The values of a YAML text. Raises SettingsError with line and column for damaged YAML."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None or _is_null(root):
            return Branch()
        if not isinstance(root, yaml.MappingNode):
            raise SettingsError(f"{where}: settings are written as `name: value`, this is something else")
        return _branch(loader, root, where)
    except yaml.YAMLError as error:
        raise SettingsError(f"{where}{_place(error, text)}: this is no valid YAML: {_reason(error)}") from error
    except RecursionError:
        raise SettingsError(f"{where}: nested too deeply") from None


def parse_value(text: str) -> object:
    """A variable's or a flag's text as the value that the file would hold; what is no YAML stays text."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, *_TAG_ERRORS):
        return text


def as_text(values: Mapping[str, object]) -> str:
    """What `parse` reads as the same values."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _branch(loader: _Loader, node: yaml.MappingNode, where: str) -> Branch:
    branch = Branch()
    for line, key, value in _pairs(node):
        if key in branch.items:
            first = branch.items[key][0]
            raise SettingsError(f"{where} line {line}: {key!r} is there twice, first in line {first}")
        branch.items[key] = (line, _converted(loader, value, where))
    return branch


def _converted(loader: _Loader, node: yaml.Node, where: str) -> "Branch | object":
    if isinstance(node, yaml.MappingNode):
        return _branch(loader, node, where)
    try:
        value: object = loader.construct_object(node, deep=True)
    except _TAG_ERRORS:
        line = node.start_mark.line + 1
        raise SettingsError(f"{where} line {line}: the value doesn't fit its tag {node.tag}") from None
    return value


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[int, str, yaml.Node]]:
    for key, value in node.value:
        yield key.start_mark.line + 1, str(key.value), value


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path} line {line}: this is not UTF-8; save the file as UTF-8") from None


def _place(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, ReaderError):
        return f" line {text.count(chr(10), 0, error.position) + 1}"
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, ReaderError):
        return "it holds a character that can't be seen"
    return str(getattr(error, "problem", None) or error)
