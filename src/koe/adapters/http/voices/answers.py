"""What is answered about voices."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from koe.core.effects import Effect
from koe.core.errors import UsualProblem
from koe.core.voice import VoiceKind

State = Literal["ready", "cached", "loading", "downloading", "missing", "broken"]
"""ready: it speaks; cached: it speaks without hearing its clip first; loading: as soon as its checkpoint is in memory;
downloading: as soon as that is here; missing: not now; broken: its file is damaged."""

SPEAKING: tuple[State, ...] = ("ready", "cached", "loading")
"""Those that can be asked to."""


class VoiceEntry(BaseModel):
    id: str
    name: str
    languages: list[str]
    kind: VoiceKind | None
    engine: str
    styles: list[str]
    description: str = ""
    tags: list[str] = []
    own: bool
    """Whether it was made here."""

    preset: bool
    """Declared in the presets' file, where alone it can be changed."""

    state: State
    reason: str | None = None
    """Why it can't speak now."""

    problem: UsualProblem | None = None
    """A name for that, where it is a usual one."""


class VoiceList(BaseModel):
    voices: list[VoiceEntry]


class ReferenceAnswer(BaseModel):
    file: str
    sha256: str
    duration: float
    transcript: str


class SamplingAnswer(BaseModel):
    temperature: float | None
    top_k: int | None
    top_p: float | None
    repetition_penalty: float | None


class ProfileAnswer(BaseModel):
    id: str
    name: str
    kind: VoiceKind
    languages: list[str]
    description: str
    tags: list[str]
    engine: str
    size: str | None
    base: str
    references: list[ReferenceAnswer]
    design: str
    instruct: str
    seed: int | None
    sampling: SamplingAnswer
    speed: float
    pitch: float
    gain: float
    effects: list[Effect]
    created: datetime
    changed: datetime


class VoiceAnswer(VoiceEntry):
    profile: ProfileAnswer | None = None
    """Of a voice that was made here."""


class MadeAnswer(BaseModel):
    profile: ProfileAnswer
    warnings: list[str]
    """For people: what could be better."""

    state: State
    reason: str | None = None
    problem: UsualProblem | None = None


class WaveformAnswer(BaseModel):
    duration: float
    """Seconds."""

    points: list[tuple[float, float]]
    """The lowest and the highest sample of slices of equal length."""


class TextAnswer(BaseModel):
    text: str


class CheckAnswer(BaseModel):
    duration: float
    """Seconds of speech, without the silence around it."""

    level: float
    """dBFS: how loud the speech is."""

    above_noise: float
    """dB by which the speech stands out of the background, estimated."""

    sample_rate: int
    warnings: list[str]
    """For people: what would make a better clip."""


class AbilityAnswer(BaseModel):
    ready: bool
    reason: str | None = None
    """Why it can't be done now, and what to do."""

    problem: UsualProblem | None = None
    """A name for that, where it is a usual one."""


class AbilitiesAnswer(BaseModel):
    clone: AbilityAnswer
    design: AbilityAnswer
    transcribe: AbilityAnswer
    """Whether a speech-to-text server is named in the settings; one that announces itself is asked all the same."""

    languages: list[str]
    """Of cloned and designed voices."""


class CandidateAnswer(BaseModel):
    id: str
    """Of the design."""

    number: int
    """From 1."""

    seed: int
    duration: float
    """Seconds."""

    url: str
    """Where its WAV is."""


class DesignAnswer(BaseModel):
    id: str
    description: str
    text: str
    language: str
    created: datetime
    candidates: list[CandidateAnswer]


class DesignDone(BaseModel):
    design: DesignAnswer


class DesignList(BaseModel):
    designs: list[DesignAnswer]


class ImportedVoice(BaseModel):
    there: str
    """Its id in the archive."""

    here: str


class ImportAnswer(BaseModel):
    imported: list[ImportedVoice]
    skipped: list[str]
    replaced: list[str]
    warnings: list[str]
    dry_run: bool
