"""How loud a recording is (EBU R 128, by ITU-R BS.1770-5), and how much louder it should be.

    for piece in levelled(FileSound(path)): ...

Hours take a few hundred kilobytes. By own code, for no library does it: `loudness` and pyloudnorm want the whole
recording at once (pyloudnorm SciPy too), pyebur128 takes pieces but has no wheels for Python 3.12 and later. The tests
compare with `loudness`.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from koe.audio.sound import Samples, Sound

SPEECH_LUFS = -18.0
"""For speech in one channel. Podcasts are asked for -16 in two, and the same sound in one has -19."""

MOST_DBTP = -1.0
"""True peak, as R 128 has it: lossy encoders overshoot."""

_STEP = 0.1
"""Seconds."""

_BLOCK_STEPS = 4
"""400 ms, each overlapping the next by three quarters."""

_ABSOLUTE_GATE = -70.0
"""LUFS."""

_RELATIVE_GATE = -10.0
"""LU, against the mean of what passes the absolute gate."""

_FILTER_SECONDS = 0.1
"""After which less than -180 dB of the weighting filter's response is to come."""

_OVERSAMPLING = 4
"""By which BS.1770 finds peaks between the samples."""


@dataclass(frozen=True, slots=True)
class Loudness:
    lufs: float | None
    """Integrated; None for silence. What is shorter than one block of 400 ms is measured as a whole."""

    true_peak: float
    """dBTP; minus infinity for silence."""

    seconds: float


class LoudnessMeter:
    """`feed` pieces of any size; `finish` gives the measure."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._step = round(_STEP * sample_rate)
        self._filter = _Weighting(sample_rate)
        self._oversample = soxr.ResampleStream(sample_rate, _OVERSAMPLING * sample_rate, 1, dtype="float32")
        self._steps = array("d")
        """Energy of each step that is complete."""

        self._rest = np.zeros(0)
        self._count = 0
        self._peak = 0.0

    def feed(self, samples: Samples) -> None:
        if len(samples) == 0:
            return
        self._count += len(samples)
        self._find_peak(samples, self._oversample.resample_chunk(samples))
        self._rest = np.concatenate([self._rest, self._filter.feed(samples)])
        complete = len(self._rest) // self._step * self._step
        self._steps.extend(_energies(self._rest[:complete], self._step))
        self._rest = self._rest[complete:]

    def finish(self) -> Loudness:
        self._find_peak(self._oversample.resample_chunk(np.zeros(0, np.float32), last=True))
        return Loudness(self._integrated(), _db(self._peak**2), self._count / self._sample_rate)

    def _find_peak(self, *pieces: Samples) -> None:
        self._peak = max(self._peak, *(float(np.abs(piece).max(initial=0.0)) for piece in pieces), 0.0)

    def _integrated(self) -> float | None:
        blocks = self._blocks()
        loud = blocks[blocks > _energy(_ABSOLUTE_GATE)]
        if loud.size == 0:
            return None
        return _lufs(float(loud[loud > loud.mean() * 10 ** (_RELATIVE_GATE / 10)].mean()))

    def _blocks(self) -> NDArray[np.float64]:
        """The mean square of each."""
        steps = np.frombuffer(self._steps, np.float64)
        if len(steps) >= _BLOCK_STEPS:
            return np.convolve(steps, np.ones(_BLOCK_STEPS), "valid") / (_BLOCK_STEPS * self._step)
        if self._count == 0:
            return np.zeros(0)
        return np.array([(steps.sum() + self._rest @ self._rest) / self._count])


def gain_to(loudness: Loudness, target: float = SPEECH_LUFS, most_peak: float = MOST_DBTP) -> float:
    """dB that bring a recording to the target (LUFS), or as near to it as its peak allows (dBTP): nothing is limited,
    so nothing is distorted. 0 for silence."""
    if loudness.lufs is None:
        return 0.0
    return min(target - loudness.lufs, most_peak - loudness.true_peak)


def measured(sound: Sound) -> Loudness:
    """In one pass."""
    meter = LoudnessMeter(sound.sample_rate)
    for piece in sound.pieces(0, sound.frames):
        meter.feed(piece)
    return meter.finish()


def levelled(sound: Sound, target: float = SPEECH_LUFS, most_peak: float = MOST_DBTP) -> Iterator[Samples]:
    """The sound as loud as `gain_to` says, in two passes."""
    factor = np.float32(10.0 ** (gain_to(measured(sound), target, most_peak) / 20.0))
    for piece in sound.pieces(0, sound.frames):
        yield piece * factor


class _Weighting:
    """The K filter of BS.1770, as a convolution with its response, which is short; the same for any pieces."""

    def __init__(self, sample_rate: int) -> None:
        self._taps = round(_FILTER_SECONDS * sample_rate)
        self._size = 1 << (2 * self._taps - 1).bit_length()
        self._response = np.fft.rfft(_response(sample_rate, self._taps), self._size)
        self._past = np.zeros(self._taps - 1)

    def feed(self, samples: Samples) -> NDArray[np.float64]:
        """As many."""
        given = np.concatenate([self._past, samples])
        at_once = self._size - self._taps + 1
        pieces = [
            np.fft.irfft(np.fft.rfft(given[start : start + self._size], self._size) * self._response, self._size)
            for start in range(0, len(samples), at_once)
        ]
        self._past = given[len(samples) :]
        return np.concatenate([piece[self._taps - 1 :] for piece in pieces])[: len(samples)]


def _response(sample_rate: int, length: int) -> NDArray[np.float64]:
    """Of the two filters to one pulse."""
    pulse = np.zeros(length)
    pulse[0] = 1.0
    for numerator, denominator in _sections(sample_rate):
        pulse = _filtered(numerator, denominator, pulse)
    return pulse


def _sections(sample_rate: int) -> list[tuple[list[float], list[float]]]:
    """Numerators and denominators: a shelf for the head and a high-pass.

    BS.1770 states the coefficients at 48 kHz only; these analogue filters give them there, and theirs at other rates.
    """
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    scale = 1 + k / q + k * k
    low = [2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale]
    shelf = [
        (high + band * k / q + k * k) / scale,
        2 * (k * k - high) / scale,
        (high - band * k / q + k * k) / scale,
    ]
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    scale = 1 + k / q + k * k
    return [(shelf, low), ([1.0, -2.0, 1.0], [2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale])]


def _filtered(numerator: list[float], denominator: list[float], samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slow; for a response, once."""
    filtered = np.convolve(samples, numerator)[: len(samples)]
    first, second = denominator
    before = last = 0.0
    for index, value in enumerate(filtered.tolist()):
        before, last = last, value - first * last - second * before
        filtered[index] = last
    return filtered


def _energies(samples: NDArray[np.float64], step: int) -> list[float]:
    energies: list[float] = np.square(samples).reshape(-1, step).sum(1).tolist()
    return energies


def _lufs(mean_square: float) -> float:
    # So that a sine of 997 Hz at full scale, in one channel, has -3.01 LUFS.
    return -0.691 + _db(mean_square)


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _db(power: float) -> float:
    return 10 * math.log10(power) if power else -math.inf
