"""What the fields of a voice may hold."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from koe.core.errors import MalformedInput
from koe.core.languages import canonical
from koe.voices.ids import check_id


def _id(value: str) -> str:
    try:
        check_id(value)
    except MalformedInput as error:
        raise ValueError(error.message) from None
    return value


def _line(value: str) -> str:
    if not value.strip():
        raise ValueError("it is empty")
    # A bidirectional override would show another name than the one it has.
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") or letter in _OVERRIDES for letter in value):
        raise ValueError(f"{value!r} holds a control character or a line break")
    return value


def _languages(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(canonical(tag) for tag in tags))


def _is_time(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise ValueError(f"{value!r:.50} is no time; write it like 2026-01-31T18:00:00Z")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value} is out of range") from None


_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Strict, because otherwise `true` would pass as 1 and "1" as well.
Count = Annotated[int, Strict()]
Number = Annotated[float, Strict()]

Id = Annotated[str, AfterValidator(_id)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_line)]
Text = Annotated[str, Field(max_length=2000)]
VoiceId = Annotated[str, Field(max_length=200)]
Language = Annotated[str, AfterValidator(canonical)]
Languages = Annotated[tuple[str, ...], Field(min_length=1, max_length=50), AfterValidator(_languages)]
Time = Annotated[datetime, BeforeValidator(_is_time), AfterValidator(_utc)]
Speed = Annotated[Number, Field(ge=0.5, le=2)]
Pitch = Annotated[Number, Field(ge=-12, le=12)]
Seed = Annotated[Count, Field(ge=0, lt=2**63)]
