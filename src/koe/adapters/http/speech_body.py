"""What a request to speak may hold: OpenAI's fields, those of vLLM-Omni's that mean something here, and Koe's own."""

import base64
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    field_validator,
    model_validator,
)

from koe.audio.flow import RATES, FlowFormat
from koe.core.effects import Chain
from koe.core.errors import MalformedInput
from koe.core.languages import ENGLISH_NAMES, canonical
from koe.core.profile import Sampling
from koe.core.text.parts import TextFormat
from koe.voices.fields import Number

_BY_ENGLISH_NAME = {name.lower(): tag for tag, name in ENGLISH_NAMES.items()}

_NEVER_FETCHED = (
    "addresses and files that a request names are never fetched: send the recording itself, as "
    "data:audio/wav;base64,..., or make a voice of it (POST /api/voices) and name that"
)
_RECORDING = re.compile(r"data:[\w.+/-]*(?:;[\w.+=-]+)*;base64,")


def _language(value: str) -> str | None:
    """A tag, as Koe carries it; None: whichever it is."""
    name = value.strip().lower()
    return None if name in ("", "auto") else _BY_ENGLISH_NAME.get(name) or canonical(value)


def _whole(value: object) -> object:
    """To JSON, 7.0 is as whole as 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_bool(value: object) -> object:
    """To Python, 0 is False."""
    if not isinstance(value, bool):
        raise ValueError("Input should be false")
    return value


_WHOLE = BeforeValidator(_whole)
"""The last of an annotation: what stands behind it would be missing in the schema."""

Never = Annotated[Literal[False], BeforeValidator(_is_bool)]
Seed = Annotated[int, Strict(), Field(ge=0, lt=2**63), _WHOLE]
Language = Annotated[str, Field(max_length=100), AfterValidator(_language)]
Temperature = Annotated[Number, Field(gt=0, le=2)]
TopK = Annotated[int, Strict(), Field(ge=0, lt=2**31), _WHOLE]
TopP = Annotated[Number, Field(gt=0, le=1)]
RepetitionPenalty = Annotated[Number, Field(gt=0, le=2)]

WireFormat = Literal["wav", "pcm", "flac", "mp3", "opus"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SamplingBody(_Body):
    """How the model chooses among what it could say next; absent: as the voice does by itself."""

    temperature: Temperature | None = None
    top_k: TopK | None = None
    top_p: TopP | None = None
    repetition_penalty: RepetitionPenalty | None = None


class VoiceReference(_Body):
    """OpenAI's way to name a voice of one's own."""

    id: Annotated[str, Field(max_length=200)]


class Manner(SamplingBody):
    """Everything but the text and the form of the answer."""

    model: Annotated[str, Field(max_length=200, description="An engine or a checkpoint of GET /v1/models.")] | None = (
        None
    )
    voice: (
        Annotated[str, Field(max_length=200, description="An id of GET /v1/audio/voices.")] | VoiceReference | None
    ) = None
    instructions: Annotated[str, Field(max_length=4096, description="How to speak, in words.")] | None = None
    speed: Annotated[Number, Field(ge=0.25, le=4)] | None = None
    effects: Annotated[Chain, Field(description="Instead of the voice's own; []: none.")] | None = None
    language: Annotated[Language, Field(description="BCP-47 tag, or one of the ten English names, or Auto.")] | None = (
        None
    )
    seed: Seed | None = None
    extra_params: SamplingBody | None = Field(default=None, description="As the same fields outside, which go first.")
    style: Annotated[str, Field(max_length=40, description="One of the voice's styles.")] | None = None
    text_format: TextFormat = "text"
    task_type: Literal["CustomVoice", "VoiceDesign", "Base"] | None = Field(
        default=None, description="VoiceDesign: `instructions` describe a voice that is made up for this request."
    )

    ref_audio: (
        Annotated[str, Field(max_length=64 * 1024 * 1024, description="A recording to clone, as data:...;base64,...")]
        | None
    ) = None
    ref_text: Annotated[str, Field(max_length=4096, description="What is said in `ref_audio`.")] | None = None
    x_vector_only_mode: bool | None = Field(
        default=None, description="Follow the sound of the speaker in `ref_audio` alone, without `ref_text`."
    )

    max_new_tokens: (
        Annotated[int, Strict(), Field(ge=1, le=4096, description="Of vLLM-Omni; no effect here."), _WHOLE] | None
    ) = None
    initial_codec_chunk_frames: (
        Annotated[int, Strict(), Field(ge=0, description="Of vLLM-Omni; no effect here."), _WHOLE] | None
    ) = None
    non_streaming_mode: bool | None = Field(default=None, description="Of vLLM-Omni; no effect here.")
    word_timestamps: Never | None = Field(default=None, description="Of vLLM-Omni; there are none here.")

    @field_validator("ref_audio")
    @classmethod
    def _is_sent_along(cls, recording: str | None) -> str | None:
        if recording is not None and not _RECORDING.match(recording):
            raise ValueError(_NEVER_FETCHED)
        return recording

    @property
    def recording(self) -> bytes | None:
        """What `ref_audio` holds. Raises MalformedInput."""
        if self.ref_audio is None:
            return None
        try:
            return base64.b64decode(self.ref_audio.partition(",")[2], validate=True)
        except ValueError:
            raise MalformedInput("`ref_audio` isn't base64") from None

    @property
    def designed(self) -> bool:
        return self.task_type == "VoiceDesign"

    @property
    def voice_name(self) -> str:
        """Empty: none is named."""
        return self.voice.id if isinstance(self.voice, VoiceReference) else self.voice or ""

    @property
    def sampling(self) -> Sampling | None:
        chosen = dict(self.extra_params or ()) | {
            key: value for key in SamplingBody.model_fields if (value := getattr(self, key)) is not None
        }
        return Sampling(**chosen) if any(value is not None for value in chosen.values()) else None


class HowToSpeak(Manner):
    sample_rate: Annotated[int, Strict(), Field(ge=8000, le=48000, description="Hz."), _WHOLE] | None = None


class FormOfAnswer(HowToSpeak):
    response_format: WireFormat = "mp3"

    @property
    def format(self) -> FlowFormat:
        return FlowFormat(self.response_format)


def fits_together(body: Manner) -> None:
    """What no schema can say. Raises ValueError."""
    if body.designed and body.voice_name:
        raise ValueError("either `voice`, or `task_type` VoiceDesign with a description in `instructions`")
    if body.ref_audio is None and (body.ref_text or body.x_vector_only_mode):
        raise ValueError("`ref_text` and `x_vector_only_mode` belong to a recording in `ref_audio`")
    if body.ref_audio is not None and (body.voice_name or body.designed):
        raise ValueError("either `ref_audio`, or a `voice`, or `task_type` VoiceDesign")
    if body.designed and not (body.instructions or "").strip():
        raise ValueError("`task_type` VoiceDesign needs a description of the voice in `instructions`")
    if isinstance(body, FormOfAnswer) and body.sample_rate is not None:
        rates = RATES.get(body.format, (body.sample_rate,))
        if body.sample_rate not in rates:
            raise ValueError(f"`sample_rate`: this format can be of {', '.join(map(str, rates))} Hz")


class SpeechBody(FormOfAnswer):
    input: Annotated[str, Field(min_length=1, description="At most speech.max_characters of the settings.")]
    stream_format: Literal["audio", "sse"] | None = Field(
        default=None, description="audio (the default): the bytes as they are made; sse: events with them in base64."
    )
    stream: bool | None = Field(default=None, description="No effect: every answer streams.")

    keep: bool | None = Field(
        default=None, description="Keep it as a run of GET /api/history, where it is spoken to its end."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "SpeechBody":
        fits_together(self)
        if self.keep and self.ref_audio is not None:
            raise ValueError("`keep` and `ref_audio`: make a voice of the recording (POST /api/voices), and name that")
        return self


class BatchItem(FormOfAnswer):
    """A text; what it says besides wins over what the batch says."""

    input: Annotated[str, Field(description="All texts together: at most speech.max_characters of the settings.")]


class BatchText(BatchItem):
    """With what the batch says for all."""

    @model_validator(mode="after")
    def _fits_together(self) -> "BatchText":
        fits_together(self)
        return self


class BatchBody(FormOfAnswer):
    """What is said here holds for all items that say nothing else."""

    items: Annotated[list[BatchItem], Field(min_length=1, max_length=32)]

    def text(self, index: int) -> BatchText:
        """Raises ValidationError where the item and the batch don't fit together."""
        shared, own = given(self), given(self.items[index])
        del shared["items"]
        return BatchText.model_validate(shared | own)


def given(body: BaseModel) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.model_fields_set}
