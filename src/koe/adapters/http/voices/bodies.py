"""What requests about voices may hold."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from koe.adapters.http.speech_body import SamplingBody, WireFormat
from koe.audio.reference import MOST_READ_SECONDS
from koe.core.effects import Chain
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
