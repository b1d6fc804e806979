"""Another pace at the same pitch, and another pitch at the same pace.

The pace changes by WSOLA (W. Verhelst, M. Roelands: An overlap-add technique based on waveform similarity, ICASSP
1993): frames of the input are laid over each other at another distance, each taken from where it continues best what is
there already. Time never drifts by more than the width of that search. Which frame is taken follows from the samples
alone, so the same comes out however they arrive. The pitch changes by another pace, and a resampling that takes it
back.
"""

import numpy as np
import soxr
from numpy.typing import NDArray

from koe.audio.effects.formants import FormantKeeper
from koe.audio.effects.stage import Queue, Samples, fitted, joined

_HOP = 0.011
"""Seconds between frames, which are twice as long: more than one period of a deep voice."""

_SEARCH = 0.008
"""Seconds to either side; together one period of the deepest voice (62 Hz)."""

_NEARER = 1e-3
"""By how much a frame at the edge of the search must be more alike than one in its middle."""


class Stretch:
    def __init__(self, sample_rate: int, speed: float) -> None:
        self._speed = speed
        self._hop, self._search = round(_HOP * sample_rate), round(_SEARCH * sample_rate)
        self._frame = 2 * self._hop
        self._window = _hann(self._frame)
        self._bias = _NEARER * np.abs(np.linspace(-1.0, 1.0, 2 * self._search + 1))
        self._fft = 1 << (self._frame + 2 * self._search - 1).bit_length()
        self._queue = Queue(-self._hop - self._search)
        self._index = self._given = 0
        self._place = -self._hop
        """Where the last frame was taken."""

        self._overlap = np.zeros(0, np.float32)

    def feed(self, samples: Samples) -> Samples:
        self._queue.add(samples)
        pieces = []
        while self._needed() <= self._queue.end:
            pieces.append(self._next())
        self._given += sum(map(len, pieces))
        return joined(pieces)

    def finish(self) -> Samples:
        rest = self.length(self._queue.end) - self._given
        pieces: list[Samples] = []
        while sum(map(len, pieces)) < rest:
            self._queue.pad(self._needed())
            pieces.append(self._next())
        return joined(pieces)[:rest]

    def length(self, samples: int) -> int:
        return round(samples / self._speed)

    def _middle(self, index: int) -> int:
        """Where a frame would be taken if nothing had to fit."""
        return round(index * self._hop * self._speed) - self._hop

    def _needed(self) -> int:
        """Where the input must have come to for the next frame: to the end of its search, and of what it is to
        continue."""
        return max(self._middle(self._index), self._middle(self._index - 1) + self._hop) + self._search + self._frame

    def _next(self) -> Samples:
        if self._index:
            self._place = self._best()
        frame = self._queue.between(self._place, self._place + self._frame) * self._window
        # The first half of the first frame lies before the beginning.
        done = self._overlap + frame[: self._hop] if self._index else frame[:0]
        self._overlap = frame[self._hop :]
        self._index += 1
        self._queue.forget(min(self._middle(self._index) - self._search, self._place + self._hop))
        return done

    def _best(self) -> int:
        start = self._middle(self._index) - self._search
        follows = self._place + self._hop
        wanted = self._queue.between(follows, follows + self._frame).astype(np.float64)
        found = self._queue.between(start, start + self._frame + 2 * self._search).astype(np.float64)
        spectrum = np.fft.rfft(found, self._fft) * np.fft.rfft(wanted, self._fft).conj()
        products = np.fft.irfft(spectrum, self._fft)[: 2 * self._search + 1]
        energies = np.cumsum(np.concatenate([[0.0], found**2]))
        norms = np.sqrt((energies[self._frame :] - energies[: -self._frame]).clip(0) * (wanted @ wanted)) + 1e-6
        return start + int(np.argmax(products / norms - self._bias))


class PitchShift:
    def __init__(self, sample_rate: int, semitones: float, *, keep_formants: bool = False) -> None:
        ratio = 2.0 ** (semitones / 12.0)
        self._stretch = Stretch(sample_rate, 1.0 / ratio)
        # Quicker playing, as if the samples had been taken at a higher rate.
        self._resample = soxr.ResampleStream(sample_rate * ratio, sample_rate, 1, dtype="float32")
        self._formants = FormantKeeper(sample_rate, ratio) if keep_formants else None
        self._taken = self._given = 0

    def feed(self, samples: Samples) -> Samples:
        self._taken += len(samples)
        stretched = self._stretch.feed(samples)
        shifted = self._resample.resample_chunk(stretched) if len(stretched) else stretched
        # By rounding there may be one sample more than there were.
        shifted = shifted[: self._taken - self._given]
        self._given += len(shifted)
        return self._formants.feed(samples, shifted) if self._formants is not None else shifted

    def finish(self) -> Samples:
        rest = self._resample.resample_chunk(self._stretch.finish(), last=True)
        shifted = fitted(rest, self._taken - self._given)
        if self._formants is None:
            return shifted
        return joined([self._formants.feed(np.zeros(0, np.float32), shifted), self._formants.finish()])

    def length(self, samples: int) -> int:
        return samples


def _hann(length: int) -> NDArray[np.float32]:
    """Periodic: laid over itself at half its length, the sum is 1."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)).astype(np.float32)
