"""What is wrong with a recording that a voice is to be made of, or could be better.

A check raises MalformedInput that says what is wrong and how to do better, or yields warnings, each a sentence for
people.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from koe.audio.decode import Decoded
from koe.audio.reference_speech import FRAME, loud_frames
from koe.core.errors import MalformedInput

MIN_SECONDS = 2.0
"""Less holds too few of a language's sounds to tell one speaker from another."""

MAX_SECONDS = 30.0
"""Of all clips together. More makes every request slower (the model reads them all again) and the voice no better."""

IDEAL_SECONDS = (3.0, 10.0)
"""What the makers of Qwen3-TTS ask for."""

MIN_RMS = 0.01
"""-40 dBFS. Raised from there, the noise of the microphone and of 16 bits is raised as well."""

CLIP_LEVEL = 0.99
MIN_CLIP_RUN = 1e-4
"""Seconds, and 3 samples at least, over CLIP_LEVEL without a break: flattened. The top of a wave that only just
reaches full scale stays there for 0.05 ms (at 800 Hz), one that is cut by 1 dB for 0.2 ms."""

FEW_CLIPPED, MUCH_CLIPPED = 2e-4, 5e-3
"""Shares of the speech that are flattened: the first is reached by speech that is 1 dB too loud and can just be heard;
the second by 5 to 6 dB too much, and then the crackle becomes part of the voice."""

LONG_PAUSE = 1.0
"""Seconds; the model takes over the pauses too."""

MIN_SNR = 17.0
"""dB, between the loud parts of the speech (4 dB above its mean) and the background, which the model imitates with the
voice. Not more, since speech without a pause seems to have a background 20 dB below itself."""


def check_duration(seconds: float) -> Iterator[str]:
    least, most = IDEAL_SECONDS
    advice = f"record {least:g} to {most:g} seconds"
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise MalformedInput(
            f"the clip has {seconds:.2f} s of speech; {advice} ({MIN_SECONDS:g} to {MAX_SECONDS:g} are possible)"
        )
    if not least <= seconds <= most:
        yield f"the clip has {seconds:.2f} s of speech: best {advice}"


def check_level(rms: float) -> None:
    if rms < MIN_RMS:
        raise MalformedInput(
            f"the recording is too quiet ({_db(rms):.0f} dBFS; {_db(MIN_RMS):.0f} are needed): "
            "go nearer to the microphone or raise its level"
        )


def check_clipping(audio: Decoded, seconds: float) -> Iterator[str]:
    share = max(_clipped(channel, audio.sample_rate) for channel in audio.samples.T) / seconds
    advice = "lower the microphone's level and record again"
    if share >= MUCH_CLIPPED:
        raise MalformedInput(f"the recording is clipped ({share:.1%} of it is too loud): {advice}")
    if share >= FEW_CLIPPED:
        yield f"a few sounds are clipped ({share:.2%} of the speech is too loud): {advice} if you hear it crackle"


def check_pauses(speech: NDArray[np.float32]) -> Iterator[str]:
    starts, ends = _runs(~loud_frames(speech))
    for start, end in zip(starts * FRAME, ends * FRAME, strict=True):
        if end - start > LONG_PAUSE:
            yield f"there is a pause of {end - start:.1f} s at {start:.1f} s: cut it, or the voice may pause as long"


def check_noise(snr: float) -> Iterator[str]:
    if snr < MIN_SNR:
        yield (
            f"there is much noise in the background (the speech is {snr:.0f} dB above it, {MIN_SNR:g} are good): "
            "record in a quiet room, near to the microphone"
        )


def _clipped(samples: NDArray[np.float32], sample_rate: int) -> float:
    """Seconds that are flattened."""
    starts, ends = _runs(np.abs(samples) > CLIP_LEVEL)
    lengths = ends - starts
    return float(lengths[lengths >= max(3, MIN_CLIP_RUN * sample_rate)].sum() / sample_rate)


def _runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends of the runs of True."""
    changes = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return changes[::2], changes[1::2]


def _db(level: float) -> float:
    return float(20 * np.log10(level))
