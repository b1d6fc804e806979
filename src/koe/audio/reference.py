"""A recording made ready for voice cloning: checked, and brought into the one form that the model learns voices from.

    prepared = prepare(read_audio(path, most_seconds=MOST_READ_SECONDS))
    wav = to_wav(prepared.samples)                      # kept in the voice's folder
    clip = joined([from_wav(wav), from_wav(another)])   # what the model hears

All samples are float32, mono, 24 kHz, within +-1, save where a docstring says otherwise.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from koe.audio.decode import Decoded, read_audio
from koe.audio.files import AudioFormat, AudioWriter
from koe.core.errors import LimitExceeded, MalformedInput
from koe.core.pcm import to_float, to_int16
from koe.core.profile import REFERENCE_RATE

MIN_SECONDS = 2.0
"""Less holds too few of a language's sounds to tell one speaker from another."""

MAX_SECONDS = 30.0
"""Of all clips together. More makes every request slower (the model reads them all again) and the voice no better."""

IDEAL_SECONDS = (3.0, 10.0)
"""What the makers of Qwen3-TTS ask for."""

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

MIN_RMS = 0.01
"""-40 dBFS. Raised from there, the noise of the microphone and of 16 bits is raised as well."""

CLIP_LEVEL = 0.99
MIN_CLIP_RUN = 1e-4
"""Seconds, and 3 samples at least, over CLIP_LEVEL without a break: flattened. The top of a wave that only just
reaches full scale stays there for 0.05 ms (at 800 Hz), one that is cut by 1 dB for 0.2 ms."""

FEW_CLIPPED, MUCH_CLIPPED = 2e-4, 5e-3
"""Shares of the speech that are flattened: the first is reached by speech that is 1 dB too loud and can just be heard;
the second by 5 to 6 dB too much, and then the crackle becomes part of the voice."""

SAME_CHANNELS = 0.9
"""Correlation from which on channels hold the same: one voice with noise 10 dB below it has this one."""

SILENT_CHANNEL = 0.01
"""-40 dB: a channel so far below the loudest holds only the noise or the crosstalk of an unused input."""

LONG_PAUSE = 1.0
"""Seconds; the model takes over the pauses too."""

MIN_SNR = 17.0
"""dB, between the loud parts of the speech (4 dB above its mean) and the background, which the model imitates with the
voice. Not more, since speech without a pause seems to have a background 20 dB below itself."""

MARGIN = 0.05
"""Seconds of silence that stay before and after the speech, for sounds too soft to be told from silence."""

_FRAME = 0.01
"""Seconds. Trimming and pauses are counted in these."""

_LOUD = 0.1
"""Seconds over which the loudest passage is measured: longer than a click, shorter than a syllable."""

_SOFTEST, _LOUDEST_SILENCE = 10**-4.5, 10**-2
"""Powers against the loudest passage: what is 45 dB below is silent, what is less than 20 dB below is not. Between
them the noise of the recording decides."""

_NOISE_PERCENTILE = 3
"""Of the powers of the frames: where speech fills the clip, only the gaps within its words are so soft."""

_OVER_NOISE = 5.0
"""7 dB: by how much more power than the noise a frame must have to be speech."""

_DIGITAL_SILENCE = 1e-9
"""Power of the least bit of 16: what is below was never recorded."""


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
    start, end = _speech(mono)
    speech = _centred(mono[start:end])
    rms, peak = _rms(speech), float(np.abs(speech).max(initial=0))
    duration = len(speech) / REFERENCE_RATE
    snr = _snr(mono)
    _check_level(rms)
    warnings = [
        *channel_warnings,
        *_check_duration(duration),
        *_check_clipping(audio, duration),
        *_check_pauses(speech),
        *_check_noise(snr),
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


def waveform(samples: NDArray[np.float32], points: int = 400) -> list[tuple[float, float]]:
    """The lowest and the highest sample of so many slices of equal length (of fewer, where there are fewer samples)."""
    points = min(points, len(samples))
    if points == 0:
        return []
    starts = np.arange(points) * len(samples) // points
    lows, highs = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    return list(zip(lows.tolist(), highs.tolist(), strict=True))


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


def _speech(samples: NDArray[np.float32]) -> tuple[int, int]:
    """From where to where somebody speaks, with the margin. Raises MalformedInput where nobody does."""
    start, end = 0, len(samples)
    # Until nothing changes, because the noise is measured anew without what was cut off: else a clip that is prepared
    # twice would lose more the second time.
    while True:
        active = np.flatnonzero(_active(samples[start:end]))
        if active.size == 0:
            raise MalformedInput("the recording is silent: choose the right microphone and record again")
        frame, margin = _count(_FRAME), _count(MARGIN)
        first, last = int(active[0]), int(active[-1]) + 1
        trimmed = start + max(0, first * frame - margin), min(end, start + last * frame + margin)
        if trimmed == (start, end):
            return trimmed
        start, end = trimmed


def _active(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the frames are louder than silence."""
    powers = _powers(samples, _FRAME)
    if powers.size == 0:
        return np.zeros(0, np.bool_)
    smoothed = np.convolve(powers, np.full(round(_LOUD / _FRAME), _FRAME / _LOUD), "same")
    loud = smoothed.max()
    noise = np.percentile(powers, _NOISE_PERCENTILE)
    threshold = np.clip(_OVER_NOISE * noise, _SOFTEST * loud, _LOUDEST_SILENCE * loud)
    active: NDArray[np.bool_] = powers > max(threshold, _DIGITAL_SILENCE)
    return active


def _powers(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float64]:
    """The mean square of each whole frame of so many seconds, around its own mean, so that an offset is no sound."""
    length = _count(seconds)
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    powers: NDArray[np.float64] = frames.var(axis=1, dtype=np.float64)
    return powers


def _centred(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return samples - np.float32(samples.mean(dtype=np.float64))


def _rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _levelled(speech: NDArray[np.float32], rms: float, peak: float) -> NDArray[np.float32]:
    return speech * np.float32(min(TARGET_RMS / rms, PEAK_LIMIT / peak))


def _snr(samples: NDArray[np.float32]) -> float:
    """dB. The loud frames are speech and background, the soft ones background alone; what is digitally silent was cut
    or gated and tells nothing of the room."""
    powers = _powers(samples, 0.02)
    powers = powers[powers > _DIGITAL_SILENCE]
    if powers.size == 0:
        return 0.0
    background, loud = np.percentile(powers, [5, 90])
    return float(10 * np.log10(max(loud - background, background) / background))


def _check_duration(seconds: float) -> Iterator[str]:
    least, most = IDEAL_SECONDS
    advice = f"record {least:g} to {most:g} seconds"
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise MalformedInput(
            f"the clip has {seconds:.2f} s of speech; {advice} ({MIN_SECONDS:g} to {MAX_SECONDS:g} are possible)"
        )
    if not least <= seconds <= most:
        yield f"the clip has {seconds:.2f} s of speech: best {advice}"


def _check_level(rms: float) -> None:
    if rms < MIN_RMS:
        raise MalformedInput(
            f"the recording is too quiet ({_db(rms):.0f} dBFS; {_db(MIN_RMS):.0f} are needed): "
            "go nearer to the microphone or raise its level"
        )


def _check_clipping(audio: Decoded, seconds: float) -> Iterator[str]:
    share = max(_clipped(channel, audio.sample_rate) for channel in audio.samples.T) / seconds
    advice = "lower the microphone's level and record again"
    if share >= MUCH_CLIPPED:
        raise MalformedInput(f"the recording is clipped ({share:.1%} of it is too loud): {advice}")
    if share >= FEW_CLIPPED:
        yield f"a few sounds are clipped ({share:.2%} of the speech is too loud): {advice} if you hear it crackle"


def _clipped(samples: NDArray[np.float32], sample_rate: int) -> float:
    """Seconds that are flattened."""
    starts, ends = _runs(np.abs(samples) > CLIP_LEVEL)
    lengths = ends - starts
    return float(lengths[lengths >= max(3, MIN_CLIP_RUN * sample_rate)].sum() / sample_rate)


def _check_pauses(speech: NDArray[np.float32]) -> Iterator[str]:
    starts, ends = _runs(~_active(speech))
    for start, end in zip(starts * _FRAME, ends * _FRAME, strict=True):
        if end - start > LONG_PAUSE:
            yield f"there is a pause of {end - start:.1f} s at {start:.1f} s: cut it, or the voice may pause as long"


def _check_noise(snr: float) -> Iterator[str]:
    if snr < MIN_SNR:
        yield (
            f"there is much noise in the background (the speech is {snr:.0f} dB above it, {MIN_SNR:g} are good): "
            "record in a quiet room, near to the microphone"
        )


def _runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends of the runs of True."""
    changes = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return changes[::2], changes[1::2]


def _count(seconds: float) -> int:
    """Samples."""
    return round(seconds * REFERENCE_RATE)


def _db(level: float) -> float:
    return float(20 * np.log10(level))
