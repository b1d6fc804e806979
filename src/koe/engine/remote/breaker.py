"""When a server that failed is asked again. Decides, and waits for nothing.

closed    --THRESHOLD failures in a row-->  open
open      --its time is over-->                                     one request may try
that one  --succeeds-->  closed      --fails-->  open, for twice as long
"""

from collections.abc import Callable

THRESHOLD = 3
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0


class Breaker:
    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: seconds that only grow."""
        self._clock = clock
        self._failures = 0
        self._seconds = FIRST_SECONDS
        self._open_until: float | None = None
        self._trying = False
        self.asked_to_wait = False
        """Whether the server works and only asks to come again later."""

    @property
    def wait(self) -> float:
        """Seconds until it lets a request through; 0 where it does now, infinite while another one tries."""
        if self._trying:
            return float("inf")
        return max(0.0, (self._open_until or 0.0) - self._clock())

    def begin(self) -> None:
        """A request was let through."""
        self._trying = self._open_until is not None

    def leave(self) -> None:
        """It ended without saying anything of the server."""
        self._trying = False

    def succeeded(self) -> None:
        self._failures, self._seconds = 0, FIRST_SECONDS
        self._open_until, self._trying, self.asked_to_wait = None, False, False

    def failed(self) -> None:
        self._failures += 1
        if self._trying or self._failures >= THRESHOLD:
            self._open(self._seconds)
            self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
            self.asked_to_wait = False
        self._trying = False

    def busy(self, seconds: float) -> None:
        """It asks to come again after so long."""
        self._open(min(max(seconds, FIRST_SECONDS), LONGEST_SECONDS))
        self._trying, self.asked_to_wait = False, True

    def _open(self, seconds: float) -> None:
        self._open_until = max(self._open_until or 0.0, self._clock() + seconds)
