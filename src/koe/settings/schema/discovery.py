"""How the server is found on the LAN."""

from pydantic import Field

from koe.settings.schema.section import DAY, Seconds, Section


class DiscoverySettings(Section):
    enabled: bool = True
    """Let Home Assistant find Koe by itself."""

    check_interval: Seconds = Field(default=30.0, ge=1, le=DAY)
    """Seconds between two looks at the machine's addresses."""
