"""Who tells what is said in a recording."""

from pydantic import Field, field_validator

from koe.settings.listen import ListenAddress
from koe.settings.schema.section import Seconds, Section


class TranscriptionSettings(Section):
    server: str | None = Field(default=None, max_length=300)
    """A Wyoming speech-to-text server, such as tcp://192.168.1.5:10300; null: one that announces itself."""

    timeout: Seconds = Field(default=60.0, ge=1, le=3600)
    """Seconds that it may take."""

    @field_validator("server")
    @classmethod
    def _is_one_address(cls, server: str | None) -> str | None:
        if server is not None and ListenAddress.parse(server).every_address:
            raise ValueError(f"{server} is no address of one server: write one like tcp://192.168.1.5:10300")
        return server
