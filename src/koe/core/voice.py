"""What a user picks by name."""

from dataclasses import dataclass
from enum import StrEnum


class VoiceKind(StrEnum):
    NAMED = "named"
    """A built-in speaker of an engine."""

    CLONED = "cloned"
    """A profile made from a reference clip."""

    DESIGNED = "designed"
    """A preset designed from a description and then cloned."""


@dataclass(frozen=True, slots=True)
class Voice:
    id: str
    """Unique in the house and stable for years: Home Assistant stores it in pipelines."""

    name: str
    """What people see in a list."""

    languages: tuple[str, ...]
    """BCP-47 tags, at least one; the first is the one that it speaks best."""

    engine: str
    """The engine that speaks it: `espeak`, `qwen`, `remote` or `fake`."""

    kind: VoiceKind = VoiceKind.NAMED

    styles: tuple[str, ...] = ()
    """Styles that a request may pick (Wyoming's `speaker`); empty where the engine has none."""
