"""Who may speak over HTTP: so many at a time, so many more wait their turn, the others are told to come again.

Rooms (Wyoming) are not counted: they never wait for the web.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from koe.adapters.http.errors import RETRY_AFTER, HttpError
from koe.adapters.http.metrics import Metrics
from koe.core.errors import Busy
from koe.settings.schema.http import HttpSettings


class Turns:
    """`async with turns.turn()`: first come, first served."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._free = settings.max_speaking
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def speaking(self) -> int:
        return self._settings.max_speaking - self._free

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @asynccontextmanager
    async def turn(self, metrics: Metrics, adapter: str) -> AsyncIterator[None]:
        """Raises Busy where too many wait already, HttpError 503 where it took too long."""
        with metrics.waiting(adapter):
            await self._take()
        try:
            yield
        finally:
            self.give()

    def take_spare(self) -> bool:
        """Take a turn that nobody waits for, if there is one: whoever gets it gives it back."""
        if self._queue or not self._free:
            return False
        self._free -= 1
        return True

    def give(self) -> None:
        """A turn is over: the next one's begins."""
        while self._queue:
            called = self._queue.popleft()
            # One that was cancelled is about to leave by itself.
            if not called.done():
                called.set_result(None)
                return
        self._free += 1

    async def _take(self) -> None:
        if self.take_spare():
            return
        if len(self._queue) >= self._settings.max_waiting:
            raise Busy(
                f"{self.speaking} requests are being spoken and {self.waiting} wait: try again later "
                "(settings http.max_speaking, http.max_waiting)"
            )
        await self._wait()

    async def _wait(self) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(called)
        try:
            async with asyncio.timeout(self._settings.wait_timeout):
                await called
        except TimeoutError:
            self._leave(called)
            waited = self._settings.wait_timeout
            raise HttpError(
                503,
                f"no turn came within {waited:g} seconds (setting http.wait_timeout): try again later",
                code=Busy.code,
                retry_after=RETRY_AFTER,
            ) from None
        except BaseException:
            self._leave(called)
            raise

    def _leave(self, called: asyncio.Future[None]) -> None:
        if called in self._queue:
            self._queue.remove(called)
        elif called.done() and not called.cancelled():
            # Called in the moment of leaving: the turn is the next one's.
            self.give()


TURNS = web.AppKey("turns", Turns)
"""`request.app[TURNS]`"""


def install(app: web.Application, settings: HttpSettings) -> None:
    """Before the server starts."""
    app[TURNS] = Turns(settings)
