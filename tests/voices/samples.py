"""Voices to keep, and the clips that they are made of."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from koe.audio.reference import to_wav
from koe.core.effects import Pitch, Reverb
from koe.core.profile import Profile, Reference, Sampling
from koe.core.voice import VoiceKind

THEN = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


def clip(number: int) -> bytes:
    """A WAV of 20 ms, another for each number."""
    return to_wav(np.sin(np.arange(480, dtype=np.float32) / np.float32(number + 2)))


def reference(wav: bytes, transcript: str = "") -> Reference:
    digest = hashlib.sha256(wav).hexdigest()
    return Reference(f"{digest[:16]}.wav", digest, 0.02, transcript)


def cloned(id: str, *wavs: bytes, **changes: Any) -> Profile:
    references = tuple(reference(wav, f"Clip {index}.") for index, wav in enumerate(wavs))
    profile = Profile(id, id.title(), VoiceKind.CLONED, ("de-DE",), THEN, THEN, references=references)
    return replace(profile, **changes)


def named(id: str, **changes: Any) -> Profile:
    return replace(Profile(id, id.title(), VoiceKind.NAMED, ("en-GB",), THEN, THEN, base="qwen-ryan"), **changes)


def with_everything(id: str, *wavs: bytes) -> Profile:
    """No field at its default."""
    return cloned(
        id,
        *wavs,
        name="Älva Ström 🙂",
        kind=VoiceKind.DESIGNED,
        languages=("zh-Hant-TW", "sv-SE"),
        changed=THEN.replace(microsecond=123456),
        description='Two\nlines, and "quotes".',
        tags=("warm", "für Kinder"),
        base="qwen-vivian",
        engine="remote",
        size="1.7B",
        design="a calm old sailor",
        instruct="Speak slowly.",
        seed=2**63 - 1,
        sampling=Sampling(0.9, 50, 1.0, 1.05),
        speed=1.25,
        pitch=-2.5,
        gain=-3.5,
        effects=(Pitch(semitones=3, keep_formants=True), Reverb(size=0.3)),
    )


def tree(folder: Path) -> set[str]:
    """All files and folders below, but for the lock."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name != ".lock"}
