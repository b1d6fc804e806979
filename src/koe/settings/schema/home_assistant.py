"""The Home Assistant through which announcements go."""

import re

from pydantic import Field, SecretStr, field_validator, model_validator

from koe.settings.schema.section import Section

_WEB_ADDRESS = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?(/[\w./-]*)?")


class HomeAssistantSettings(Section):
    url: str | None = Field(default=None, max_length=300)
    """Where Home Assistant is, such as http://homeassistant.local:8123; null: announcements don't go through it."""

    token: SecretStr | None = Field(default=None, min_length=1, max_length=1000)
    """A long-lived access token of one of its administrators."""

    tts_entity: str = Field(default="tts.koe", pattern=r"^tts\.[a-z0-9_]+$")
    """This server in Home Assistant, which speaks announcements that name a voice."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not _WEB_ADDRESS.fullmatch(url):
            raise ValueError(f"{url!r} is no address of Home Assistant: write one like http://homeassistant.local:8123")
        return url

    @model_validator(mode="after")
    def _needs_both(self) -> "HomeAssistantSettings":
        if (self.url is None) is not (self.token is None):
            raise ValueError("home_assistant.url and home_assistant.token only work together: set both, or neither")
        return self
