"""What pydantic found wrong, by name and in words."""

import re
import reprlib
from collections.abc import Callable, Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from koe.settings.names import did_you_mean

Place = tuple[int | str, ...]

_MOST = 5
"""Problems that are told; a file can have thousands."""


def nowhere(_place: Place) -> str:
    return ""


def in_words(error: ValidationError, known: Iterable[str], where: Callable[[Place], str] = nowhere) -> str:
    """`references[0].duration: -1 isn't right: it should be greater than or equal to 0; seed: ...`

    `known`: the names that there are. `where` tells of a place what is put behind its name, such as ` (line 3)`.
    """
    known = list(known)
    details = error.errors(include_url=False)
    told = [_problem(detail, known, where(detail["loc"])) for detail in details[:_MOST]]
    more = [f"and {len(details) - _MOST} more"] if len(details) > _MOST else []
    return "; ".join(told + more)


def _problem(detail: ErrorDetails, known: list[str], where: str) -> str:
    name = _dotted(detail["loc"])
    match detail["type"]:
        case "missing":
            return f"{name} is missing{where}"
        case "extra_forbidden":
            return f"{name[:100]}{where} is nothing that a voice has{did_you_mean(name[:100], known)}"
        case "value_error":
            reason = str(detail["ctx"]["error"])
            return f"{name}{where}: {reason}" if name else reason
        case _:
            should = re.sub("^[A-Z][a-z]+ should", "it should", detail["msg"])
            return f"{name}{where}: {reprlib.repr(detail['input'])} isn't right: {should}"


def _dotted(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
