"""Recordings of hours, which a stranger may have made, brought into the form that Koe mixes: FLAC, mono, 24 bit.

Nothing is held but the piece that is under way. What a file is, is told by its content (see `decode`).
"""

import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from koe.audio import decode
from koe.audio.files import Guarded
from koe.audio.sound import PIECE, Samples
from koe.core.errors import KoeError, MalformedInput

MIN_RATE, MAX_RATE = 4000, 48_000
"""Hz. What has fewer is refused; of what has more, this is made."""

FFMPEG_DEADLINE = 600.0
"""Seconds; it decodes hours in one or two minutes."""


@dataclass(frozen=True, slots=True)
class Transcoded:
    frames: int
    sample_rate: int
    """Hz."""

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate


def transcode(
    source: Path, target: Path, *, most_seconds: float, stopped: Callable[[], bool] = lambda: False
) -> Transcoded:
    """Blocks. `target`: a new file; `stopped`: whether nobody waits for it any more, which is looked at for each piece.

    What lies beyond full scale is cut off, as a player does. Raises MalformedInput for what is empty, no audio, damaged
    or longer than `most_seconds`; UnsupportedAbility for what only ffmpeg can read where it isn't installed; KoeError
    where it was stopped; OSError.
    """
    with ExitStack() as stack:
        file = stack.enter_context(source.open("rb"))
        kind = decode.recognise(file.read(64))
        file.seek(0)
        if kind.demuxer is None:
            sound = stack.enter_context(decode.opened(file, kind.name))
            rate, pieces = sound.samplerate, stack.enter_context(closing(_read(sound, kind.name)))
        else:
            command = decode.ffmpeg_reading(source, kind.name, kind.demuxer, most_seconds + 1)
            rate, pieces = MAX_RATE, stack.enter_context(closing(_converted(command, kind.name)))
        if rate < MIN_RATE:
            raise MalformedInput(f"a sample rate of {rate} Hz: save it at 24000, 44100 or 48000 Hz")
        return _written(target, _checked(pieces, most_seconds, rate, stopped), rate)


def _read(sound: soundfile.SoundFile, name: str) -> Generator[Samples]:
    count, stated = 0, sound.frames
    while len(channels := sound.read(PIECE, dtype="float32", always_2d=True)):
        count += len(channels)
        yield decode.within_full_scale(channels, name).mean(axis=1, dtype=np.float32)
    decode.check_end(name, count, stated, sound.samplerate)


def _converted(command: list[str], name: str) -> Generator[Samples]:
    command = [*command, "-ac", "1", "-ar", str(MAX_RATE), "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet) as process:
        assert process.stdout
        deadline = threading.Timer(FFMPEG_DEADLINE, process.kill)
        deadline.start()
        try:
            count = 0
            while data := process.stdout.read(4 * PIECE):
                count += len(data)
                yield decode.within_full_scale(np.frombuffer(data[: len(data) // 4 * 4], "<f4"), name)
            if process.wait() or not count:
                raise decode.damaged(name, "ffmpeg can't read all of it" if count else "ffmpeg finds no sound in it")
        finally:
            deadline.cancel()
            process.kill()


def _checked(
    pieces: Iterator[Samples], most_seconds: float, sample_rate: int, stopped: Callable[[], bool]
) -> Iterator[Samples]:
    left = int(most_seconds * sample_rate)
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise decode.too_long(most_seconds)
        if stopped():
            raise KoeError("nobody waits for this recording any more")
        yield piece


def _written(target: Path, pieces: Iterator[Samples], sample_rate: int) -> Transcoded:
    rate = min(sample_rate, MAX_RATE)
    if rate != sample_rate:
        pieces = _resampled(pieces, sample_rate, rate)
    frames = 0
    with target.open("x+b") as file:
        guarded = Guarded(file)
        with soundfile.SoundFile(guarded, "w", rate, 1, format="FLAC", subtype="PCM_24") as encoder:
            for piece in pieces:
                encoder.write(piece)
                guarded.check()
                frames += len(piece)
        guarded.check()
    return Transcoded(frames, rate)


def _resampled(pieces: Iterator[Samples], source_rate: int, target_rate: int) -> Iterator[Samples]:
    stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")
    for piece in pieces:
        yield np.clip(stream.resample_chunk(piece), -1.0, 1.0)
    yield np.clip(stream.resample_chunk(np.zeros(0, np.float32), last=True), -1.0, 1.0)
