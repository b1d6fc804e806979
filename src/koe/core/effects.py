"""Which effects there are and within which bounds, as files and requests state them.

{"effect": "reverb", "size": 0.4}    one with its values; what isn't given is as it usually is
"reverb:size=0.4,wet=0.1"            the same, as people write it on a command line
"M3GAN"                              a preset: what it stands for takes its place
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from koe.core.errors import UnsupportedAbility

MOST_EFFECTS = 16
"""In one chain."""

MOST_OF_A_VOICE = MOST_EFFECTS - 3
"""Its speed, its pitch and its gain are in the chain as well."""

_LONGEST_TEXT = 200

# Strict, because otherwise `true` would pass as 1 and "1" as well.
_Number = Annotated[float, Strict()]


class _Effect(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Pitch(_Effect):
    """Higher or lower, at the same pace."""

    effect: Literal["pitch"] = "pitch"
    semitones: _Number = Field(ge=-12, le=12)
    keep_formants: Annotated[bool, Strict()] = False
    """The same throat, singing another note; else the throat grows or shrinks with the note."""


class Speed(_Effect):
    """Faster or slower, at the same pitch."""

    effect: Literal["speed"] = "speed"
    factor: _Number = Field(ge=0.25, le=4)
    """1.2 is faster by a fifth."""


class Reverb(_Effect):
    """A room around the voice, which rings on after its end."""

    effect: Literal["reverb"] = "reverb"
    size: _Number = Field(default=0.5, ge=0, le=0.9)
    """Of the room; the largest rings for five seconds."""

    damping: _Number = Field(default=0.5, ge=0, le=1)
    """How much of the treble its walls swallow."""

    wet: _Number = Field(default=0.2, ge=0, le=1)
    """Share of the room in what is heard; 1: none of the voice itself."""


class LowShelf(_Effect):
    """Louder or softer below a frequency."""

    effect: Literal["low_shelf"] = "low_shelf"
    hertz: _Number = Field(ge=20, le=20_000)
    gain: _Number = Field(ge=-24, le=24)
    """dB."""

    q: _Number = Field(default=0.707, ge=0.1, le=10)


class HighShelf(_Effect):
    """Louder or softer above a frequency."""

    effect: Literal["high_shelf"] = "high_shelf"
    hertz: _Number = Field(ge=20, le=20_000)
    gain: _Number = Field(ge=-24, le=24)
    """dB."""

    q: _Number = Field(default=0.707, ge=0.1, le=10)


class Gain(_Effect):
    """Louder or softer."""

    effect: Literal["gain"] = "gain"
    db: _Number = Field(ge=-60, le=24)


Effect = Annotated[Pitch | Speed | Reverb | LowShelf | HighShelf | Gain, Field(discriminator="effect")]

FIELDS: Mapping[str, tuple[str, ...]] = {
    kind.model_fields["effect"].default: tuple(kind.model_fields) for kind in get_args(get_args(Effect)[0])
}
"""Of each kind of effect."""

PRESETS: Mapping[str, tuple[Effect, ...]] = {
    # A doll's voice: a child's note in the throat of the voice that is there.
    "M3GAN": (Pitch(semitones=3, keep_formants=True),),
}


def preset(name: str) -> tuple[Effect, ...]:
    """Raises UnsupportedAbility that names what there is."""
    try:
        return PRESETS[name]
    except KeyError:
        raise UnsupportedAbility(
            f"there is no effect and no preset called {name[:100]!r}: there are {', '.join((*FIELDS, *PRESETS))}"
        ) from None


def as_text(effect: Effect) -> str:
    """Such as `pitch:semitones=3.0,keep_formants=true`: read again, it is the same."""
    values = [f"{name}={json.dumps(value)}" for name, value in effect if name != "effect"]
    return f"{effect.effect}:{','.join(values)}"


def _without_texts(chain: object) -> object:
    return tuple(_read(chain)) if isinstance(chain, list | tuple) else chain


def _read(chain: list[Any] | tuple[Any, ...]) -> Iterator[Any]:
    """Raises ValueError for a text that means nothing; whether its values are right is looked at later."""
    for each in chain:
        if not isinstance(each, str):
            yield each
        elif each.partition(":")[0] in FIELDS:
            yield _from_text(each)
        else:
            try:
                yield from preset(each)
            except UnsupportedAbility as error:
                raise ValueError(error.message) from None


def _from_text(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"an effect of {len(text)} characters: at most {_LONGEST_TEXT} are possible")
    kind, _, listed = text.partition(":")
    values: dict[str, Any] = {"effect": kind}
    for assignment in filter(None, listed.split(",")):
        name, equals, value = map(str.strip, assignment.partition("="))
        if not equals or name in values:
            wrong = "is there twice" if equals else "has no value"
            raise ValueError(f"{name!r} in {text!r} {wrong}: write it like {kind}:{FIELDS[kind][1]}=0.5")
        values[name] = _value(value)
    return values


def _value(text: str) -> bool | float | str:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


class _AlsoAsText:
    """Of a list of effects: each may be a text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_without_texts, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        effects = handler(schema)
        text = {"type": "string", "description": "Such as reverb:size=0.4,wet=0.1, or the name of a preset."}
        return {**effects, "items": {"anyOf": [effects["items"], text]}}


Chain = Annotated[tuple[Effect, ...], Field(max_length=MOST_OF_A_VOICE), _AlsoAsText()]
"""As files and requests hold it."""

CHAIN: TypeAdapter[tuple[Effect, ...]] = TypeAdapter(Chain)
"""Reads and writes a chain as JSON: `[{"effect": "pitch", "semitones": 3}]`."""
