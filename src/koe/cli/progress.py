"""A line on stderr while something is being spoken; only on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.status import Status

    from koe.speech import SpeechStats


class Progress:
    def __init__(self, *, quiet: bool) -> None:
        self._status = None if quiet or not sys.stderr.isatty() else _status()

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def update(self, stats: SpeechStats) -> None:
        if self._status is not None:
            self._status.update(f"{stats.audio_seconds:.1f} s spoken by {stats.voice}")


def _status() -> Status:
    from rich.console import Console

    return Console(stderr=True).status("Starting to speak")
