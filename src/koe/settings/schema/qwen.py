"""Qwen3-TTS, computed here."""

from typing import Annotated, Literal

from pydantic import Field

from koe.settings.schema.section import DAY, Count, Seconds, Section

StyleName = Annotated[str, Field(min_length=1, max_length=40)]
StyleText = Annotated[str, Field(min_length=1, max_length=1000)]


class QwenSettings(Section):
    enabled: bool = True
    """Offer Qwen3-TTS where it is installed and one of its checkpoints is found."""

    size: Literal["0.6B", "1.7B"] = "0.6B"
    """The preferred one, where a request can be served by both."""

    checkpoint: str | None = Field(default=None, min_length=1, max_length=200)
    """Name of the one to use, for what it can do; null: whichever fits the request."""

    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    """Where to compute; auto: the fastest there is."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """How exactly to compute; auto: what suits the device."""

    precision: Literal["auto", "fp32", "int8", "int4"] = "auto"
    """Bits of the weights on a CPU: int8 is several times as fast as fp32, int4 faster still and less exact; auto: int8
    where a CPU computes and dtype is auto."""

    slow: Literal["buffer", "fallback"] = "buffer"
    """For rooms, where this machine takes longer to make speech than to play it. buffer: speech begins later, so that
    it has no gaps; fallback: the fallback voice speaks."""

    slots: Count = Field(default=4, ge=1, le=64)
    """Streams that speak at the same time; more wait."""

    lead_seconds: Seconds = Field(default=10.0, ge=0.5, le=600)
    """Seconds of audio that a stream may be ahead of its listener."""

    text_wait: Seconds = Field(default=1.5, ge=0.1, le=600)
    """Seconds after which a live text that pauses behind a sentence is spoken as if it ended there; within a sentence
    its speech waits."""

    warm_up: bool = True
    """Load at the start, not with the first request."""

    idle_unload: Seconds | None = Field(default=None, ge=1, le=DAY)
    """Seconds without a request after which the memory is given back; null: never."""

    loaded: Count = Field(default=1, ge=1, le=8)
    """Checkpoints that are kept in memory."""

    styles: dict[StyleName, StyleText] = Field(
        default={
            "calm": "Speak calmly, gently and a little slower.",
            "cheerful": "Speak in a bright, cheerful and friendly tone.",
            "news": "Read clearly and evenly, like a newsreader.",
            "urgent": "Speak urgently and firmly, like an important announcement.",
            "whisper": "Whisper softly, as if someone were asleep in the room.",
        }
    )
    """What a voice is told for a style that a request names."""
