"""What espeak-ng says twice is not the same twice."""

from typing import Any

import pytest


def as_long_as(pcm: bytes, sentences: int = 1) -> Any:
    """A length in bytes that a second reading of these sentences may have.

    espeak-ng's pitch flutters, and with it its timing: two readings of one sentence at 22050 Hz were seen to differ by
    up to 430 samples (300 readings), far less than any word is long.
    """
    return pytest.approx(len(pcm), abs=2 * 700 * sentences)
