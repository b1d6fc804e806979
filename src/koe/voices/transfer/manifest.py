"""The first file of an archive of Koe's voices."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import koe
from koe.core.errors import MalformedInput
from koe.voices.fields import Id
from koe.voices.problems import in_words
from koe.voices.transfer.limits import MOST_ENTRIES

PATH = "manifest.json"
FORMAT: Final = "koe-voices"
VERSION: Final = 1


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["koe-voices"] = FORMAT
    version: Literal[1] = VERSION
    koe: Annotated[str, Field(max_length=100)] = koe.__version__
    """The version that wrote it, for people."""

    voices: Annotated[list[Id], Field(max_length=MOST_ENTRIES)]

    def to_json(self) -> bytes:
        return (json.dumps(self.model_dump(), indent=2) + "\n").encode()


def is_ours(values: Any) -> bool:
    return isinstance(values, dict) and values.get("format") == FORMAT


def check_manifest(values: dict[str, Any]) -> Manifest:
    """Raises MalformedInput that says what is wrong with it."""
    version = values.get("version")
    if isinstance(version, int) and version > VERSION:
        raise MalformedInput(
            f"the archive was written by a newer Koe ({values.get('koe', '?')!s:.50}, layout {version}; "
            f"this one knows {VERSION}): update Koe"
        )
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as error:
        raise MalformedInput(f"{PATH!r}: {in_words(error, Manifest.model_fields)}") from None
    if len(set(manifest.voices)) < len(manifest.voices):
        raise MalformedInput(f"{PATH!r} names a voice twice")
    return manifest
