"""Sound out of a file that a stranger may have made: what it is, is told by its content, never by its name.

    decoded = read_audio(Path("voice.m4a"), most_seconds=120)

libsndfile reads WAV, AIFF, AU, CAF, FLAC, OGG and MP3; ffmpeg, where it is installed, what phones and browsers record
besides (M4A, WebM, AAC, WMA, AMR). Whatever a file claims, no more than `most_seconds` of it is decoded.
"""

import io
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from koe.core.errors import MalformedInput, UnsupportedAbility

MOST_CHANNELS = 2
MOST_RATE = 192_000
"""Hz. Together with MOST_CHANNELS and `most_seconds` it bounds the memory that a small file can ask for."""

FFMPEG_DEADLINE = 60.0
"""Seconds; it decodes two minutes in well under one."""


@dataclass(frozen=True, slots=True)
class Decoded:
    samples: NDArray[np.float32]
    """[n, channels], n > 0, within +-1: what lies beyond (floating point files can) is cut off, as a player does."""

    sample_rate: int
    """Hz."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    signature: re.Pattern[bytes]
    """Of the first bytes."""

    demuxer: str | None = None
    """ffmpeg's; None: libsndfile reads it."""


def _kind(name: str, signature: bytes, demuxer: str | None = None) -> Kind:
    return Kind(name, re.compile(signature, re.DOTALL), demuxer)


# ffmpeg is told the demuxer and never guesses, so a playlist (which would make it open other files, or addresses) can't
# reach it under any name. Of libsndfile's formats only those that people have: the parsers of the others are seldom
# tried, and these bytes come from outside.
_KINDS = (
    _kind("WAV", rb"(RIFF|RIFX|RF64)....WAVE|riff\x2e\x91\xcf\x11"),
    _kind("AIFF", rb"FORM....AIF[FC]"),
    _kind("AU", rb"\.snd"),
    _kind("CAF", rb"caff"),
    _kind("FLAC", rb"fLaC"),
    _kind("OGG", rb"OggS"),
    _kind("MP3", rb"ID3|\xff[\xe2\xe3\xf2-\xf5\xfa-\xfd]"),
    _kind("AAC", rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    _kind("M4A", rb"....ftyp", "mov"),
    _kind("WebM", rb"\x1a\x45\xdf\xa3", "matroska"),
    _kind("WMA", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    _kind("AMR", rb"#!AMR", "amr"),
)

_PLAYLIST = re.compile(rb"\s*(#EXTM3U|\[playlist\]|ffconcat|<asx|<smil|<\?xml)", re.IGNORECASE)

_REMEDY = "use a WAV, FLAC, MP3, OGG or M4A recording"


def read_audio(data: bytes | Path, *, most_seconds: float) -> Decoded:
    """All the sound of a file: its bytes or where it lies. Blocks; to be called in a thread.

    Raises MalformedInput for what is empty, no audio, damaged or longer than `most_seconds`; UnsupportedAbility for
    what only ffmpeg can read where it isn't installed; OSError for a path that can't be read. A file that was cut
    off is damaged where its format tells (WAV, AIFF, AU, CAF, FLAC, M4A); the others give what is there.
    """
    with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as file:
        kind = recognise(file.read(64))
        file.seek(0)
        if kind.demuxer is None:
            return _decode(file, kind.name, most_seconds)
    wav = _with_ffmpeg(data, kind.name, kind.demuxer, most_seconds)
    return _decode(io.BytesIO(wav), kind.name, most_seconds)


def recognise(head: bytes) -> Kind:
    """By the first 64 bytes. Raises MalformedInput."""
    if not head:
        raise MalformedInput(f"the file is empty: {_REMEDY}")
    if _PLAYLIST.match(head):
        raise MalformedInput(f"this is a playlist, which only names other files: {_REMEDY}")
    for kind in _KINDS:
        if kind.signature.match(head):
            return kind
    raise MalformedInput(f"this is no audio file that Koe knows: {_REMEDY}")


class _Nameless:
    """A file for libsndfile without its name, whose extension soundfile would believe."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


class _Sound(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Read once, from the beginning: after each read soundfile else seeks to where it is, and fails at the end of a
    FLAC stream of unknown length."""

    def seekable(self) -> bool:
        return False


@contextmanager
def opened(file: BinaryIO, name: str) -> Iterator[soundfile.SoundFile]:
    """To be read once, from the beginning; `name` of its kind. Raises MalformedInput, also for what turns out damaged
    while it is read."""
    try:
        with _Sound(_Nameless(file)) as sound:
            _check_form(sound, name)
            yield sound
    except soundfile.LibsndfileError as error:
        raise damaged(name, error.error_string.rstrip(".")) from error


def _decode(file: BinaryIO, name: str, most_seconds: float) -> Decoded:
    with opened(file, name) as sound:
        most = int(most_seconds * sound.samplerate)
        # One more than may be: the stated length is no help, since live streams state none or the longest.
        samples = sound.read(most + 1, dtype="float32", always_2d=True)
        rate, stated = sound.samplerate, sound.frames
    if len(samples) > most:
        raise too_long(most_seconds)
    check_end(name, len(samples), stated, rate)
    return Decoded(within_full_scale(samples, name), rate)


def too_long(most_seconds: float) -> MalformedInput:
    return MalformedInput(f"the recording is longer than {most_seconds:g} seconds: cut it")


def check_end(name: str, count: int, stated: int, sample_rate: int) -> None:
    """After `count` samples it has ended. Raises MalformedInput where that is none, or fewer than it states."""
    if count == 0:
        raise MalformedInput(f"there is no sound in this {name} file: record it anew")
    if name == "FLAC" and count < stated < _UNKNOWN:
        raise damaged(name, f"it ends after {count / sample_rate:.1f} of {stated / sample_rate:.1f} seconds")


def within_full_scale(samples: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Raises MalformedInput for what is no number."""
    if not np.isfinite(samples).all():
        raise damaged(name, "some of its samples are no numbers")
    return np.clip(samples, -1.0, 1.0)


_UNKNOWN = 2**62
"""Samples; libsndfile gives the largest number there is for a FLAC stream of unknown length."""


def damaged(name: str, reason: str) -> MalformedInput:
    return MalformedInput(f"the {name} file is damaged or of a rare sort ({reason}): save it anew as WAV")


def _check_form(sound: soundfile.SoundFile, name: str) -> None:
    if not 1 <= sound.samplerate <= MOST_RATE:
        raise MalformedInput(f"a sample rate of {sound.samplerate} Hz: save it at 24000, 44100 or 48000 Hz")
    if sound.channels > MOST_CHANNELS:
        raise MalformedInput(f"{sound.channels} channels: save it as mono or stereo")
    for stated, there in _SIZES.findall(sound.extra_info):
        # Programs that write into a pipe state the largest number that comes to their mind, or none; and some
        # miscount by a few bytes.
        if int(there) * 1.01 < int(stated) < 0x7FFF0000:
            raise damaged(name, f"it has {there} of {stated} bytes of sound")


# libsndfile mends the length of a file that was cut off and tells it only here. At the end of a line is what it found.
_SIZES = re.compile(r"(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)")


def _with_ffmpeg(data: bytes | Path, name: str, demuxer: str, most_seconds: float) -> bytes:
    """The first stream of audio as a WAV, of little more than `most_seconds`."""
    seconds = most_seconds + 1
    with _on_disk(data) as path:
        command = [*ffmpeg_reading(path, name, demuxer, seconds), "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]
        wav = _output(command, int(seconds * MOST_RATE) * MOST_CHANNELS * 4)
    if not wav:
        raise damaged(name, "ffmpeg finds no sound in it")
    return wav


def ffmpeg_reading(path: Path, name: str, demuxer: str, seconds: float) -> list[str]:
    """A command up to what is made of it: the first stream of audio. Raises UnsupportedAbility where there is none."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise UnsupportedAbility(f"{name} needs ffmpeg: install it (Debian: apt install ffmpeg), or convert to WAV")
    command = [ffmpeg, "-nostdin", "-loglevel", "quiet", "-protocol_whitelist", "file,pipe"]
    return [*command, "-f", demuxer, "-i", f"file:{path.absolute()}", "-map", "0:a:0", "-t", str(seconds)]


@contextmanager
def _on_disk(data: bytes | Path) -> Iterator[Path]:
    """M4A has its index at the end, so ffmpeg must be able to seek."""
    if isinstance(data, Path):
        yield data.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="koe-") as folder:
        path = Path(folder, "recording")
        path.write_bytes(data)
        yield path


def _output(command: list[str], most_bytes: int) -> bytes:
    """What a command writes; empty where it fails. It is stopped at the deadline and after `most_bytes`."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        deadline = threading.Timer(FFMPEG_DEADLINE, process.kill)
        deadline.start()
        try:
            written = process.stdout.read(most_bytes)
            enough = bool(process.stdout.read(1))
            if enough:
                process.kill()
            process.wait()
        finally:
            deadline.cancel()
            process.kill()
    return written if enough or process.returncode == 0 else b""
