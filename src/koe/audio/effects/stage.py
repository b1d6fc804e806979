"""What a chain is made of."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono; full scale is 1.0."""


class Stage(Protocol):
    """Takes samples in pieces of any size; what it gives, joined, doesn't depend on where they were cut."""

    def feed(self, samples: Samples) -> Samples:
        """What is ready so far; may be empty."""

    def finish(self) -> Samples:
        """The rest; nothing may follow."""

    def length(self, samples: int) -> int:
        """How many samples become of so many, all in all."""


class Queue:
    """Samples that wait, by their places in the whole stream."""

    def __init__(self, start: int = 0) -> None:
        """`start`: the place of the first; before 0 there is silence."""
        self._start, self._samples = start, np.zeros(max(0, -start), np.float32)

    @property
    def end(self) -> int:
        return self._start + len(self._samples)

    def add(self, samples: Samples) -> None:
        self._samples = np.concatenate([self._samples, samples])

    def pad(self, end: int) -> None:
        """With silence."""
        self.add(np.zeros(max(0, end - self.end), np.float32))

    def between(self, start: int, end: int) -> Samples:
        return self._samples[start - self._start : end - self._start]

    def forget(self, end: int) -> None:
        """What is before."""
        self._samples = self._samples[max(0, end - self._start) :]
        self._start = max(self._start, end)


def joined(pieces: list[Samples]) -> Samples:
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def fitted(samples: Samples, length: int) -> Samples:
    """Cut, or filled up with silence, to so many."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
