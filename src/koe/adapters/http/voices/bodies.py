"""What requests about voices may hold, and what is answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from koe.adapters.http.speech_body import SamplingBody, WireFormat
from koe.audio.reference import MOST_READ_SECONDS
from koe.core.effects import Chain, Effect
from koe.core.errors import UsualProblem
from koe.core.voice import VoiceKind
from koe.pipelines.design_clone import MAX_CANDIDATES
from koe.voices.fields import Count, Id, Language, Languages, Name, Number, Pitch, Seed, Speed, Text, VoiceId
from koe.voices.files import MAX_REFERENCES

Audio = Annotated[
    str,
    Field(
        min_length=1,
        description=f"Base64 of a recording (WAV, FLAC, MP3, OGG, M4A), of {MOST_READ_SECONDS:g} seconds at the most.",
    ),
]
Tags = Annotated[tuple[Name, ...], Field(max_length=20)]
Gain = Annotated[Number, Field(ge=-20, le=20)]
Size = Annotated[str, Field(min_length=1, max_length=20)]
State = Literal["ready", "cached", "loading", "downloading", "missing", "broken"]
"""ready: it speaks; cached: it speaks without hearing its clip first; loading: as soon as its checkpoint is in memory;
downloading: as soon as that is here; missing: not now; broken: its file is damaged."""

SPEAKING: tuple[State, ...] = ("ready", "cached", "loading")
"""Those that can be asked to."""


def _absent() -> Any:
    """Stands for a field that wasn't sent, where null says something of its own or is refused."""


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReferenceBody(Body):
    audio: Audio
    transcript: Annotated[Text, Field(description="What is said in it.")] = ""


class VoiceBody(Body):
    """Either `references` (in a form: the files `ref`), or `base`."""

    name: Annotated[Name, Field(description="What people see.")]
    id: Annotated[Id, Field(description="Else one is made of the name.")] | None = None
    references: Annotated[tuple[ReferenceBody, ...], Field(max_length=MAX_REFERENCES)] = ()
    base: Annotated[VoiceId, Field(description="Instead of clips: the built-in voice that this one varies.")] = ""
    transcribe: Annotated[
        bool, Field(description="Ask the speech-to-text server what is said in clips without transcript.")
    ] = False
    languages: Annotated[
        Languages | None, Field(description="The best first; else that of the transcript, and all others.")
    ] = None
    description: Text = ""
    tags: Tags = ()
    instruct: Annotated[Text, Field(description="How a variation speaks, in words.")] = ""
    seed: Seed | None = None
    sampling: SamplingBody = SamplingBody()
    speed: Speed = 1.0
    pitch: Pitch = 0.0
    gain: Gain = 0.0
    effects: Chain = ()
    size: Annotated[Size, Field(description="Of the checkpoint: 0.6B or 1.7B.")] | None = None


class ChangeBody(Body):
    """What is absent stays. null draws the seed anew each time, leaves the size to the settings, and the sampling to
    the engine."""

    name: Name = Field(default_factory=_absent)
    languages: Languages = Field(default_factory=_absent)
    description: Text = Field(default_factory=_absent)
    tags: Tags = Field(default_factory=_absent)
    instruct: Text = Field(default_factory=_absent)
    seed: Seed | None = None
    sampling: SamplingBody | None = None
    speed: Speed = Field(default_factory=_absent)
    pitch: Pitch = Field(default_factory=_absent)
    gain: Gain = Field(default_factory=_absent)
    effects: Chain = Field(default_factory=_absent)
    size: Size | None = None
    transcripts: Annotated[tuple[Text, ...], Field(description="Corrected: one for each reference.")] = Field(
        default_factory=_absent
    )
    transcribe: Annotated[bool, Field(description="Ask the speech-to-text server for the transcripts.")] = False

    @model_validator(mode="after")
    def _changes_something(self) -> "ChangeBody":
        if not self.model_fields_set - {"transcribe"} and not self.transcribe:
            raise ValueError("say what to change, such as name or transcripts")
        if self.transcribe and "transcripts" in self.model_fields_set:
            raise ValueError("either `transcripts`, or `transcribe`")
        return self


class ReferencesBody(Body):
    references: Annotated[tuple[ReferenceBody, ...], Field(max_length=MAX_REFERENCES)] = ()
    """In a form: the files `ref`."""

    mode: Annotated[
        Literal["append", "replace"],
        Field(description="append: behind those that the voice has; else instead of them."),
    ] = "append"
    transcribe: bool = False


class TranscribeBody(Body):
    audio: Audio
    language: Language | None = None


class CheckBody(Body):
    audio: Audio


class TryBody(Body):
    text: Annotated[str, Field(min_length=1, description="Else two sentences in its language.")] | None = None
    language: Annotated[Language, Field(description="Else the one that it speaks best.")] | None = None
    seed: Seed | None = None
    response_format: WireFormat = "wav"


class DesignBody(Body):
    description: Annotated[Text, Field(min_length=1, description="Such as: a calm old sailor.")]
    language: Annotated[Language, Field(description="What it speaks best.")] = "en"
    text: Annotated[Text, Field(min_length=1, description="What they say: 3 to 10 seconds; else ours.")] | None = None
    candidates: Annotated[Count, Field(ge=1, le=MAX_CANDIDATES, description="Else 3.")] | None = None
    seeds: (
        Annotated[
            tuple[Seed, ...],
            Field(min_length=1, max_length=MAX_CANDIDATES, description="One for each candidate; else they are drawn."),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _agrees(self) -> "DesignBody":
        if self.seeds and self.candidates and len(self.seeds) != self.candidates:
            raise ValueError(f"`seeds`: {len(self.seeds)} for {self.candidates} candidates: leave one of them out")
        return self

    @property
    def drawn(self) -> tuple[int | None, ...]:
        return self.seeds or (None,) * (self.candidates or 3)


class KeepBody(Body):
    name: Name
    id: Id | None = None
    description: Annotated[Text, Field(description="For people; else that of the design.")] = ""


class PresetBody(Body):
    """As Open Speech has it."""

    name: Name
    voice_description: Annotated[Text, Field(min_length=1)]
    sample_text: Annotated[Text, Field(min_length=1)] | None = None
    language: Language = "en"


class ListQuery(Body):
    language: Annotated[Language, Field(description="`en` finds en-GB as well.")] | None = None
    kind: VoiceKind | None = None


class WaveformQuery(Body):
    points: Annotated[int, Field(ge=1, le=4000)] = 400


class ExportQuery(Body):
    id: Annotated[
        list[str], Field(max_length=1000, description="May be given several times; none: all that were made here.")
    ] = []


class ImportQuery(Body):
    on_clash: Annotated[
        Literal["refuse", "rename", "replace", "skip"], Field(description="Where there is a voice of that id already.")
    ] = "refuse"
    dry_run: Annotated[bool, Field(description="Only check and tell what would be done.")] = False
    language: Annotated[Language, Field(description="Of recordings that come without one.")] | None = None


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
