"""What others ask the engine's thread to do between two steps."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from koe.core.errors import KoeError


class Calls:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Callable[[], None], Future[None]]] = []

    def add(self, work: Callable[[], None]) -> "Future[None]":
        """From any thread; done when the call is, and what it raises comes out there."""
        answer: Future[None] = Future()
        with self._lock:
            self._waiting.append((work, answer))
        return answer

    def run(self) -> None:
        """All that wait."""
        for work, answer in self._take():
            try:
                answer.set_result(work())
            except Exception as error:
                answer.set_exception(error)

    def fail(self, error: KoeError) -> None:
        for _, answer in self._take():
            answer.set_exception(error)

    def _take(self) -> list[tuple[Callable[[], None], "Future[None]"]]:
        """Without those that were given up."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return [(work, answer) for work, answer in waiting if answer.set_running_or_notify_cancel()]
