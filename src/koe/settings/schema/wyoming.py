"""The server that Home Assistant and other Wyoming clients speak with."""

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from koe.settings.listen import ListenAddress
from koe.settings.schema.section import DAY, MIB, Count, Listen, Seconds, Section, split_text


class WyomingSettings(Section):
    listen: Annotated[tuple[Listen, ...], BeforeValidator(split_text)] = Field(
        default=(ListenAddress("tcp", "*", 10210),), min_length=1, max_length=64
    )
    """Where Home Assistant and other Wyoming clients reach it; `*` is every address of this machine."""

    max_connections: Count = Field(default=256, ge=1, le=65536)
    """At once, in all."""

    max_connections_per_address: Count = Field(default=64, ge=1, le=65536)
    """At once, from one address."""

    idle_timeout: Seconds = Field(default=60.0, ge=0.1, le=DAY)
    """Seconds after which a connection that says nothing is closed."""

    write_timeout: Seconds = Field(default=30.0, ge=0.1, le=3600)
    """Seconds to wait for a client that has stopped reading."""

    max_header_bytes: Count = Field(default=65536, ge=1024, le=16 * MIB)
    """Of a message's first part."""

    max_data_bytes: Count = Field(default=MIB, ge=1024, le=64 * MIB)
    """Of a message's second part."""

    max_payload_bytes: Count = Field(default=MIB, ge=0, le=64 * MIB)
    """Of a message's third part."""

    max_nesting: Count = Field(default=16, ge=4, le=200)
    """Levels of JSON."""

    max_waiting_requests: Count = Field(default=4, ge=1, le=1000)
    """Requests that wait their turn on one connection."""

    @field_validator("listen")
    @classmethod
    def _listed_once(cls, listen: tuple[ListenAddress, ...]) -> tuple[ListenAddress, ...]:
        fixed = [address for address in listen if address.port or address.path]
        if twice := next((address for address in fixed if fixed.count(address) > 1), None):
            raise ValueError(f"{twice} is listed twice")
        return listen
