"""What was wrong with a pydantic model, in words."""

import difflib
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_AT_MOST = 5


def described(error: ValidationError, known: Iterable[str] = ()) -> tuple[str | None, str]:
    """The first wrong field's name, where one is to blame, and what is wrong with all of them. What was given is not
    repeated: it may be long, or secret. `known`: the fields that there are, for hints."""
    details = error.errors(include_url=False, include_input=False)
    first = _name(details[0]["loc"]) or None
    sentences = list(dict.fromkeys(_sentence(detail, tuple(known)) for detail in details))
    more = f"; and {len(sentences) - _AT_MOST} more" if len(sentences) > _AT_MOST else ""
    return first, "; ".join(sentences[:_AT_MOST]) + more


def _sentence(detail: ErrorDetails, known: tuple[str, ...]) -> str:
    name = _name(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            # What is known are the names of the outermost fields.
            close = difflib.get_close_matches(name[:100], known, n=1) if len(detail["loc"]) == 1 else []
            return f"{name}: there is no such field" + (f", did you mean {close[0]}?" if close else "")
        case "missing":
            return f"{name}: is needed"
        case "json_invalid":
            return f"the body is no JSON: {detail['ctx'].get('error', '')}"
        case "value_error":
            reason = str(detail["ctx"].get("error", detail["msg"]))
        case _:
            reason = detail["msg"]
    return f"{name}: {reason}" if name else reason


def _name(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:100] for part in place)[:300]
