"""Where a setting came from."""

from dataclasses import dataclass
from enum import StrEnum


class SourceKind(StrEnum):
    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Source:
    kind: SourceKind = SourceKind.DEFAULT

    name: str = ""
    """The file's path, the variable, or the dotted name given on the command line."""

    line: int | None = None
    """In the file, from 1; None where it was migrated from an older layout."""

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
