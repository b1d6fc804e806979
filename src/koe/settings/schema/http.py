"""The server of the admin page and of other programs."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from koe.settings.listen import ListenAddress
from koe.settings.schema.section import DAY, MIB, Count, Listen, Seconds, Section, split_text


class HttpSettings(Section):
    enabled: bool = True
    """Offer HTTP at all."""

    listen: Annotated[tuple[Listen, ...], BeforeValidator(split_text)] = Field(
        default=(ListenAddress.parse("tcp://127.0.0.1:10211"),), min_length=1, max_length=20
    )
    """Where other programs and the admin page reach it; every address but a loopback one asks for the token."""

    token_file: str | None = Field(default=None, min_length=1, max_length=1000)
    """Where the token is kept; null: config/token in the data folder."""

    allowed_hosts: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = Field(default=(), max_length=20)
    """Names besides its own addresses under which browsers may reach it."""

    ingress: bool = False
    """Behind Home Assistant's ingress: the Supervisor's address needs no token."""

    certificate: str | None = Field(default=None, min_length=1, max_length=1000)
    """PEM file; with it and its key, https."""

    key: str | None = Field(default=None, min_length=1, max_length=1000)
    """PEM file of the certificate's key."""

    max_body_bytes: Count = Field(default=MIB, ge=1024, le=64 * MIB)
    """Of a request."""

    max_upload_bytes: Count = Field(default=64 * MIB, ge=MIB, le=1024 * MIB)
    """Of a request with files."""

    max_connections: Count = Field(default=256, ge=1, le=65536)
    """At once, in all."""

    max_connections_per_address: Count = Field(default=64, ge=1, le=65536)
    """At once, from one address."""

    requests_per_minute: Count = Field(default=600, ge=1, le=1_000_000)
    """Requests from one address."""

    max_speaking: Count = Field(default=4, ge=1, le=1024)
    """Requests that speak at the same time; more wait."""

    max_waiting: Count = Field(default=16, ge=0, le=1024)
    """Requests that wait their turn; more are told to try again later."""

    wait_timeout: Seconds = Field(default=30.0, ge=0.1, le=3600)
    """Seconds that a request waits its turn."""

    idle_timeout: Seconds = Field(default=60.0, ge=1, le=DAY)
    """Seconds without a word after which a WebSocket or a slow body is given up."""

    write_timeout: Seconds = Field(default=30.0, ge=1, le=DAY)
    """Seconds after which a listener that takes no more is given up."""
