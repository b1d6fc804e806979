"""Productions become whole files, or none."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koe.audio.encode import write_sound
from koe.audio.files import MOST_WAV_BYTES, AudioFormat, AudioWriter
from koe.audio.sound import FileSound, Samples
from koe.core.errors import LimitExceeded

RATE = 22_050


def pieces(seconds: int) -> Iterator[Samples]:
    for second in range(seconds):
        yield (0.3 * np.sin(0.1 * np.arange(second * RATE, (second + 1) * RATE))).astype(np.float32)


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg", "opus"])
def test_a_production_can_be_heard_in_every_format(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"book.{extension}"
    write_sound(path, pieces(5), RATE)
    samples, rate = soundfile.read(path)
    assert len(samples) / rate == pytest.approx(5.0, abs=0.1)
    assert np.std(samples) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    assert list(tmp_path.iterdir()) == [path]


def test_opus_gets_a_rate_that_it_has(tmp_path: Path) -> None:
    for rate, expected in ((RATE, 24_000), (24_000, 24_000), (44_100, 48_000), (96_000, 48_000)):
        path = tmp_path / "speech.opus"
        write_sound(path, [np.zeros(rate, np.float32)], rate)
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate) == ("OGG", "OPUS", expected)
        assert info.duration == pytest.approx(1.0, abs=1e-3)


def test_what_is_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    write_sound(tmp_path / "loud.wav", [np.array([2.0, -2.0, 0.5], np.float32)], RATE)
    assert next(FileSound(tmp_path / "loud.wav").pieces(0, 3)) == pytest.approx([1.0, -1.0, 0.5], abs=1e-4)


def test_a_production_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[Samples]:
        yield from pieces(1)
        raise ZeroDivisionError

    for format in AudioFormat:
        with pytest.raises(ZeroDivisionError):
            write_sound(tmp_path / f"book.{format}", failing(), RATE)
    assert list(tmp_path.iterdir()) == []


class Bottomless(io.BytesIO):
    """A file that keeps nothing."""

    def write(self, data: object) -> int:
        return len(data)  # type: ignore[arg-type]


def test_a_wav_file_beyond_four_gigabytes_is_refused_with_the_remedy() -> None:
    piece = bytes(64 << 20)
    with pytest.raises(LimitExceeded, match="FLAC"), AudioWriter(Bottomless(), RATE, AudioFormat.WAV) as writer:
        for _ in range(MOST_WAV_BYTES // len(piece)):
            writer.write(piece)
        writer.write(piece)
