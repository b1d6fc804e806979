"""Waiting for what must come, with a bound."""

import asyncio
from collections.abc import Callable

from tests.support.house import PATIENCE


async def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail if it doesn't within PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)
