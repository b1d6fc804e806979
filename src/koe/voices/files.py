"""A profile as JSON: to be read and edited by hand as well."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from koe.core.effects import Chain
from koe.core.errors import MalformedInput
from koe.core.profile import Profile, Reference, Sampling
from koe.core.voice import VoiceKind
from koe.voices.fields import Count, Id, Languages, Name, Number, Pitch, Seed, Speed, Text, Time, VoiceId
from koe.voices.problems import in_words

Values = dict[str, Any]

MAX_BYTES = 256 * 1024
MAX_REFERENCES = 10

_FILE_NAME, _LONGEST_FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\.wav$", 100

STEPS: tuple[Callable[[Values], Values], ...] = ()
"""The step at index n brings version n + 1 to version n + 2."""

CURRENT_VERSION = len(STEPS) + 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Reference(_Part):
    file: Annotated[str, Field(max_length=_LONGEST_FILE_NAME, pattern=_FILE_NAME)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    duration: Annotated[Number, Field(ge=0)]
    transcript: Text = ""


class _Sampling(_Part):
    temperature: Annotated[Number, Field(gt=0, le=2)] | None = None
    top_k: Annotated[Count, Field(ge=0, lt=2**31)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[Number, Field(gt=0, le=2)] | None = None


class _Profile(_Part):
    """The fields of Profile, in the order in which they are written."""

    id: Id
    name: Name
    kind: VoiceKind
    languages: Languages
    description: Text = ""
    tags: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    engine: Annotated[str, Field(max_length=64, pattern=r"^[a-z][a-z0-9-]*$")] = "qwen"
    size: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    base: VoiceId = ""
    references: Annotated[tuple[_Reference, ...], Field(max_length=MAX_REFERENCES)] = ()
    design: Text = ""
    instruct: Text = ""
    seed: Seed | None = None
    sampling: _Sampling = _Sampling()
    speed: Speed = 1.0
    pitch: Pitch = 0.0
    gain: Annotated[Number, Field(ge=-20, le=20)] = 0.0
    effects: Chain = ()
    created: Time
    changed: Time

    @model_validator(mode="after")
    def _made_of_what_its_kind_needs(self) -> "_Profile":
        if self.kind is not VoiceKind.NAMED and not self.references:
            raise ValueError(f"a {self.kind} voice needs a reference")
        if self.kind is VoiceKind.NAMED and self.references:
            raise ValueError("a named voice has no references: it varies the built-in voice in base")
        if self.kind is VoiceKind.NAMED and not self.base.strip():
            raise ValueError("a named voice needs base: the id of the built-in voice that it varies")
        return self

    def to_profile(self) -> Profile:
        values = dict(self)
        values["references"] = tuple(Reference(**dict(each)) for each in self.references)
        values["sampling"] = Sampling(**dict(self.sampling))
        return Profile(**values)


_NAMES = [name for part in (_Profile, _Reference, _Sampling) for name in part.model_fields]


def is_file_name(name: str) -> bool:
    """Whether a reference may be called so: nothing that leads out of the voice's folder."""
    return len(name) <= _LONGEST_FILE_NAME and re.fullmatch(_FILE_NAME, name) is not None


def checked(profile: Profile) -> Profile:
    """The same with its languages in canonical form and its times in UTC. Raises MalformedInput that says by name what
    can't be kept."""
    return _validated(asdict(profile)).to_profile()


def to_plain(profile: Profile) -> Values:
    """For JSON. Raises MalformedInput as `checked`."""
    return _validated(asdict(profile)).model_dump(mode="json")


def to_json(profile: Profile) -> bytes:
    """Raises MalformedInput as `checked`."""
    return (json.dumps({"version": CURRENT_VERSION} | to_plain(profile), ensure_ascii=False, indent=2) + "\n").encode()


def from_json(data: bytes) -> Profile:
    """Raises MalformedInput that says what is wrong where."""
    if len(data) > MAX_BYTES:
        raise MalformedInput(f"it is larger than {MAX_BYTES // 1024} KiB: that is no voice")
    return _validated(migrated(_parsed(data))).to_profile()


def migrated(values: Values, steps: Sequence[Callable[[Values], Values]] = STEPS) -> Values:
    """The same voice in the layout that the last step brings, without its version. Raises MalformedInput where that is
    none that Koe knows."""
    current = len(steps) + 1
    version = values.get("version")
    if version is None:
        raise MalformedInput(f'version is missing: add "version": {current}')
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise MalformedInput(f"version: {version!r:.50} is none; the current one is {current}")
    if version > current:
        raise MalformedInput(f"it was written by a newer Koe (version {version}; this one knows {current}): update Koe")
    for step in steps[version - 1 :]:
        values = step(dict(values))
    return {key: value for key, value in values.items() if key != "version"}


def _validated(values: Values) -> _Profile:
    try:
        return _Profile.model_validate(values)
    except ValidationError as error:
        raise MalformedInput(in_words(error, _NAMES)) from None


def _parsed(data: bytes) -> Values:
    try:
        values = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_each_once)
    except UnicodeDecodeError:
        raise MalformedInput("it is not UTF-8: save it as UTF-8") from None
    except RecursionError:
        raise MalformedInput("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedInput(f"it is no valid JSON ({where}): {error.msg}") from None
    except ValueError as error:
        # A number of thousands of digits.
        raise MalformedInput(f"it holds what can't be read: {error}") from None
    if not isinstance(values, dict):
        raise MalformedInput("a voice is written as {...}, this is something else")
    return values


def _each_once(pairs: list[tuple[str, Any]]) -> Values:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedInput(f"{twice[:100]} is there twice")
    return values
