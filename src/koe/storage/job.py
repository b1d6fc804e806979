"""What is known of a job, and of each of its items."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Values = Mapping[str, object]
"""What JSON can hold."""


class JobState(StrEnum):
    PLANNING = "planning"
    """Its items are being written down."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    """Every item was tried; some may have failed."""

    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


class ItemState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """In items, and in the unit of their sizes."""

    items: int = 0
    done: int = 0
    failed: int = 0
    size: int = 0
    size_tried: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    kind: str
    title: str
    state: JobState
    request: Values
    """Enough to plan it again."""

    created: float
    changed: float
    """Seconds since 1970."""

    worked: float
    """Seconds that were spent on its items."""

    error: str
    """Why it failed; empty where it didn't."""

    run: str | None
    """The id of the run that it became."""

    progress: Progress

    @property
    def seconds_left(self) -> float | None:
        """As long as the rest takes at the pace of what was tried; None: nobody knows yet."""
        if self.state.ended:
            return 0.0
        if not self.progress.size_tried or not self.worked:
            return None
        return self.worked / self.progress.size_tried * (self.progress.size - self.progress.size_tried)


@dataclass(frozen=True, slots=True)
class Item:
    job: str
    number: int
    """From 0."""

    state: ItemState
    size: int
    """How much work it is, in whatever unit the job counts (characters)."""

    spec: Values
    result: Values | None = None
    error: str = ""
