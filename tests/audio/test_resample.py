"""Sound whose rate changes on the way comes out at the rate of its beginning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.audio.resample import SteadyRate
from koe.core.pcm import duration, to_float, to_int16


def tone(seconds: float, rate: int) -> bytes:
    return to_int16(0.5 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate))


def test_what_keeps_its_rate_stays_as_it_is() -> None:
    steady = SteadyRate()
    pieces = [tone(0.01 * n, 22_050) for n in range(1, 5)]
    assert [steady.feed(piece, 22_050) for piece in pieces] == pieces
    assert (steady.finish(), steady.sample_rate) == (b"", 22_050)


@given(st.lists(st.sampled_from([16_000, 22_050, 24_000, 48_000]), min_size=1, max_size=6))
def test_nothing_is_lost_where_it_changes(rates: list[int]) -> None:
    steady = SteadyRate()
    heard = b"".join(steady.feed(tone(0.1, rate), rate) for rate in rates) + steady.finish()
    assert steady.sample_rate == rates[0]
    assert duration(len(heard), rates[0]) == pytest.approx(0.1 * len(rates), abs=0.001 * len(rates))
    # The pitch is the same throughout: as many waves as there were.
    rising = np.diff(np.signbit(to_float(heard)).astype(int)) == -1
    assert rising.sum() == pytest.approx(30 * len(rates), abs=2 * len(rates))
