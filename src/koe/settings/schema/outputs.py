"""What is kept of what was spoken."""

from pydantic import Field

from koe.settings.schema.section import MIB, Count, Seconds, Section


class OutputsSettings(Section):
    keep_rooms: bool = False
    """Keep what is said to rooms (to Wyoming clients such as Home Assistant) as runs; batches always are."""

    max_age_days: Seconds | None = Field(default=None, gt=0, le=36500)
    """Older runs are removed, except favourite and pinned ones; null: never."""

    max_bytes: Count | None = Field(default=None, ge=MIB)
    """Of all runs together; beyond it the oldest go; null: no limit."""
