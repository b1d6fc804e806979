"""Where sounds and projects are worked on: one piece of heavy work at a time, so that speech keeps its threads."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from koe.adapters.http.errors import HttpError
from koe.core.errors import Busy
from koe.pipelines.threads import to_its_end
from koe.storage.projects import Projects, Stopped

_Result = TypeVar("_Result")

_PATIENCE = 30.0
"""Seconds that heavy work waits for its turn."""

_MOST_FACTORS = 256


class Workshop:
    def __init__(self, projects: Projects) -> None:
        self.projects = projects
        self._turn = asyncio.Lock()
        self._factors: OrderedDict[str, float] = OrderedDict()

    async def work(self, heavy: Callable[[Stopped], _Result]) -> _Result:
        """In a thread. Where the client leaves, the work is told that nobody waits for it. Raises Busy, and what the
        work raises."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy("other recordings are being worked on: try again later") from None
        stopped = threading.Event()
        try:
            return await to_its_end(heavy, stopped.is_set, on_cancel=stopped.set)
        finally:
            self._turn.release()

    @asynccontextmanager
    async def bench(self) -> AsyncIterator[Path]:
        """A folder for what comes and goes with a request. Raises KoeError."""
        draft = self.projects.draft()
        folder = await to_its_end(draft.__enter__)
        try:
            yield folder
        finally:
            await to_its_end(draft.__exit__, None, None, None)

    def factor(self, mix: str) -> float | None:
        """By which a mix is multiplied that was measured lately; `mix`: whatever tells it from others."""
        if mix in self._factors:
            self._factors.move_to_end(mix)
        return self._factors.get(mix)

    def remember(self, mix: str, factor: float) -> None:
        self._factors[mix] = factor
        if len(self._factors) > _MOST_FACTORS:
            self._factors.popitem(last=False)


WORKSHOP = web.AppKey("workshop", Workshop)
"""`request.app[WORKSHOP]`"""


def install(app: web.Application, projects: Projects) -> None:
    """Before the server starts; the projects belong to whoever calls."""
    app[WORKSHOP] = Workshop(projects)


def workshop_of(request: web.Request) -> Workshop:
    """Raises HttpError 503 where this server keeps none."""
    workshop = request.app.get(WORKSHOP)
    if workshop is None:
        raise HttpError(503, "this server keeps no projects now: its log says why", code="unavailable")
    return workshop
