"""Work in threads that nobody leaves behind."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


async def to_its_end(
    work: Callable[..., _Result], *given: object, on_cancel: Callable[[], object] | None = None
) -> _Result:
    """Run it in a thread. Where the task is cancelled, that ends only when the work has: nobody may close or remove
    what is being written. `on_cancel` asks the work to hurry."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *given))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
        while not working.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([working])
        # Nobody hears of it any more.
        working.exception()
        raise
