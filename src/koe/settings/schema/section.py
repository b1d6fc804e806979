"""What the sections of the settings have in common: their base, and the kinds of values."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, PlainValidator, Strict

from koe.settings.listen import ListenAddress

MIB = 1024 * 1024
DAY = 86400.0

# Strict, because otherwise `true` would pass as 1.
Count = Annotated[int, Strict()]
Seconds = Annotated[float, Strict()]

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def _language_tag(language: str) -> str:
    if not _LANGUAGE_TAG.fullmatch(language):
        raise ValueError(f"{language!r} is no language tag: write one like de, en-GB or zh-Hant")
    return language


LanguageTag = Annotated[str, AfterValidator(_language_tag)]


def _listen_address(value: object) -> ListenAddress:
    return value if isinstance(value, ListenAddress) else ListenAddress.parse(str(value))


def split_text(value: object) -> object:
    """One text may hold several addresses, so that a variable or a flag needs no YAML list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Listen = Annotated[ListenAddress, PlainValidator(_listen_address), PlainSerializer(str)]


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )
