"""Text files of unknown origin: bounded, and in the encoding that they most likely have."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from koe.core.errors import LimitExceeded, MalformedInput, NothingToSpeak
from koe.core.problem import Problem

MIB = 1024 * 1024
MOST_TEXT = 16 * MIB
"""Bytes: some thirty novels."""

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = bytes(sorted({*range(32), 127} - {*b"\t\n\v\f\r\x1a\x1b"}))
_PROBE = 64 * 1024


@dataclass(frozen=True, slots=True)
class SourceText:
    text: str
    problems: tuple[Problem, ...] = ()


def read_text(source: BinaryIO, most: int = MOST_TEXT) -> SourceText:
    """All of it. Raises LimitExceeded, NothingToSpeak where it is empty, MalformedInput where it is no text."""
    data = source.read(most + 1)
    if len(data) > most:
        raise LimitExceeded(f"the file is larger than {most // MIB} MiB: split it")
    encoding, problems = guess_encoding(data, whole=True)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise MalformedInput(f"the file is no text in {encoding}, as it begins: save it as UTF-8") from None
    text = text.replace("\0", "")
    if not text.strip():
        raise NothingToSpeak("the file is empty: it has no text in it")
    return SourceText(text, problems)


def guess_encoding(data: bytes, *, whole: bool = False) -> tuple[str, tuple[Problem, ...]]:
    """Of a file that begins with that, or that is that. Raises MalformedInput where it is no text."""
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return encoding, ()
    if not data.translate(None, b"\0").strip():
        raise NothingToSpeak("the file is empty: it has no text in it")
    probe = data[:_PROBE]
    if wide := _wide(probe):
        return wide, (_guessed("UTF-16"),)
    if b"\0" in probe or len(probe) - len(probe.translate(None, _CONTROLS)) > len(probe) // 100:
        raise MalformedInput("the file is no text: it may be a picture, a sound or a document; save its text as UTF-8")
    try:
        # Where it goes on, its last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return _western(data)
    return "utf-8", ()


def _western(data: bytes) -> tuple[str, tuple[Problem, ...]]:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        raise MalformedInput("the file is in an encoding that can't be told: save it as UTF-8") from None
    return "cp1252", (_guessed("Windows-1252 (Western European)"),)


def _wide(probe: bytes) -> str | None:
    """UTF-16 without the mark that it should begin with: every other byte of most texts is zero."""
    even, odd = probe[::2], probe[1::2]
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.7 * len(zeros) and others.count(0) < 0.05 * max(1, len(others)):
            return encoding
    return None


def _guessed(name: str) -> Problem:
    return Problem(
        "",
        f"the file doesn't say in which encoding it is, and is not UTF-8; it was read as {name}",
        "if letters look wrong in what follows, save the file as UTF-8",
    )
