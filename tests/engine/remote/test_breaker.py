"""When a server that failed is asked again, by a clock of the test's own."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koe.engine.remote.breaker import FIRST_SECONDS, LONGEST_SECONDS, THRESHOLD, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(THRESHOLD):
        breaker.begin()
        breaker.failed()
    return breaker


def test_a_few_failures_are_forgiven() -> None:
    breaker = Breaker(Clock())
    for _ in range(10):
        for _ in range(THRESHOLD - 1):
            breaker.failed()
        assert not breaker.wait
        breaker.succeeded()


def test_several_in_a_row_are_not_and_then_one_request_tries() -> None:
    clock = Clock()
    breaker = broken(clock)
    assert breaker.wait == FIRST_SECONDS
    clock.now += FIRST_SECONDS
    assert not breaker.wait
    breaker.begin()
    assert breaker.wait == float("inf")
    breaker.succeeded()
    assert not breaker.wait


def test_who_leaves_while_trying_says_nothing() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += FIRST_SECONDS
    breaker.begin()
    breaker.leave()
    assert not breaker.wait


def test_it_waits_longer_each_time_but_not_for_ever() -> None:
    clock = Clock()
    breaker = broken(clock)
    waits = []
    for _ in range(9):
        waits.append(breaker.wait)
        clock.now += breaker.wait
        breaker.begin()
        breaker.failed()
    assert all(later == min(2 * sooner, LONGEST_SECONDS) for sooner, later in itertools.pairwise(waits))
    assert waits[-1] == LONGEST_SECONDS


@pytest.mark.parametrize(("asked", "waited"), [(0.0, FIRST_SECONDS), (7.0, 7.0), (9999.0, LONGEST_SECONDS)])
def test_a_busy_one_is_left_alone_for_as_long_as_it_asks(asked: float, waited: float) -> None:
    breaker = Breaker(Clock())
    breaker.busy(asked)
    assert (breaker.wait, breaker.asked_to_wait) == (waited, True)


@given(st.lists(st.sampled_from(["begin", "leave", "succeeded", "failed", "busy", "later"])))
def test_whatever_happens_it_lets_somebody_through_in_the_end(steps: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for step in steps:
        match step:
            case "busy":
                breaker.busy(5.0)
            case "later":
                clock.now += 10.0
            case _:
                getattr(breaker, step)()
    breaker.leave()
    clock.now += LONGEST_SECONDS
    assert not breaker.wait
