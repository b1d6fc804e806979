"""Which engines there are, and which one speaks."""

from typing import Literal

from pydantic import Field, model_validator

from koe.settings.schema.qwen import QwenSettings
from koe.settings.schema.remote import RemoteSettings
from koe.settings.schema.section import Count, Section

EngineName = Literal["espeak", "qwen", "remote", "fake"]


class EspeakSettings(Section):
    rate: Count = Field(default=175, ge=80, le=450)
    """Words per minute."""

    pitch: Count = Field(default=50, ge=0, le=99)
    """0 is deep, 99 high."""


class FakeSettings(Section):
    enabled: bool = False
    """Offer the engine that speaks tones, for trying out and for tests."""


class EngineSettings(Section):
    default: Literal["auto", "espeak", "qwen", "remote", "fake"] = "auto"
    """auto: remote where it has servers, else qwen where it is installed and has a checkpoint, else espeak."""

    fallback: EngineName | None = "espeak"
    """Speaks where the engine can't that was to speak; null: nothing stands in, and the request fails."""

    espeak: EspeakSettings = EspeakSettings()

    qwen: QwenSettings = QwenSettings()

    remote: RemoteSettings = RemoteSettings()

    fake: FakeSettings = FakeSettings()

    @model_validator(mode="after")
    def _fake_is_enabled(self) -> "EngineSettings":
        if "fake" in (self.default, self.fallback) and not self.fake.enabled:
            raise ValueError("the fake engine is chosen, but engine.fake.enabled is false")
        return self

    @model_validator(mode="after")
    def _remote_has_servers(self) -> "EngineSettings":
        if "remote" in (self.default, self.fallback) and not self.remote.servers:
            raise ValueError("the remote engine is chosen, but engine.remote.servers names no server")
        return self
