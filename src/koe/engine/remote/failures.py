"""How one server fails, and what that says of it."""

from enum import Enum, auto

from koe.core.errors import EngineError


class Why(Enum):
    UNREACHABLE = auto()
    """Nobody answers at its address."""

    BROKEN = auto()
    """It answers, but not in time, or not whole, or tells of a failure of its own."""

    REFUSED = auto()
    """It answers that it can't or won't. vLLM-Omni says 400 for its own failures, too: who is to blame stays open."""

    LOCKED = auto()
    """It wants another key."""

    BUSY = auto()
    """It asks to come again later."""

    NOT_HERE = auto()
    """It has no such voice, model or endpoint."""


class ServerFailure(EngineError):
    """One server's: another one may do it."""

    def __init__(self, why: Why, message: str, *, retry_after: float = 0.0) -> None:
        """`retry_after`: seconds that a busy one asks for."""
        super().__init__(message)
        self.why, self.retry_after = why, retry_after
