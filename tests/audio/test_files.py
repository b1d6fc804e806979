"""What is written can be decoded again, and only whole files appear."""

import io
import os
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koe.audio.files import AudioFormat, AudioWriter
from koe.core.errors import UnsupportedAbility

RATE = 22050
PCM = (np.sin(np.arange(RATE * 2) / 10) * 12000).astype("<i2").tobytes()
CHUNKS = [PCM[start : start + 3000] for start in range(0, len(PCM), 3000)]


class Pipe(io.BytesIO):
    """A stream that can only be written to."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


def decoded(data: bytes) -> bytes:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == RATE
    return bytes(samples.tobytes())


def write(writer: AudioWriter) -> None:
    with writer:
        for chunk in CHUNKS:
            writer.write(chunk)


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_lossless_files_hold_exactly_what_was_written(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"speech.{format}"
    write(AudioWriter(path, RATE))
    assert decoded(path.read_bytes()) == PCM


@pytest.mark.parametrize(("format", "padding"), [("ogg", 0), ("mp3", 0.1)])
def test_lossy_files_are_as_long_as_what_was_written(tmp_path: Path, format: str, padding: float) -> None:
    path = tmp_path / f"speech.{format.upper()}"
    write(AudioWriter(path, RATE))
    length = len(decoded(path.read_bytes()))
    assert len(PCM) <= length <= len(PCM) * (1 + padding)


def test_raw_is_the_pcm_alone(tmp_path: Path) -> None:
    path = tmp_path / "speech.raw"
    write(AudioWriter(path, RATE))
    assert path.read_bytes() == PCM


def test_wav_through_a_pipe_has_unknown_sizes_and_flows_at_once() -> None:
    pipe = Pipe()
    with AudioWriter(pipe, RATE) as writer:
        writer.write(CHUNKS[0])
        assert pipe.getvalue()[44:] == CHUNKS[0]
    riff, data = (
        struct.unpack_from("<I", pipe.getvalue(), 4)[0],
        struct.unpack_from("<I", pipe.getvalue(), 40)[0],
    )
    assert riff == data == 0xFFFFFFFF
    assert not pipe.closed


def test_wav_in_a_seekable_stream_gets_its_sizes_wherever_it_starts() -> None:
    stream = io.BytesIO(b"before")
    stream.seek(6)
    write(AudioWriter(stream, RATE))
    assert stream.getvalue().startswith(b"before")
    assert decoded(stream.getvalue()[6:]) == PCM


@pytest.mark.parametrize("format", [AudioFormat.FLAC, AudioFormat.OGG, AudioFormat.MP3])
def test_compressed_formats_go_through_a_pipe(format: AudioFormat) -> None:
    pipe = Pipe()
    write(AudioWriter(pipe, RATE, format))
    assert len(decoded(pipe.getvalue())) >= len(PCM)


def test_minutes_at_once_do_not_end_the_process(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "long.ogg", RATE) as writer:
        writer.write(bytes(RATE * 2 * 300))
    assert soundfile.info(tmp_path / "long.ogg").duration == 300


@pytest.mark.parametrize("format", list(AudioFormat))
def test_after_a_failure_no_file_is_left_and_an_older_one_stays(tmp_path: Path, format: AudioFormat) -> None:
    path = tmp_path / f"speech.{format}"
    path.write_bytes(b"older")
    with pytest.raises(ZeroDivisionError), AudioWriter(path, RATE) as writer:
        writer.write(PCM)
        raise ZeroDivisionError
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"older"]


@contextmanager
def tiny_disk() -> Iterator[None]:
    """Files can't grow beyond 4 KiB; for no longer than the block, since what pytest prints may go to a file too."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("format", list(AudioFormat))
def test_a_full_disk_is_an_error_in_every_format(tmp_path: Path, format: AudioFormat) -> None:
    with tiny_disk(), pytest.raises(OSError, match="File too large"):
        write(AudioWriter(tmp_path / f"speech.{format}", RATE))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["speech", "speech.wma", ".wav", "speech.wav.txt"])
def test_other_extensions_are_refused_with_those_there_are(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedAbility, match=r"\.wav, \.flac, \.ogg, \.mp3, \.raw"):
        AudioWriter(tmp_path / name, RATE)
    assert list(tmp_path.iterdir()) == []


def test_rates_that_a_format_can_not_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedAbility, match="mp3 at 12345 Hz"):
        AudioWriter(tmp_path / "speech.mp3", 12345)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes that block")
def test_a_real_pipe_gets_a_wav() -> None:
    reading, writing = os.pipe()
    received = bytearray()

    def drain() -> None:
        with os.fdopen(reading, "rb") as end:
            received.extend(end.read())

    reader = threading.Thread(target=drain)
    reader.start()
    with os.fdopen(writing, "wb") as end:
        write(AudioWriter(end, RATE))
    reader.join()
    assert received[44:] == PCM
