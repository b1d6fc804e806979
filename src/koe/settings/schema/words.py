"""When each word is said."""

from pydantic import Field

from koe.settings.schema.section import Section


class WordsSettings(Section):
    whisper: str | None = Field(default=None, min_length=1, max_length=1000)
    """A model for faster-whisper: its folder, or its name where it was downloaded before; null: only words in English
    can be timed."""
