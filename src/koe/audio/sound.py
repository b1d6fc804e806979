"""Sounds that are read piece by piece, as often as needed, in memory or in a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from koe.core.errors import MalformedInput

Samples = NDArray[np.float32]
"""Mono; full scale is 1.0."""

PIECE = 16_384
"""Samples read at once."""

_AROUND = 4096
"""Samples before and behind a part that are resampled with it: many more than any of them sounds in."""


class Sound(Protocol):
    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def frames(self) -> int:
        """Samples."""

    def pieces(self, start: int, count: int) -> Iterator[Samples]:
        """So many samples from there on."""


@dataclass(frozen=True, slots=True, eq=False)
class ArraySound:
    samples: Samples
    sample_rate: int

    @property
    def frames(self) -> int:
        return len(self.samples)

    def pieces(self, start: int, count: int) -> Iterator[Samples]:
        for place in range(start, start + count, PIECE):
            yield self.samples[place : min(place + PIECE, start + count)]


class FileSound:
    """Of what Koe wrote: what strangers made is to be read by `decode.read_audio`. Channels are mixed to one."""

    def __init__(self, path: Path) -> None:
        """Raises MalformedInput that names the file."""
        self._path = path
        with self._open() as file:
            self.sample_rate: int = file.samplerate
            self.frames: int = file.frames

    def pieces(self, start: int, count: int) -> Iterator[Samples]:
        """Raises MalformedInput where the file is shorter by now than it was."""
        with self._open() as file:
            file.seek(start)
            while count > 0:
                channels = file.read(min(count, PIECE), dtype="float32", always_2d=True)
                if len(channels) == 0:
                    raise MalformedInput(f"{self._path.name} ends {count} samples too early: make it anew")
                count -= len(channels)
                yield channels[:, 0] if file.channels == 1 else channels.mean(axis=1, dtype=np.float32)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with soundfile.SoundFile(self._path) as file:
                yield file
        except soundfile.LibsndfileError as error:
            raise MalformedInput(f"can't read {self._path.name}: {error.error_string}") from error


def resampled_length(count: int, source_rate: int, target_rate: int) -> int:
    return round(count * target_rate / source_rate)


def resampled(sound: Sound, start: int, count: int, sample_rate: int) -> Iterator[Samples]:
    """So many of its samples, at another rate: exactly `resampled_length`. A part sounds as it does in the whole."""
    if sound.sample_rate == sample_rate:
        yield from sound.pieces(start, count)
        return
    # Only after so many samples is one of the other rate at the same time as one of this rate.
    step = sound.sample_rate // gcd(sound.sample_rate, sample_rate)
    before = min(_AROUND, start) // step * step
    after = min(_AROUND, sound.frames - start - count)
    skip, left = before * sample_rate // sound.sample_rate, resampled_length(count, sound.sample_rate, sample_rate)
    stream = soxr.ResampleStream(sound.sample_rate, sample_rate, 1, dtype="float32")
    for piece in sound.pieces(start - before, before + count + after):
        ready = stream.resample_chunk(piece)
        skipped, skip = ready[skip:][:left], max(0, skip - len(ready))
        left -= len(skipped)
        yield skipped
    rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)[skip:][:left]
    # By rounding there may be one sample less.
    yield np.pad(rest, (0, left - len(rest)))
