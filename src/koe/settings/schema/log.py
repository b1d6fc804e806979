"""What the server tells."""

from typing import Literal

from koe.settings.schema.section import Section


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is told."""

    format: Literal["human", "json"] = "human"
    """To read, or one object a line for programs."""
