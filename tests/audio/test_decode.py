"""Whatever the bytes are: their sound, or an error that says what to do."""

import io
import shutil
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from koe.audio import decode
from koe.audio.decode import Decoded, read_audio
from koe.core.errors import MalformedInput, UnsupportedAbility

RATE = 24000
SECONDS = 1.5
TONE = (np.sin(np.arange(int(RATE * SECONDS)) * (2 * np.pi * 440 / RATE)) * 12000).round().astype(np.float32) / 32768

LOSSLESS = [
    (format, subtype)
    for format in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC")
    for subtype in soundfile.available_subtypes(format)
    if subtype in {"PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"} or subtype.startswith("ALAC")
]
LOSSY = [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("WAV", "ULAW"), ("WAV", "PCM_U8")]
BY_FFMPEG = {
    "m4a": ["-f", "ipod", "-c:a", "aac"],
    "alac": ["-f", "ipod", "-c:a", "alac"],
    "webm": ["-f", "webm", "-c:a", "libopus"],
    "aac": ["-f", "adts"],
    "wma": ["-f", "asf"],
}

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
needs_sh = pytest.mark.skipif(sys.platform == "win32", reason="a shell script plays ffmpeg")


def encoded(
    samples: NDArray[np.floating] = TONE, format: str = "WAV", subtype: str | None = None, rate: int = RATE
) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=format, subtype=subtype)
    return stream.getvalue()


def by_ffmpeg(folder: Path, name: str) -> bytes:
    path = folder / name
    command = ["ffmpeg", "-loglevel", "error", "-i", "pipe:0", *BY_FFMPEG[name], str(path)]
    subprocess.run(command, input=encoded(), check=True)
    return path.read_bytes()


def read(data: bytes | Path, most_seconds: float = 10.0) -> Decoded:
    return read_audio(data, most_seconds=most_seconds)


def similarity(decoded: Decoded) -> float:
    """Of the first channel to the tone, whatever its phase."""
    samples = decoded.samples[:, 0]
    time = np.arange(len(samples)) / decoded.sample_rate
    found = abs(np.dot(samples, np.exp(-2j * np.pi * 440 * time)))
    return float(found / np.sqrt(np.dot(samples, samples) * len(samples) / 2))


@pytest.mark.parametrize(("format", "subtype"), LOSSLESS)
def test_lossless_formats_give_the_samples_back_exactly(format: str, subtype: str) -> None:
    stereo = np.stack([TONE, TONE[::-1]], axis=1)
    for samples in (TONE[:, None], stereo):
        decoded = read(encoded(samples, format, subtype))
        assert decoded.sample_rate == RATE
        assert decoded.samples.dtype == np.float32
        # ALAC comes in packets, the last of which is filled up.
        assert np.array_equal(decoded.samples[: len(samples)], samples)
        assert not decoded.samples[len(samples) :].any()


@pytest.mark.parametrize(("format", "subtype"), LOSSY)
def test_lossy_formats_give_the_sound_back(format: str, subtype: str) -> None:
    decoded = read(encoded(TONE, format, subtype))
    assert len(decoded.samples) / decoded.sample_rate == pytest.approx(SECONDS, abs=0.1)
    assert similarity(decoded) > 0.99


@needs_ffmpeg
@pytest.mark.parametrize("name", BY_FFMPEG)
def test_what_phones_and_browsers_record_is_read_by_ffmpeg(tmp_path: Path, name: str) -> None:
    data = by_ffmpeg(tmp_path, name)
    for decoded in (read(data), read(tmp_path / name)):
        assert decoded.sample_rate in (RATE, 48000)
        assert len(decoded.samples) / decoded.sample_rate == pytest.approx(SECONDS, abs=0.2)
        assert similarity(decoded) > 0.95
    with pytest.raises(MalformedInput, match="longer than 1 seconds"):
        read(data, 1.0)


@needs_ffmpeg
def test_an_m4a_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    data = by_ffmpeg(tmp_path, "m4a")
    with pytest.raises(MalformedInput, match="M4A file is damaged"):
        read(data[: len(data) // 2])


@pytest.mark.parametrize("name", ["speech.mp3", "speech.raw", "speech.m3u", "speech", "-i", "http:speech"])
def test_the_content_counts_and_not_the_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(encoded())
    assert np.array_equal(read(path).samples[:, 0], TONE)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["speech.wav", "-i.m4a", "http:speech", "%d.m4a"])
def test_no_name_means_anything_to_ffmpeg(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(by_ffmpeg(tmp_path, "m4a"))
    assert similarity(read(path)) > 0.98


@pytest.mark.parametrize("head", [b"\0\0\0\x20ftypM4A ", b"\x1a\x45\xdf\xa3", b"\xff\xf1\x50\x80", b"#!AMR\n"])
def test_without_ffmpeg_its_formats_name_the_remedy(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnsupportedAbility, match=r"install it .* or convert to WAV"):
        read(head + bytes(1000))
    assert len(read(encoded()).samples) == len(TONE)


def play_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


M4A = b"\0\0\0\x20ftypM4A " + bytes(1000)


@needs_sh
def test_an_ffmpeg_that_writes_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_ffmpeg(tmp_path, monkeypatch, "exec yes")
    with pytest.raises(MalformedInput):
        read(M4A, 0.5)


@needs_sh
def test_an_ffmpeg_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_ffmpeg(tmp_path, monkeypatch, "exec tail -f /dev/null")
    monkeypatch.setattr(decode, "FFMPEG_DEADLINE", 0.05)
    with pytest.raises(MalformedInput, match="M4A file is damaged"):
        read(M4A)


@needs_sh
def test_what_ffmpeg_wrote_before_it_failed_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "speech.wav").write_bytes(encoded())
    play_ffmpeg(tmp_path, monkeypatch, f"cat {tmp_path}/speech.wav; exit 1")
    with pytest.raises(MalformedInput, match="M4A file is damaged"):
        read(M4A)
    play_ffmpeg(tmp_path, monkeypatch, f"cat {tmp_path}/speech.wav")
    assert np.array_equal(read(M4A).samples[:, 0], TONE)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    for data in (b"", path):
        with pytest.raises(MalformedInput, match="the file is empty: use a WAV"):
            read(data)


@pytest.mark.parametrize("format", ["WAV", "AIFF", "OGG"])
def test_a_file_without_a_sample_is_refused(format: str) -> None:
    with pytest.raises(MalformedInput, match="no sound"):
        read(encoded(TONE[:0], format))


@pytest.mark.parametrize(
    "playlist",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\nhttp://192.0.2.1/a.ts",
        b"[playlist]\nFile1=/etc/passwd",
        b"ffconcat version 1.0\nfile /etc/passwd",
        b'<?xml version="1.0"?><MPD/>',
        b"\n<ASX version='3'>",
    ],
)
def test_playlists_are_refused(playlist: bytes) -> None:
    with pytest.raises(MalformedInput, match="playlist"):
        read(playlist)


@pytest.mark.parametrize("data", [b"hello", b"<html></html>", b"\x89PNG\r\n\x1a\n", b"PK\3\4", bytes(5000), b"RIFF"])
def test_what_is_no_audio_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput, match="no audio file"):
        read(data)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    # By libsndfile or as unknown; ffmpeg's formats have tests of their own.
    if not any(kind.demuxer and kind.signature.match(data) for kind in decode._KINDS):
        with pytest.raises(MalformedInput):
            read(data)


@given(
    st.sampled_from(
        [b"RIFF\0\1\0\0WAVEfmt ", b"fLaC\0\0\0\x22", b"OggS\0\2", b"ID3\4\0\0\0\0\0\0", b"FORM\0\0\1\0AIFF"]
    ),
    st.binary(max_size=300),
)
def test_random_bytes_after_a_good_beginning_are_refused(head: bytes, data: bytes) -> None:
    with pytest.raises(MalformedInput):
        read(head + data)


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU", "CAF", "FLAC"])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.97])
def test_a_file_that_was_cut_off_is_refused(format: str, part: float) -> None:
    data = encoded(TONE, format)
    with pytest.raises(MalformedInput, match=f"{format} file is damaged"):
        read(data[: int(len(data) * part)])


@pytest.mark.parametrize("format", ["MP3", "OGG", "RF64", "W64"])
@given(part=st.floats(0.0, 1.0))
def test_of_other_files_there_is_what_there_is(format: str, part: float) -> None:
    data = encoded(TONE, format)
    try:
        decoded = read(data[: int(len(data) * part)])
    except MalformedInput:
        return
    assert 0 < len(decoded.samples) <= len(TONE) * 1.1


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
@given(place=st.floats(0.0, 1.0, exclude_max=True), bits=st.integers(1, 255))
def test_a_flipped_byte_does_no_harm(format: str, place: float, bits: int) -> None:
    data = bytearray(encoded(TONE, format))
    data[int(len(data) * place)] ^= bits
    try:
        decoded = read(bytes(data))
    except (MalformedInput, UnsupportedAbility):
        return
    assert np.abs(decoded.samples).max() <= 1.0


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 2 * len(TONE) + 20])
def test_a_wav_may_state_no_length_or_miscount_a_little(size: int) -> None:
    data = encoded()
    assert len(read(data[:40] + struct.pack("<I", size) + data[44:]).samples) == len(TONE)


def test_a_flac_may_state_no_length() -> None:
    data = bytearray(encoded(TONE, "FLAC"))
    # Its 36 bits, the last of the 18 bytes after the marker and the head of its block.
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert np.array_equal(read(bytes(data)).samples[:, 0], TONE)
    with pytest.raises(MalformedInput, match="longer than 1 seconds"):
        read(bytes(data), 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(value: float) -> None:
    samples = TONE.copy()
    samples[1000] = value
    with pytest.raises(MalformedInput, match="no numbers"):
        read(encoded(samples, "WAV", "FLOAT"))


def test_samples_beyond_full_scale_are_cut_off() -> None:
    decoded = read(encoded(TONE * 4, "WAV", "FLOAT"))
    assert np.array_equal(decoded.samples[:, 0], np.clip(TONE * 4, -1, 1))


def test_more_channels_and_higher_rates_than_recordings_have_are_refused() -> None:
    with pytest.raises(MalformedInput, match="3 channels: save it as mono or stereo"):
        read(encoded(np.zeros((100, 3))))
    with pytest.raises(MalformedInput, match="192001 Hz"):
        read(encoded(rate=192_001))


def test_as_long_as_may_be_is_not_too_long() -> None:
    assert len(read(encoded(), SECONDS).samples) == len(TONE)
    with pytest.raises(MalformedInput, match=r"longer than 1\.49 seconds: cut it"):
        read(encoded(), 1.49)


@pytest.mark.parametrize("format", ["WAV", "FLAC"])
def test_a_long_file_is_refused_without_being_decoded_whole(tmp_path: Path, format: str) -> None:
    path = tmp_path / "hour"
    minute = np.zeros(60 * 8000, np.int16)
    with soundfile.SoundFile(path, "w", 8000, 1, format=format, subtype="PCM_16") as file:
        for _ in range(60):
            file.write(minute)
    read(encoded())  # Imports whatever it imports.
    tracemalloc.start()
    try:
        with pytest.raises(MalformedInput, match="longer than 10 seconds"):
            read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 10 * 8000 * 4


def test_a_path_that_can_not_be_read_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.wav")
