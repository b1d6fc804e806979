"""Where a setting came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SourceKind(StrEnum):
    """Later ones win."""

    DEFAULT = "default"
    FILE = "file"
    OVERLAY = "overlay"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Source:
    kind: SourceKind = SourceKind.DEFAULT

    name: str = ""
    """The file's path, the variable, or the dotted name given on the command line."""

    line: int | None = None
    """In the file, from 1; None where it was migrated from an older layout, or changed since it was read."""

    def __str__(self) -> str:
        if self.kind is SourceKind.COMMAND_LINE:
            return "command line"
        place = f" line {self.line}" if self.line else ""
        return f"{self.name or self.kind}{place}"


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody set, not yet checked."""

    value: object
    source: Source


Values = Mapping[str, Given]
"""By dotted name."""


@dataclass(frozen=True, slots=True)
class Layers:
    """What was given besides the overlay, which lies between."""

    below: Values = field(default_factory=dict)
    """By the file."""

    above: Values = field(default_factory=dict)
    """By the environment and the command line: whoever started Koe has the last word."""

    def around(self, overlay: Values) -> Values:
        return {**self.below, **overlay, **self.above}
