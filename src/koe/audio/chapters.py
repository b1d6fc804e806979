"""Audio books: one file whose chapters a player shows, by ffmpeg.

write_book(Path("book.flac"), Path("book.m4b"), [Chapter("One", 0.0), Chapter("Two", 61.5)], title="The Book")
"""

import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from koe.audio.sound import FileSound
from koe.core.errors import DeadlineExceeded, KoeError, MalformedInput, UnsupportedAbility

# What ffmpeg is told for a kind of file: by name it would take none of the temporary ones.
_FORMS: Mapping[str, Sequence[str]] = {
    ".m4b": ("-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart", "-f", "ipod"),
    # Version 2.3 of the tags: more players show its chapters.
    ".mp3": ("-c:a", "libmp3lame", "-q:a", "4", "-id3v2_version", "3", "-f", "mp3"),
}

_PATIENCE = (60.0, 0.25)
"""Seconds: ffmpeg's deadline, and how much more for each second of sound."""

_TAIL = 1000
"""Bytes of ffmpeg's last words that an error repeats."""


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    start: float
    """Seconds."""


def obstacle() -> str:
    """Why books can't be written here; empty where they can."""
    if shutil.which("ffmpeg"):
        return ""
    return "chapters need ffmpeg: install it (Debian: apt install ffmpeg), or write a plain MP3 or FLAC"


def write_book(source: Path, target: Path, chapters: Sequence[Chapter], *, title: str = "", author: str = "") -> None:
    """`source` is a file that Koe wrote, `target` an .m4b or .mp3, which appears once it is whole. Each chapter lasts
    to the next. Blocks; to be called in a thread.

    Raises UnsupportedAbility for another extension or without ffmpeg, MalformedInput for chapters that aren't in order
    or beyond the end, DeadlineExceeded, KoeError with what ffmpeg said, OSError.
    """
    form = _FORMS.get(target.suffix.lower())
    if form is None:
        known = " or ".join(_FORMS)
        raise UnsupportedAbility(f"can't write chapters into {target.name!r}: end the name with {known}")
    if reason := obstacle():
        raise UnsupportedAbility(reason)
    sound = FileSound(source)
    seconds = sound.frames / sound.sample_rate
    _check(chapters, seconds)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with tempfile.TemporaryDirectory(prefix="koe-") as folder:
            described = Path(folder, "chapters")
            described.write_text(_described(chapters, seconds, title, author), encoding="utf-8")
            command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file,pipe"]
            command += ["-i", f"file:{source.absolute()}"]
            command += ["-protocol_whitelist", "file,pipe", "-f", "ffmetadata", "-i", f"file:{described}"]
            command += ["-map", "0:a:0", "-map_metadata", "1", "-map_chapters", "1"]
            command += [*form, f"file:{temporary.absolute()}"]
            _run(command, deadline=_PATIENCE[0] + _PATIENCE[1] * seconds)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _check(chapters: Sequence[Chapter], seconds: float) -> None:
    starts = [chapter.start for chapter in chapters]
    if any(not later > earlier for earlier, later in pairwise(starts)):
        raise MalformedInput("the chapters of a book begin one after the other: sort them")
    if not all(0 <= start < seconds for start in starts):
        raise MalformedInput(f"a chapter of a book begins within its {seconds:.1f} s")


def _described(chapters: Sequence[Chapter], seconds: float, title: str, author: str) -> str:
    """ffmpeg's own format of tags and chapters."""
    lines = [";FFMETADATA1", f"title={_escaped(title)}", f"artist={_escaped(author)}", "genre=Audiobook"]
    ends = [chapter.start for chapter in chapters[1:]] + [seconds]
    for chapter, end in zip(chapters, ends, strict=False):
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={round(chapter.start * 1000)}", f"END={round(end * 1000)}"]
        lines.append(f"title={_escaped(chapter.title)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """In one line: what would end a title, or begin another, gets a backslash."""
    return re.sub(r"([=;#\\])", r"\\\1", re.sub(r"[\s\0]+", " ", text).strip())


def _run(command: Sequence[str], deadline: float) -> None:
    with tempfile.TemporaryFile() as words:
        try:
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                timeout=deadline,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(f"ffmpeg took longer than {deadline:.0f} s to write a book") from error
        if code:
            raise KoeError(f"ffmpeg could not write the book (exit status {code}): {_tail(words)}")


def _tail(words: BinaryIO) -> str:
    words.seek(max(0, words.seek(0, 2) - _TAIL))
    return words.read().decode(errors="replace").strip() or "it said nothing"
