"""The names of settings: dotted (`wyoming.max_connections`), as a variable (`KOE_WYOMING_MAX_CONNECTIONS`),
and what each one takes, in words."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, reduce
from operator import getitem
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from koe.settings.schema import Settings
from koe.settings.yaml_file import Branch

JsonSchema = dict[str, Any]

_Section = TypeVar("_Section", bound=BaseModel)

PREFIX = "KOE_"
DATA_DIR = "KOE_DATA_DIR"
CONFIG = "KOE_CONFIG"
TOKEN = "KOE_TOKEN"
"""Of a server that a command is to ask."""

NO_SETTINGS = (DATA_DIR, CONFIG, TOKEN)


@cache
def fields() -> Mapping[str, FieldInfo]:
    """Every setting (leaf) by its dotted name, in the order of the schema."""
    return dict(_walk(Settings, ""))


@cache
def sections() -> frozenset[str]:
    """The dotted names of what holds settings."""
    paths = (name.split(".") for name in fields())
    return frozenset(".".join(path[:end]) for path in paths for end in range(1, len(path)))


@cache
def variables() -> Mapping[str, str]:
    """Dotted name by environment variable. The layout's version belongs to the file alone."""
    return {PREFIX + name.upper().replace(".", "_"): name for name in fields() if name != "version"}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    known = list(known)
    if close := difflib.get_close_matches(name, known, n=1):
        return close[0]
    last = name.rpartition(".")[2]
    same = [candidate for candidate in known if candidate.rpartition(".")[2] == last]
    return same[0] if len(same) == 1 else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint to put behind an error, or nothing."""
    meant = nearest(name, known)
    return f"; did you mean {meant}?" if meant else ""


def is_text(field: FieldInfo) -> bool:
    """Whether a setting takes free text, which is never to be read as YAML."""
    return not {str, SecretStr}.isdisjoint(_alternatives(field))


def is_secret(name: str) -> bool:
    """Whether a setting's value is shown to nobody."""
    return SecretStr in _alternatives(fields()[name])


def takes(field: FieldInfo) -> str:
    """What a setting takes, in words: `a whole number from 80 to 450`."""
    alternatives = _alternatives(field)
    words = " or ".join(_words(kind) for kind in alternatives if kind is not types.NoneType)
    null = " or null" if types.NoneType in alternatives else ""
    return f"{words}{_range(field)}{null}"


def leaves(branch: Branch, prefix: str = "") -> Iterator[tuple[str, int, object]]:
    """What a file says: dotted names, known or not, with their lines and values."""
    for key, (line, value) in branch.items.items():
        name = prefix + key
        if isinstance(value, Branch) and name in sections():
            yield from leaves(value, f"{name}.")
        else:
            yield name, line, value.plain() if isinstance(value, Branch) else value


@cache
def schemas() -> Mapping[str, JsonSchema]:
    """The JSON schema of each setting: its type, limits, choices and description."""
    document = Settings.model_json_schema(mode="serialization")
    return {name: _schema(name, document) for name in fields()}


def value_of(settings: Settings, name: str) -> object:
    found: object = settings
    for part in name.split("."):
        found = getattr(found, part)
    return found


def plain_values(settings: Settings) -> Mapping[str, Any]:
    """By dotted name, as JSON holds them."""
    document = settings.model_dump(mode="json")
    return {name: reduce(getitem, name.split("."), document) for name in fields()}


def with_values(settings: Settings, values: Mapping[str, object]) -> Settings:
    """The same with others, which are not checked."""
    for name, value in values.items():
        settings = _with_value(settings, name.split("."), value)
    return settings


def _with_value(section: _Section, path: Sequence[str], value: object) -> _Section:
    first, *rest = path
    inner = _with_value(getattr(section, first), rest, value) if rest else value
    return section.model_copy(update={first: inner})


def _schema(name: str, document: JsonSchema) -> JsonSchema:
    found = document
    for part in name.split("."):
        found = _referred(found["properties"][part], document)
    return {key: _whole(value, document) for key, value in found.items() if key not in ("title", "default")}


def _referred(schema: JsonSchema, document: JsonSchema) -> JsonSchema:
    return document["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _whole(value: Any, document: JsonSchema) -> Any:
    """With what it refers to in its place."""
    if isinstance(value, dict):
        return {key: _whole(inner, document) for key, inner in _referred(value, document).items()}
    return [_whole(inner, document) for inner in value] if isinstance(value, list) else value


def _walk(model: type[BaseModel], prefix: str) -> Iterable[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _alternatives(field: FieldInfo) -> tuple[object, ...]:
    kind = field.annotation
    alternatives = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return tuple(get_args(each)[0] if get_origin(each) is Annotated else each for each in alternatives)


def _words(kind: object) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(str(choice) for choice in get_args(kind))
    simple: dict[object, str] = {bool: "true or false", int: "a whole number", float: "a number"}
    simple |= {str: "text", SecretStr: "text"}
    return "names with their texts" if get_origin(kind) is dict else simple.get(kind, "a list")


def _range(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, annotated_types.Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, annotated_types.Le)), None)
    return "" if low is None or high is None else f" from {low:.10g} to {high:.10g}"
