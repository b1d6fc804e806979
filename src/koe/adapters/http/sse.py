"""Server-sent events: what browsers and OpenAI's clients read one by one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from pydantic import BaseModel

from koe.core.errors import KoeError

_T = TypeVar("_T")

CONTENT_TYPE = "text/event-stream"

COMMENT = b": still at it\n\n"
"""For those on the way who take a silent connection for dead."""


def event(name: str, data: BaseModel) -> bytes:
    """Fields without a value are left out."""
    return f"event: {name}\ndata: {data.model_dump_json(exclude_none=True)}\n\n".encode()


async def meanwhile(coming: Coroutine[Any, Any, _T], every: float, tell: Callable[[], Awaitable[None]]) -> _T:
    """The result; until it comes, `tell` is called every so many seconds."""
    task = asyncio.create_task(coming)
    try:
        while not (await asyncio.wait({task}, timeout=every))[0]:
            await tell()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            # Only what has ended can be closed.
            with contextlib.suppress(asyncio.CancelledError, KoeError):
                await task
