"""What is in memory, for those who ask; loads no torch."""

from dataclasses import dataclass

from koe.core.errors import Busy


@dataclass(frozen=True, slots=True)
class Held:
    """How a checkpoint is that is in memory, or on its way there."""

    ready: bool
    """Else it is being loaded, or waits for a place."""

    streams: int = 0
    """For which it speaks."""

    memory: int | None = None
    """Bytes, where they are known: on a GPU all that it took there, on a CPU its weights."""


class Speaking(Busy):
    """The checkpoint can't be taken away now."""
