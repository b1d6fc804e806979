"""The formants of one sound for another: what a shift of the pitch moved with it is put back.

A shift by a ratio stretches the spectral envelope by it too. So each short spectrum of the shifted sound is multiplied
by the quotient of two envelopes: the original's, and the original's stretched. An envelope is the "true envelope"
(A. Roebel, X. Rodet: Efficient spectral envelope estimation and its application to pitch shifting and envelope
preservation, DAFx 2005): a smooth curve, of few cepstral coefficients, over the tops of the harmonics. A plain
smoothing would run between the tops and the gaps. How few follows from the pitch: as fine as the harmonics lie.
"""

import numpy as np
from numpy.typing import NDArray

from koe.audio.effects.stage import Queue, Samples, joined

_FRAME = 0.04
"""Seconds, at least: three periods of a deep voice, so that its harmonics stand apart."""

_OVERLAP = 4
"""Frames over each sample."""

_PITCHES = (65.0, 500.0)
"""Hz, of voices."""

_VOICED = 0.4
"""Of the autocorrelation at the pitch; what has less, has none, such as an S."""

_FINE = 0.7
"""Periods: the finest ripple of an envelope that isn't the harmonics themselves."""

_UNVOICED = 0.002
"""Seconds, in place of that where there is no pitch."""

_AS_ALIKE = 0.85
"""Of the highest peak of the autocorrelation: what may be the pitch too."""

_ROUNDS = 16
_MOST = np.log(10.0) * 45.0 / 20.0
"""45 dB, up or down: with 30, a formant that comes to lie where a deep valley was stays in it."""

_SILENT = 1e-4
"""Of a spectrum; far below the least bit of 16, so that silence stays silent."""


class FormantKeeper:
    def __init__(self, sample_rate: int, ratio: float) -> None:
        """`ratio`: of the shifted sound's frequencies to the original's."""
        self._sample_rate = sample_rate
        self._frame = 1 << (round(_FRAME * sample_rate) - 1).bit_length()
        self._hop = self._frame // _OVERLAP
        self._window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(self._frame) / self._frame)
        # Of a window with itself: how much less alike it makes what is further apart.
        likeness = np.fft.irfft(np.abs(np.fft.rfft(self._window, 2 * self._frame)) ** 2)
        self._likeness = likeness / likeness[0]
        self._bins = np.arange(self._frame // 2 + 1)
        self._stretched = self._bins / ratio
        # As loud as it was: under the same envelope there are fewer harmonics where they lie further apart.
        self._louder = np.sqrt(ratio)
        self._place = self._hop - self._frame
        self._original, self._shifted = Queue(self._place), Queue(self._place)
        self._overlap = np.zeros(self._frame)

    def feed(self, original: Samples, shifted: Samples) -> Samples:
        """Both of the same time; either may come later than the other."""
        self._original.add(original)
        self._shifted.add(shifted)
        pieces = []
        while self._place + self._frame <= min(self._original.end, self._shifted.end):
            pieces.append(self._next())
        return joined(pieces)

    def finish(self) -> Samples:
        """What makes the whole as long as the shifted sound."""
        end, given = self._shifted.end, max(0, self._place)
        silence = np.zeros(self._frame + self._hop, np.float32)
        return self.feed(silence, silence)[: end - given]

    def _next(self) -> Samples:
        start, end = self._place, self._place + self._frame
        envelope = self._envelope(self._original.between(start, end) * self._window)
        change = envelope - np.interp(self._stretched, self._bins, envelope)
        shifted = np.fft.rfft(self._shifted.between(start, end) * self._window)
        moved = self._louder * np.fft.irfft(shifted * np.exp(change.clip(-_MOST, _MOST)), self._frame)
        # The squares of four Hann windows a quarter of their length apart have the sum 1.5.
        self._overlap += moved * self._window / 1.5
        done = self._overlap[: self._hop].astype(np.float32)
        self._overlap = np.concatenate([self._overlap[self._hop :], np.zeros(self._hop)])
        self._place += self._hop
        self._original.forget(self._place)
        self._shifted.forget(self._place)
        # The first frames lie before the beginning, but for their ends.
        return done[max(0, -start) :]

    def _envelope(self, frame: NDArray[np.float64]) -> NDArray[np.float64]:
        """The natural logarithm of the amplitudes' envelope."""
        tops = np.log(np.abs(np.fft.rfft(frame)) + _SILENT)
        period = self._period(frame)
        finest = round(_FINE * period if period else _UNVOICED * self._sample_rate)
        lifter = np.minimum(np.arange(self._frame), self._frame - np.arange(self._frame)) <= finest
        envelope: NDArray[np.float64] = np.full_like(tops, tops.min())
        for _ in range(_ROUNDS):
            envelope = np.fft.rfft(np.fft.irfft(np.maximum(tops, envelope), self._frame) * lifter).real
        if period:
            # Below the lowest harmonic nothing is known; a lower note has its lowest there.
            lowest = round(self._frame / period)
            envelope[:lowest] = envelope[lowest]
        return envelope

    def _period(self, frame: NDArray[np.float64]) -> int:
        """Samples; 0 where there is no pitch."""
        shortest, longest = (round(self._sample_rate / pitch) for pitch in reversed(_PITCHES))
        alike = np.fft.irfft(np.abs(np.fft.rfft(frame, 2 * self._frame)) ** 2)[: longest + 1]
        alike /= self._likeness[: longest + 1]
        # Twice the period is as much alike; taken for it, the envelope would follow the harmonics.
        first = shortest + int(np.argmax(alike[shortest:] > _AS_ALIKE * alike[shortest:].max()))
        period = first + int(alike[first : first + shortest // 2].argmax())
        return period if alike[period] > _VOICED * alike[0] else 0
