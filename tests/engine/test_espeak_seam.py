"""A sentence joined to its own opening sounds as if it had been spoken in one go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.core.pcm import to_float
from koe.engine.espeak.library import EspeakLibrary
from koe.engine.espeak.seam import FADE, REACH, Seam

SENTENCES = [
    ("gmw/en-US", "The washing machine is finished."),
    ("gmw/en-US", "Somebody is at the door."),
    ("gmw/de", "Guten Morgen, es ist kalt heute."),
    ("zle/ru", "Стиральная машина закончила."),
    ("sit/cmn", "洗衣机洗完了。"),
]


def read(library: EspeakLibrary, text: str) -> bytes:
    pcm = bytearray()

    def collect(chunk: bytes) -> bool:
        pcm.extend(chunk)
        return True

    library.synthesize(text, collect)
    return bytes(pcm)


def join(opening: bytes, second: bytes, step: int) -> bytes:
    seam = Seam(opening)
    fed = [seam.feed(second[i : i + step]) for i in range(0, len(second), step)]
    return seam.sent + b"".join(fed) + seam.finish()


@pytest.mark.parametrize(("identifier", "sentence"), SENTENCES)
def test_the_seam_leaves_no_gap_no_doubling_and_no_click(identifier: str, sentence: str) -> None:
    library = EspeakLibrary()
    try:
        library.select(identifier, 175, 50)
        first, _, second = (read(library, text) for text in (sentence, "Something in between.", sentence))
    finally:
        library.close()
    joined = join(first[:6600], second, 2000)
    assert abs(len(joined) - len(second)) <= 2 * REACH
    samples, plain = to_float(joined), to_float(second)
    seam = slice(3300 - FADE - REACH, 3300 + REACH)
    assert np.abs(np.diff(samples[seam])).max() <= 1.2 * np.abs(np.diff(plain)).max()
    after = 3300 + 200
    shift = len(samples) - len(plain)
    assert np.array_equal(samples[after:], plain[after - shift :])


@given(st.integers(0, 30), st.integers(1, 3000))
def test_a_shifted_reading_is_laid_where_it_fits(shift: int, step: int) -> None:
    noise = np.random.default_rng(1).normal(0, 3000, 8000).astype("<i2")
    joined = join(noise[:3300].tobytes(), noise[shift:].tobytes(), 2 * step)
    assert joined == noise.tobytes()


@given(st.integers(1, 500))
def test_without_an_opening_nothing_changes(step: int) -> None:
    pcm = bytes(range(256)) * 8
    assert join(b"", pcm, step) == pcm


def test_a_second_reading_that_ends_early_loses_nothing_of_it() -> None:
    pcm = np.random.default_rng(1).normal(0, 3000, 3300).astype("<i2").tobytes()
    assert join(pcm, pcm[:6500], 100) == pcm[:6500]
