"""Whole productions on their way into a file, piece by piece."""

from collections.abc import Iterable
from pathlib import Path

from koe.audio.files import AudioFormat, AudioWriter
from koe.audio.sound import Samples
from koe.core.pcm import to_int16


def write_sound(path: Path, pieces: Iterable[Samples], sample_rate: int, format: AudioFormat | None = None) -> None:
    """The file appears once it is whole. What is beyond full scale is clipped. Blocks; to be called in a thread.

    `format` defaults to what the extension says. Raises UnsupportedAbility for what can't be written, LimitExceeded
    for a WAV beyond 4 GB, OSError.
    """
    with AudioWriter(path, sample_rate, format) as writer:
        for piece in pieces:
            writer.write(to_int16(piece))
