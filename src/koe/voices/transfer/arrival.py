"""Voices that have come, checked, and are not in the store yet."""

from dataclasses import dataclass
from enum import StrEnum

from koe.core.profile import Profile


class Origin(StrEnum):
    KOE = "koe"
    """An archive that `export_voices` wrote."""

    VOICEBOX = "voicebox"
    """An archive that voicebox exported."""

    FOLDER = "folder"
    """Recordings and their transcripts."""


@dataclass(frozen=True, slots=True)
class Arrival:
    profile: Profile
    clips: tuple[bytes, ...]
    """WAV, one for each of the profile's references."""


@dataclass(frozen=True, slots=True)
class Parcel:
    origin: Origin
    voices: tuple[Arrival, ...]
    warnings: tuple[str, ...] = ()
    """For people: what was left out, what could be better."""
