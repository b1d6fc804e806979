"""Announcements in rooms."""

from pydantic import Field

from koe.settings.schema.section import Seconds, Section


class AnnounceSettings(Section):
    satellites: bool = True
    """Look for Wyoming satellites on this network, and announce on those that no Home Assistant holds."""

    timeout: Seconds = Field(default=110.0, ge=1, le=3600)
    """Seconds that an announcement may take in a room."""
