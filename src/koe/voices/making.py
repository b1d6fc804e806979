"""Making a voice out of clips, and changing one that is there."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from koe.audio import reference
from koe.audio.decode import read_audio
from koe.core.errors import MalformedInput
from koe.core.languages import LANGUAGES, at_home, spoken_by_all
from koe.core.profile import Clip, Profile, Reference
from koe.core.text import detect
from koe.core.voice import Voice, VoiceKind
from koe.voices.ids import make_id
from koe.voices.store import VoiceStore

NO_TRANSCRIPT = (
    "without a transcript the voice follows the sound of the speaker alone, which is less like them: give the words "
    "that are said in the clip"
)


@dataclass(frozen=True, slots=True)
class PreparedClip:
    """A reference as it will be kept."""

    reference: Reference
    wav: bytes
    warnings: tuple[str, ...]

    @property
    def clip(self) -> Clip:
        """What an engine clones, without a voice being kept."""
        whole = f"{self.reference.sha256} {self.reference.transcript}"
        digest = hashlib.sha256(whole.encode()).hexdigest()
        return Clip(digest, self.reference.transcript, lambda: reference.joined([reference.from_wav(self.wav)]))


@dataclass(frozen=True, slots=True)
class Made:
    profile: Profile
    warnings: tuple[str, ...] = ()


def prepare_clip(audio: bytes | Path, transcript: str = "") -> PreparedClip:
    """Decoded, checked, cleaned up. Raises MalformedInput, UnsupportedAbility that say what to do."""
    prepared = reference.prepare(read_audio(audio, most_seconds=reference.MOST_READ_SECONDS))
    wav = reference.to_wav(prepared.samples)
    digest = hashlib.sha256(wav).hexdigest()
    kept = Reference(f"{digest[:16]}.wav", digest, round(prepared.duration, 3), " ".join(transcript.split()))
    return PreparedClip(kept, wav, prepared.warnings)


def clone(
    store: VoiceStore,
    name: str,
    clips: Sequence[PreparedClip],
    *,
    id: str | None = None,
    languages: Sequence[str] = (),
    **details: Any,
) -> Made:
    """A voice made of clips, in their order. `languages`: without any, that of the transcript first, then all others
    that the model speaks. `details`: further fields of Profile."""
    check_together(clips)
    now = _now()
    profile = Profile(
        id=id or free_id(store, name),
        name=name,
        kind=details.pop("kind", VoiceKind.CLONED),
        languages=_languages(languages, " ".join(clip.reference.transcript for clip in clips)),
        created=now,
        changed=now,
        references=tuple(clip.reference for clip in clips),
        **details,
    )
    warnings = [warning for clip in clips for warning in clip.warnings]
    if not profile.transcript:
        warnings.append(NO_TRANSCRIPT)
    return Made(store.add(profile, [clip.wav for clip in clips]), tuple(warnings))


def vary(
    store: VoiceStore,
    name: str,
    base: Voice,
    *,
    id: str | None = None,
    languages: Sequence[str] = (),
    **details: Any,
) -> Made:
    """A variation of a built-in voice: its own instruct, sampling, speed or language. `details` as in `clone`."""
    now = _now()
    profile = Profile(
        id=id or free_id(store, name),
        name=name,
        kind=VoiceKind.NAMED,
        languages=_at_home(languages) or base.languages,
        created=now,
        changed=now,
        base=base.id,
        engine=base.engine,
        **details,
    )
    return Made(store.add(profile))


def edit(store: VoiceStore, voice_id: str, clips: Sequence[PreparedClip] | None = None, **changes: Any) -> Made:
    """Change fields of a voice; with clips, those instead of its references."""
    profile = store.get(voice_id)
    if "languages" in changes:
        changes["languages"] = _at_home(changes["languages"])
    if clips is not None:
        if profile.kind is VoiceKind.NAMED:
            raise MalformedInput(f"{voice_id} varies the built-in voice {profile.base}: it has no references")
        check_together(clips)
        changes["references"] = tuple(clip.reference for clip in clips)
    changed = store.replace(replace(profile, **changes), [clip.wav for clip in clips or ()])
    warnings = [warning for clip in clips or () for warning in clip.warnings]
    if changed.references and not changed.transcript:
        warnings.append(NO_TRANSCRIPT)
    return Made(changed, tuple(warnings))


def check_together(clips: Sequence[PreparedClip]) -> None:
    """Raises MalformedInput where there is no clip, LimitExceeded where they are too long as one."""
    if not clips:
        raise MalformedInput("a voice needs a clip: give at least one reference")
    reference.joined([reference.from_wav(clip.wav) for clip in clips])


def free_id(store: VoiceStore, name: str) -> str:
    taken = [profile.id for profile in store.profiles()] + [broken.id for broken in store.broken()]
    return make_id(name, taken)


def _languages(given: Sequence[str], transcript: str) -> tuple[str, ...]:
    if given:
        return _at_home(given)
    return spoken_by_all(detect.detect(transcript, LANGUAGES) or "en")


def _at_home(tags: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(at_home(tag) for tag in tags)
    except ValueError as error:
        raise MalformedInput(str(error)) from None


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
