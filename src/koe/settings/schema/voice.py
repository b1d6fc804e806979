"""Who speaks where nobody is asked for."""

from pydantic import Field

from koe.settings.schema.section import LanguageTag, Section


class VoiceSettings(Section):
    default: str | None = Field(default=None, min_length=1, max_length=200)
    """Voice id; null: the best voice of the language."""

    language: LanguageTag | None = None
    """BCP-47 tag, used where a request names neither voice nor language; null: the system's, else English."""
