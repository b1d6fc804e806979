"""Waiting for what must come, with a bound."""

import asyncio
import time
from collections.abc import Callable

from tests.support.house import PATIENCE

_EVERY = 0.005


async def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail if it doesn't within PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(_EVERY)


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """As `eventually`, where another thread or process does the work; `what`: did not come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(_EVERY)
