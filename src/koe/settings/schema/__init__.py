"""Every setting, its default, its limits, and what it is for: `http.max_connections` stands in `http.py`,
`engine.qwen.size` in `qwen.py`. A secret is a pydantic SecretStr, which no answer and no list shows;
`config/koe.example.yaml` tells users more."""

from typing import Literal

from pydantic import Field, field_validator

from koe.settings.schema.announce import AnnounceSettings
from koe.settings.schema.discovery import DiscoverySettings
from koe.settings.schema.engine import EngineSettings
from koe.settings.schema.home_assistant import HomeAssistantSettings
from koe.settings.schema.http import HttpSettings
from koe.settings.schema.jobs import JobsSettings
from koe.settings.schema.log import LogSettings
from koe.settings.schema.outputs import OutputsSettings
from koe.settings.schema.section import Section
from koe.settings.schema.speech import SpeechSettings
from koe.settings.schema.stop import StopSettings
from koe.settings.schema.transcription import TranscriptionSettings
from koe.settings.schema.voice import VoiceSettings
from koe.settings.schema.words import WordsSettings
from koe.settings.schema.wyoming import WyomingSettings

CURRENT_VERSION = 2


class Settings(Section):
    version: Literal[2] = 2
    """Of the file's layout."""

    name: str = Field(default="Koe", min_length=1)
    """What Home Assistant shows; at most 63 bytes, as it is announced as one DNS label."""

    log: LogSettings = LogSettings()
    engine: EngineSettings = EngineSettings()
    voice: VoiceSettings = VoiceSettings()
    speech: SpeechSettings = SpeechSettings()
    wyoming: WyomingSettings = WyomingSettings()
    http: HttpSettings = HttpSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    outputs: OutputsSettings = OutputsSettings()
    jobs: JobsSettings = JobsSettings()
    transcription: TranscriptionSettings = TranscriptionSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    announce: AnnounceSettings = AnnounceSettings()
    words: WordsSettings = WordsSettings()
    stop: StopSettings = StopSettings()

    @field_validator("name")
    @classmethod
    def _fits_a_dns_label(cls, name: str) -> str:
        if not name.strip() or not name.isprintable():
            raise ValueError("a name needs letters that can be seen, and no line breaks")
        if len(name.encode()) > 63:
            raise ValueError(f"{name!r} is too long to be announced: at most 63 bytes")
        return name
