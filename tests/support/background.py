"""What is asynchronous, for tests that aren't: those that drive a browser."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

from tests.support.house import PATIENCE

_Opened = TypeVar("_Opened")


@contextmanager
def in_background(opening: AbstractAsyncContextManager[_Opened]) -> Iterator[_Opened]:
    """Open from here to the end of the block, in an event loop of its own in a thread of its own."""
    opened: Future[_Opened] = Future()
    stopping = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def hold() -> None:
        async with opening as it:
            opened.set_result(it)
            await stopping.wait()

    def run() -> None:
        try:
            loop.run_until_complete(hold())
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield opened.result(PATIENCE)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)
        thread.join(PATIENCE)
