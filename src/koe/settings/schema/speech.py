"""Limits of one request to speak."""

from pydantic import Field

from koe.settings.schema.section import DAY, Count, Seconds, Section


class SpeechSettings(Section):
    """Limits of one request."""

    max_characters: Count = Field(default=50_000, ge=1, le=10_000_000)
    """Characters of text."""

    max_seconds: Seconds = Field(default=1800.0, ge=1, le=DAY)
    """Seconds of audio."""

    first_audio_timeout: Seconds = Field(default=15.0, ge=0.1, le=3600)
    """Seconds from the first text that can be spoken to the first audio."""

    chunk_timeout: Seconds = Field(default=15.0, ge=0.1, le=3600)
    """Seconds between two pieces of audio."""

    request_timeout: Seconds = Field(default=3600.0, ge=1, le=DAY)
    """Seconds for the whole request, once its turn has come."""

    text_timeout: Seconds = Field(default=120.0, ge=0.1, le=DAY)
    """Seconds to wait for more of a live text."""

    sample_rate: Count | None = Field(default=None, ge=8000, le=48000)
    """Hz of what is sent; null: as the engine speaks."""
