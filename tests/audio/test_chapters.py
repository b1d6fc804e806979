"""A player finds the chapters of a book where they begin."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koe.audio.chapters import Chapter, obstacle, write_book
from koe.core.errors import DeadlineExceeded, KoeError, MalformedInput, UnsupportedAbility

RATE = 24_000
ODD = "Ende; #2 = \\ „gut“\n[CHAPTER]"
CHAPTERS = [Chapter("Anfang", 0.0), Chapter(ODD, 1.25), Chapter("第三章", 4.0)]

needs_ffmpeg = pytest.mark.skipif(bool(obstacle()) or not shutil.which("ffprobe"), reason="ffmpeg isn't installed")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.flac"
    samples = 0.3 * np.sin(2 * np.pi * 300 * np.arange(6 * RATE) / RATE)
    soundfile.write(path, samples, RATE)
    return path


def probed(path: Path) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-show_chapters", "-show_format", "-of", "json", str(path)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)
    return answer


@needs_ffmpeg
@pytest.mark.parametrize("name", ["-book.m4b", "a % book.MP3"])
def test_a_book_has_its_chapters_and_tags(source: Path, tmp_path: Path, name: str) -> None:
    write_book(source, tmp_path / name, CHAPTERS, title="Das Buch", author="Jemand")
    book = probed(tmp_path / name)
    found = [(each["tags"]["title"], float(each["start_time"])) for each in book["chapters"]]
    assert found == [("Anfang", 0.0), ("Ende; #2 = \\ „gut“ [CHAPTER]", 1.25), ("第三章", 4.0)]
    assert float(book["chapters"][-1]["end_time"]) == pytest.approx(6.0, abs=0.01)
    assert float(book["format"]["duration"]) == pytest.approx(6.0, abs=0.1)
    tags = {key.lower(): value for key, value in book["format"]["tags"].items()}
    assert (tags["title"], tags["artist"]) == ("Das Buch", "Jemand")
    assert {path.name for path in tmp_path.iterdir()} == {"source.flac", name}


@needs_ffmpeg
def test_a_book_without_chapters_is_one_too(source: Path, tmp_path: Path) -> None:
    write_book(source, tmp_path / "book.m4b", [])
    assert probed(tmp_path / "book.m4b")["chapters"] == []


@needs_ffmpeg
@pytest.mark.parametrize(
    "chapters",
    [
        [Chapter("one", 2.0), Chapter("two", 1.0)],
        [Chapter("one", 1.0), Chapter("two", 1.0)],
        [Chapter("one", 6.0)],
        [Chapter("one", -0.1)],
        [Chapter("one", float("nan"))],
    ],
)
def test_chapters_that_do_not_fit_are_refused(source: Path, tmp_path: Path, chapters: list[Chapter]) -> None:
    with pytest.raises(MalformedInput):
        write_book(source, tmp_path / "book.m4b", chapters)
    assert list(tmp_path.iterdir()) == [source]


def ffmpeg_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_what_ffmpeg_says_at_last_is_told_and_no_file_stays(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg_that(tmp_path, monkeypatch, 'for last; do :; done; echo half > "${last#file:}"; echo no encoder >&2; exit 3')
    older = tmp_path / "book.m4b"
    older.write_bytes(b"older")
    with pytest.raises(KoeError, match=r"status 3.*no encoder"):
        write_book(source, older, CHAPTERS)
    assert {path.name for path in tmp_path.iterdir()} == {"source.flac", "programs", "book.m4b"}
    assert older.read_bytes() == b"older"


def test_an_ffmpeg_that_hangs_is_stopped(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg_that(tmp_path, monkeypatch, "exec sleep 600")
    monkeypatch.setattr("koe.audio.chapters._PATIENCE", (0.2, 0.0))
    with pytest.raises(DeadlineExceeded, match="ffmpeg"):
        write_book(source, tmp_path / "book.m4b", CHAPTERS)


def test_without_ffmpeg_the_remedy_is_named(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedAbility, match="apt install ffmpeg"):
        write_book(source, tmp_path / "book.m4b", CHAPTERS)


def test_other_extensions_are_refused_with_those_there_are(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedAbility, match=r"\.m4b or \.mp3"):
        write_book(source, tmp_path / "book.wav", CHAPTERS)
