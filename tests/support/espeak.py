"""What espeak-ng says twice is not the same twice; and when it says each word."""

import ctypes
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from koe.engine.espeak.library import EspeakLibrary


def as_long_as(pcm: bytes, sentences: int = 1) -> Any:
    """A length in bytes that a second reading of these sentences may have.

    espeak-ng's pitch flutters, and with it its timing: two readings of one sentence at 22050 Hz were seen to differ by
    up to 430 samples (300 readings), far less than any word is long.
    """
    return pytest.approx(len(pcm), abs=2 * 700 * sentences)


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_WORD = 1


class _Telling(EspeakLibrary):
    """Also says when it begins each word."""

    begun: dict[int, float]

    def _receive(self, wave: int | None, samples: int, events: int | None) -> int:
        table = ctypes.cast(events or 0, ctypes.POINTER(_Event))
        for index in itertools.takewhile(lambda index: table[index].type, itertools.count() if events else ()):
            if table[index].type == _WORD:
                # Characters are counted from 1, times in milliseconds.
                self.begun[table[index].text_position - 1] = table[index].audio_position / 1000
        return super()._receive(wave, samples, events)


@dataclass(frozen=True)
class Reading:
    pcm: NDArray[np.int16]
    sample_rate: int
    begun: dict[int, float]
    """By the place of a word's first character in the text: the second in which espeak-ng begins to say it. It joins
    small words (`in the`) and tells of the first alone."""


def read_out(texts: Sequence[str], voice: str = "en-us", rate: int = 175) -> list[Reading]:
    """Only where no engine has the library."""
    library = _Telling()
    try:
        [identifier] = [each.identifier for each in library.voices() if each.language == voice]
        library.select(identifier, rate, 50)
        return [_read_out(library, text) for text in texts]
    finally:
        library.close()


def _read_out(library: _Telling, text: str) -> Reading:
    pcm = bytearray()

    def collect(piece: bytes) -> bool:
        pcm.extend(piece)
        return True

    library.begun = {}
    library.synthesize(text, collect)
    return Reading(np.frombuffer(bytes(pcm), np.int16), library.sample_rate, library.begun)
