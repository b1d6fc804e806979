"""A machine that is slower than speech knows it, and begins to play late enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.engine.qwen.pace import Pace


def pace_of(real_time: float) -> Pace:
    pace = Pace()
    for _ in range(20):
        pace.note(real_time * 0.08)
    return pace


def test_a_pace_is_known_after_some_steps() -> None:
    pace = Pace()
    for _ in range(7):
        pace.note(1.0)
    assert pace.real_time is None
    assert not pace.slow
    assert pace.head_start(100) == 0
    pace.note(1.0)
    assert pace.real_time == pytest.approx(12.5)
    assert pace.slow


def test_who_keeps_up_begins_at_once() -> None:
    assert pace_of(0.7).head_start(1000) == 0


@given(real_time=st.floats(1.1, 3), tokens=st.integers(1, 40))
def test_playback_never_runs_dry(real_time: float, tokens: int) -> None:
    pace, length = pace_of(real_time), tokens / 3
    head_start = pace.head_start(tokens)
    # Waiting is bounded: only a text that is too long for that may have a gap.
    if head_start * real_time < 8 - 1e-6:
        for played in (0.0, length / 3, length * 0.9, length):
            assert head_start + played / real_time >= played - 1e-6
    assert head_start * real_time <= 8 + 1e-6


def test_what_was_measured_long_ago_sends_nobody_to_the_fallback_voice() -> None:
    pace = pace_of(3.0)
    assert pace.slow_of_late
    pace.noted_at -= 601
    assert pace.slow
    assert not pace.slow_of_late


def test_the_newest_steps_count() -> None:
    pace = pace_of(3.0)
    for _ in range(32):
        pace.note(0.04)
    assert pace.real_time == pytest.approx(0.5)
