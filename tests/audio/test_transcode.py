"""Recordings of any kind and length become what Koe mixes, piece by piece."""

import io
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from koe.audio.outline import outline, waveform
from koe.audio.sound import ArraySound
from koe.audio.transcode import transcode
from koe.core.errors import KoeError, MalformedInput

RATE = 24_000


def samples(seconds: float = 1.0, rate: int = RATE) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


def made(
    tmp_path: Path, data: bytes | Path, most_seconds: float = 60
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float32]], int]:
    source, target = tmp_path / "source", tmp_path / "made.flac"
    source.write_bytes(data if isinstance(data, bytes) else data.read_bytes())
    target.unlink(missing_ok=True)
    told = transcode(source, target, most_seconds=most_seconds)
    read, rate = soundfile.read(target, dtype="float32")
    assert (told.frames, told.sample_rate) == (len(read), rate)
    assert soundfile.info(target).subtype == "PCM_24"
    return read, rate


def packed(data: object, rate: int = RATE, **kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, data, rate, **kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("format", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16"), ("CAF", "PCM_16")],
)
def test_what_is_lossless_stays_as_it_is(tmp_path: Path, format: str, subtype: str) -> None:
    data = packed(samples(), format=format, subtype=subtype)
    given, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    read, rate = made(tmp_path, data)
    assert rate == RATE
    assert read.tobytes() == given.tobytes()


@pytest.mark.parametrize(("format", "subtype"), [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS")])
def test_other_formats_sound_the_same(tmp_path: Path, format: str, subtype: str) -> None:
    data = packed(samples(2), format=format, subtype=subtype)
    given, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    read, _ = made(tmp_path, data)
    np.testing.assert_allclose(read, np.clip(given, -1, 1), atol=1e-6)


def test_two_channels_become_one_and_what_is_too_loud_is_cut_off(tmp_path: Path) -> None:
    loud = np.tile(np.array([1.5, 0.5], np.float32), (1000, 1))
    read, _ = made(tmp_path, packed(loud, format="WAV", subtype="FLOAT"))
    assert read == pytest.approx(0.75, abs=1e-6)


def test_a_higher_rate_becomes_48_khz(tmp_path: Path) -> None:
    read, rate = made(tmp_path, packed(samples(1.0, 96_000), 96_000, format="WAV"))
    assert (len(read), rate) == (48_000, 48_000)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_what_phones_record_is_read_by_ffmpeg(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(packed(samples(), format="WAV"))
    command = ["ffmpeg", "-loglevel", "error", "-i", str(tmp_path / "a.wav"), "-c:a", "aac", str(tmp_path / "a.m4a")]
    subprocess.run(command, check=True)
    read, rate = made(tmp_path, tmp_path / "a.m4a")
    assert rate == 48_000
    assert len(read) == pytest.approx(48_000, rel=0.1)
    with pytest.raises(MalformedInput, match="longer than"):
        made(tmp_path, tmp_path / "a.m4a", 0.5)
    whole = (tmp_path / "a.m4a").read_bytes()
    with pytest.raises(MalformedInput, match="damaged"):
        made(tmp_path, whole[:100] + whole[-100:])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"#EXTM3U\nhttp://example.org/a.mp3", "playlist"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no audio"),
        (b"RIFF\x00\x00\x00\x00WAVE" + bytes(100), "damaged|no sound"),
        (packed(samples(), format="FLAC")[:20_000], "damaged"),
        (packed(samples(), format="WAV")[:20_000], "damaged"),
        (packed(np.full(100, np.nan, np.float32), format="WAV", subtype="FLOAT"), "no numbers"),
        (packed(np.zeros(0, np.float32), format="WAV"), "no sound"),
        (packed(np.zeros((100, 3), np.float32), format="WAV"), "3 channels"),
        (packed(np.zeros(100, np.float32), 100, format="WAV"), "sample rate of 100 Hz"),
        (packed(samples(2), format="WAV"), "longer than 1 seconds"),
    ],
)
def test_what_can_not_be_read_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(MalformedInput, match=reason):
        made(tmp_path, data, 1.0)


def test_it_ends_when_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(packed(samples(10), format="WAV"))
    with pytest.raises(KoeError, match="nobody waits"):
        transcode(tmp_path / "a.wav", tmp_path / "a.flac", most_seconds=60, stopped=lambda: True)


def test_a_small_file_of_half_an_hour_needs_no_memory(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 8000, 1) as file:
        for _ in range(30):
            file.write(np.zeros(8000 * 60, np.int16))
    tracemalloc.start()
    try:
        told = transcode(tmp_path / "a.flac", tmp_path / "b.flac", most_seconds=1800)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
    assert told.seconds == 1800


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 50_000), st.integers(1, 5000), st.integers(0, 1000), st.integers(0, 50_000))
def test_an_outline_is_that_of_the_samples(count: int, points: int, first: int, length: int) -> None:
    sound = ArraySound(samples(1.0, max(count, 1))[:count], RATE)
    end = min(count, first + length)
    expected = waveform(sound.samples[first:end], points)
    assert outline(sound, points, first, end) == expected
    assert outline(sound, points) == waveform(sound.samples, points)
