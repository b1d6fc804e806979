"""A recording made ready for voice cloning: checked, and brought into the one form that the model learns voices from.

    prepared = prepare(read_audio(path, most_seconds=MOST_READ_SECONDS))
    wav = to_wav(prepared.samples)                      # kept in the voice's folder
    clip = joined([from_wav(wav), from_wav(another)])   # what the model hears

All samples are float32, mono, 24 kHz, within +-1, save where a docstring says otherwise.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from koe.audio.decode import Decoded, read_audio
from koe.audio.files import AudioFormat, AudioWriter
from koe.audio.reference_checks import (
    MAX_SECONDS,
    check_clipping,
    check_duration,
    check_level,
    check_noise,
    check_pauses,
)
from koe.audio.reference_speech import rms_of, snr_of, spoken
from koe.core.errors import LimitExceeded, MalformedInput
from koe.core.pcm import to_float, to_int16
from koe.core.profile import REFERENCE_RATE

MOST_READ_SECONDS = 120.0
"""Of a recording before it is trimmed: a short clip with a long silence around it is still welcome."""

SILENCE_AFTER = 0.5
"""Seconds after the last clip; without them the last sound of the reference runs into the first of the speech."""

MIN_RATE = 16_000
"""Hz. Below, the sounds that tell voices apart (s, f, the timbre above 4 kHz) are missing: telephones have 8 kHz."""

TARGET_RMS = 0.1
"""-20 dBFS: where recorded speech commonly lies, with room for its peaks."""

PEAK_LIMIT = 0.95
"""Leaves room for the overshoot of a later change of rate, and lies under what counts as clipped."""

SAME_CHANNELS = 0.9
"""Correlation from which on channels hold the same: one voice with noise 10 dB below it has this one."""

SILENT_CHANNEL = 0.01
"""-40 dB: a channel so far below the loudest holds only the noise or the crosstalk of an unused input."""


@dataclass(frozen=True, slots=True)
class Prepared:
    samples: NDArray[np.float32]

    warnings: tuple[str, ...]
    """What could be better, each a sentence for people; times in it count from the start of `samples`."""

    rms: float
    """Of the recording between its silences, before the gain; 1.0 is full scale."""

    peak: float
    """As `rms`."""

    snr_db: float
    """How far the speech stands out of the background, estimated; 0 where nothing varies."""

    sample_rate: int
    """Hz, of the recording."""

    duration: float
    """Seconds, of `samples`."""


def prepare(audio: Decoded) -> Prepared:
    """Mono, 24 kHz, without offset and outer silence, at -20 dBFS or as near to it as its peak allows.

    What is prepared already stays as it is. Raises MalformedInput that says what is wrong and how to do better.
    """
    if audio.sample_rate < MIN_RATE:
        raise MalformedInput(
            f"the recording has {audio.sample_rate} Hz, which is too dull: record at {MIN_RATE} Hz or more"
        )
    mono, channel_warnings = _mono(audio.samples)
    if audio.sample_rate != REFERENCE_RATE:
        # An offset begins and ends with a step, and at a step the filter rings.
        mono = soxr.resample(_centred(mono), audio.sample_rate, REFERENCE_RATE, quality="HQ")
    start, end = spoken(mono)
    speech = _centred(mono[start:end])
    rms, peak = rms_of(speech), float(np.abs(speech).max(initial=0))
    duration = len(speech) / REFERENCE_RATE
    snr = snr_of(mono)
    check_level(rms)
    warnings = [
        *channel_warnings,
        *check_duration(duration),
        *check_clipping(audio, duration),
        *check_pauses(speech),
        *check_noise(snr),
    ]
    return Prepared(_levelled(speech, rms, peak), tuple(warnings), rms, peak, snr, audio.sample_rate, duration)


def joined(clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The clips in their order, then half a second of silence. Raises LimitExceeded for more than MAX_SECONDS."""
    seconds = sum(len(clip) for clip in clips) / REFERENCE_RATE
    if seconds > MAX_SECONDS:
        raise LimitExceeded(
            f"the references have {seconds:.1f} s together, and {MAX_SECONDS:g} are possible: leave some out"
        )
    return np.concatenate([*clips, np.zeros(int(SILENCE_AFTER * REFERENCE_RATE), np.float32)])


def to_wav(samples: NDArray[np.float32]) -> bytes:
    """16-bit PCM; the same bytes for the same samples."""
    return _wav(to_int16(samples))


def from_wav(data: bytes) -> NDArray[np.float32]:
    """The samples of what `to_wav` made; any other recording is prepared first.

    Raises MalformedInput as `read_audio` and `prepare` do.
    """
    pcm = data[_HEADER_BYTES:]
    if pcm and len(pcm) % 2 == 0 and data == _wav(pcm):
        return np.maximum(to_float(pcm), np.float32(-1.0))
    return prepare(read_audio(data, most_seconds=MOST_READ_SECONDS)).samples


_HEADER_BYTES = 44


def _wav(pcm: bytes) -> bytes:
    stream = io.BytesIO()
    with AudioWriter(stream, REFERENCE_RATE, AudioFormat.WAV) as writer:
        writer.write(pcm)
    return stream.getvalue()


def _mono(channels: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[str]]:
    """One channel of [n, channels], and a warning where that loses something."""
    # Without its offset a channel is silent when it looks silent.
    levels = channels.std(axis=0, dtype=np.float64)
    loudest = int(levels.argmax())
    sounding = channels[:, levels > SILENT_CHANNEL * levels[loudest]]
    if sounding.shape[1] < 2:
        return channels[:, loudest], []
    correlations = np.corrcoef(sounding, rowvar=False)
    if correlations.min() >= SAME_CHANNELS:
        return sounding.mean(axis=1), []
    # The sum of two microphones at different distances sounds hollow, and that of opposite ones is silent.
    return channels[:, loudest], [
        f"the channels differ, so only the louder one (channel {loudest + 1}) was used: record in mono"
    ]


def _centred(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return samples - np.float32(samples.mean(dtype=np.float64))


def _levelled(speech: NDArray[np.float32], rms: float, peak: float) -> NDArray[np.float32]:
    return speech * np.float32(min(TARGET_RMS / rms, PEAK_LIMIT / peak))
