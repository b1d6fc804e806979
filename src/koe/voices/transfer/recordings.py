"""Cloned voices out of other people's recordings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from koe.core.errors import LimitExceeded, MalformedInput, RequestError
from koe.core.languages import LANGUAGES, canonical, spoken_by_all
from koe.core.profile import Profile
from koe.core.text import detect
from koe.core.voice import VoiceKind
from koe.voices.files import MAX_REFERENCES, checked
from koe.voices.ids import make_id
from koe.voices.making import NO_TRANSCRIPT, PreparedClip, check_together, prepare_clip
from koe.voices.transfer.arrival import Arrival


@dataclass(frozen=True, slots=True)
class Recording:
    path: str
    """In its parcel, for messages."""

    audio: bytes
    transcript: str
    """Empty: unknown."""


def cloned(
    name: str,
    recordings: Sequence[Recording],
    *,
    taken: Collection[str],
    language: str | None = None,
    description: str = "",
) -> tuple[Arrival, list[str]]:
    """A voice made of the recordings in their order, as far as they fit, and what to tell people about it.

    `taken`: ids that it can't have. `language`: a canonical tag; None: that of the transcripts, else English. Raises
    MalformedInput, LimitExceeded, UnsupportedAbility that name the recording.
    """
    clips, warnings = _fitting(recordings)
    references = tuple(clip.reference for clip in clips)
    language = language or detect.detect(" ".join(each.transcript for each in references), LANGUAGES) or "en"
    now = datetime.now(UTC).replace(microsecond=0)
    profile = Profile(
        id=make_id(name, taken),
        name=name,
        kind=VoiceKind.CLONED,
        languages=spoken_by_all(language),
        created=now,
        changed=now,
        description=description,
        references=references,
    )
    if not profile.transcript:
        warnings.append(f"{name}: {NO_TRANSCRIPT}")
    return Arrival(checked(profile), tuple(clip.wav for clip in clips)), warnings


def canonical_or_none(language: str | None) -> str | None:
    """None where it is empty. Raises MalformedInput where it is no tag."""
    try:
        return canonical(language) if language else None
    except ValueError as error:
        raise MalformedInput(str(error)) from error


def _fitting(recordings: Sequence[Recording]) -> tuple[list[PreparedClip], list[str]]:
    clips: list[PreparedClip] = []
    warnings: list[str] = []
    for index, recording in enumerate(recordings):
        if index == MAX_REFERENCES:
            return clips, [*warnings, _left_out(recordings[index:], f"a voice has at most {MAX_REFERENCES} references")]
        clip = _prepared(recording)
        try:
            check_together([*clips, clip])
        except LimitExceeded as error:
            return clips, [*warnings, _left_out(recordings[index:], error.message)]
        clips.append(clip)
        warnings += (f"{recording.path!r}: {warning}" for warning in clip.warnings)
    return clips, warnings


def _left_out(recordings: Sequence[Recording], reason: str) -> str:
    return f"{', '.join(repr(each.path) for each in recordings)}: left out, because {reason}"


def _prepared(recording: Recording) -> PreparedClip:
    try:
        return prepare_clip(recording.audio, recording.transcript)
    except RequestError as error:
        raise type(error)(f"{recording.path!r}: {error.message}") from error
