"""Productions and what else is spoken in the background."""

from pydantic import Field

from koe.settings.schema.section import Count, Section


class JobsSettings(Section):
    side_by_side: Count = Field(default=4, ge=1, le=64)
    """Items of a job that are spoken at the same time; rooms go first all the same."""

    max_waiting: Count = Field(default=50, ge=1, le=10_000)
    """Jobs that haven't ended; more are refused."""
