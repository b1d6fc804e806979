"""Files are read again where they changed, and only there."""

import os
import time
from pathlib import Path

import pytest

from koe.voices.watch import Watched

HOUR = 3600 * 10**9


class Counted:
    """Reads texts, and keeps count."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, path: Path) -> str:
        self.reads += 1
        return path.read_text()


def an_hour_later() -> int:
    return time.time_ns() + HOUR


def test_what_has_not_changed_is_read_once(tmp_path: Path) -> None:
    counted, path = Counted(), tmp_path / "a"
    watched = Watched(counted.read, an_hour_later)
    path.write_text("one")
    assert [watched.get(path) for _ in range(3)] == ["one"] * 3
    assert counted.reads == 1
    path.write_text("two, and longer")
    assert [watched.get(path) for _ in range(3)] == ["two, and longer"] * 3
    assert counted.reads == 2


def test_what_was_written_just_now_is_read_again_for_the_clock_may_not_have_ticked(tmp_path: Path) -> None:
    counted, path = Counted(), tmp_path / "a"
    watched = Watched(counted.read)
    path.write_text("one")
    assert [watched.get(path) for _ in range(3)] == ["one"] * 3
    assert counted.reads == 3


def test_another_file_of_the_same_name_size_and_time_is_another(tmp_path: Path) -> None:
    watched, path = Watched(Path.read_text, an_hour_later), tmp_path / "a"
    path.write_text("one")
    os.utime(path, (5, 5))
    assert watched.get(path) == "one"
    (tmp_path / "b").write_text("two")
    os.utime(tmp_path / "b", (5, 5))
    (tmp_path / "b").replace(path)
    assert watched.get(path) == "two"


def test_failures_are_not_remembered(tmp_path: Path) -> None:
    watched, path = Watched(Path.read_text, an_hour_later), tmp_path / "a"
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            watched.get(path)
    path.write_text("one")
    assert watched.get(path) == "one"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        watched.get(path)
