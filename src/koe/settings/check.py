"""Whether what was given makes settings, and in words what is wrong with it."""

import reprlib
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from koe.settings import names
from koe.settings.schema import Settings
from koe.settings.source import Source, Values

Problems = Mapping[str, str]
"""What is wrong, by the dotted name of a setting, of a section whose settings contradict each other, or of a part of a
setting (`engine.qwen.styles.sad`)."""


def check(given: Values) -> Settings | Problems:
    try:
        return Settings.model_validate(_nested(given))
    except ValidationError as error:
        problems: dict[str, str] = {}
        for detail in error.errors():
            name = ".".join(part for part in detail["loc"] if isinstance(part, str))
            # One for each setting: a list with a wrong item would be called too short as well.
            problems.setdefault(name, _reason(name, detail, given))
        return problems


def described(name: str, problem: str, given: Values) -> str:
    if name not in names.fields():
        return f"{name}: {problem}"
    source = given[name].source if name in given else Source()
    return f"{name} ({source}): {problem}"


def listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} settings are wrong:\n" + "\n".join(f"  - {problem}" for problem in problems)


def _nested(given: Values) -> dict[str, object]:
    tree: dict[str, object] = {}
    for name, each in given.items():
        *path, last = name.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})  # type: ignore[assignment]
        branch[last] = each.value
    return tree


def _reason(name: str, detail: ErrorDetails, given: Values) -> str:
    if name not in names.fields() or detail["type"] == "value_error":
        return str(detail.get("ctx", {}).get("error", detail["msg"]))
    value = "this" if names.is_secret(name) else reprlib.repr(given[name].value if name in given else None)
    return f"{value} isn't right; it takes {names.takes(names.fields()[name])}"
