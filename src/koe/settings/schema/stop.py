"""How the server stops."""

from pydantic import Field

from koe.settings.schema.section import Seconds, Section


class StopSettings(Section):
    grace: Seconds = Field(default=5.0, ge=0, le=600)
    """Seconds that running speech may go on after the request to stop."""
