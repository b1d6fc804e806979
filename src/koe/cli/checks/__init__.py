"""What `koe doctor` looks at: each check answers with what it found and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Koe works, but not everything does."""

    PROBLEM = "problem"
    """Koe can't work like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    mark: Mark

    subject: str
    """What was looked at."""

    found: str

    remedy: str = ""
    """What to do; empty where there is nothing to do."""
