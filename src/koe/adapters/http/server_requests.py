"""What happens to every request around its handler: it is admitted, limited, and answered whatever happens."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Middleware

from koe.adapters.http.endpoints import Endpoint, Handler
from koe.adapters.http.errors import error_answer, status_of
from koe.adapters.http.limits import limit_body
from koe.adapters.http.security import Gate
from koe.adapters.http.server_connection import Connection
from koe.adapters.http.server_log import GONE, write_line
from koe.adapters.http.server_state import ServerState
from koe.core.errors import Busy, KoeError, ShuttingDown
from koe.logs import current_request
from koe.settings.schema.http import HttpSettings

_log = logging.getLogger(__name__)

_UPLOADS = 4
"""Large bodies that are taken at the same time: each may fill as much memory as http.max_upload_bytes says."""

_UPLOAD_PATIENCE = 10.0
"""Seconds that a large body waits for its turn."""

_STILL_ANSWERED = ("/health", "/ready", "/metrics")
"""Also while the server stops."""


class Requests:
    def __init__(self, gate: Gate, settings: HttpSettings, state: ServerState) -> None:
        self._gate, self._settings, self._state = gate, settings, state
        self._endpoints: dict[web.AbstractRoute, Endpoint] = {}
        self._running: dict[Connection, asyncio.Task[object] | None] = {}
        self._free = asyncio.Event()
        self._uploads = asyncio.Semaphore(_UPLOADS)
        self._numbers = itertools.count(1)
        self._ending = False

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        return answer

    def know(self, route: web.AbstractRoute, endpoint: Endpoint) -> None:
        self._endpoints[route] = endpoint

    @property
    def running(self) -> int:
        return len(self._running)

    def busy(self, connection: Connection) -> bool:
        return connection in self._running

    def ended(self, connection: Connection) -> None:
        """Its request has been answered to the last byte, or its client has left."""
        self._running.pop(connection, None)
        if not self._running:
            self._free.set()

    async def over(self, seconds: float) -> None:
        """Wait until nothing is being answered any more, or the time is over."""
        if not self._running:
            return
        self._free.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._free.wait()
        except TimeoutError:
            _log.debug("%d requests are still being answered", len(self._running))

    def cancel(self) -> None:
        """Whatever is still under way hears that the server stops, if its answer hasn't begun; else it breaks off."""
        self._ending = True
        for task in list(self._running.values()):
            if task is not None:
                task.cancel()

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        current_request.set(f"h{next(self._numbers)}")
        clock = asyncio.get_running_loop().time
        begun, task = clock(), asyncio.current_task()
        if isinstance(connection := request.protocol, Connection):
            connection.template = _template(request)
            self._running[connection] = task
        try:
            return await self._handle(request, handler)
        except asyncio.CancelledError:
            if self._ending and task is not None and not _has_begun(request):
                task.uncancel()
                return error_answer(ShuttingDown("the server is stopping"))
            write_line(request, GONE, clock() - begun, request.writer.output_size)
            if self._ending and isinstance(connection, Connection):
                # Its listener may never take what lies ready.
                connection.abort()
            raise
        except ConnectionError:
            # The client has left: nobody is there to be told.
            write_line(request, GONE, clock() - begun, request.writer.output_size)
            raise
        except Exception as error:
            if isinstance(error, web.HTTPException) and error.status < 400:
                raise
            if not _has_begun(request):
                return error_answer(error)
            _log_broken_off(error)
            write_line(request, status_of(error), clock() - begun, request.writer.output_size)
            raise ConnectionResetError("the answer broke off") from error

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = self._endpoints.get(request.match_info.route)
        self._gate.admit(request, endpoint)
        if self._state.stopping.is_set() and (endpoint is None or endpoint.path not in _STILL_ANSWERED):
            raise ShuttingDown("the server is stopping")
        settings = self._settings
        uploads = endpoint is not None and endpoint.uploads
        limit_body(request, settings.max_upload_bytes if uploads else settings.max_body_bytes, settings.idle_timeout)
        length = request.content_length
        large = uploads and request.body_exists and (length is None or length > settings.max_body_bytes)
        async with self._upload_turn() if large else nullcontext():
            await _tell_to_go_on(request)
            return await handler(request)

    @asynccontextmanager
    async def _upload_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_UPLOAD_PATIENCE):
                await self._uploads.acquire()
        except TimeoutError:
            raise Busy(f"{_UPLOADS} large uploads are under way: try again later") from None
        try:
            yield
        finally:
            self._uploads.release()


async def expected_later(request: web.Request) -> None:
    """In place of aiohttp's own answer to `Expect: 100-continue`: it would invite bodies that are then refused."""


async def _tell_to_go_on(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # Only what comes from here on is the answer.
        request.writer.output_size = 0


def _template(request: web.Request) -> str:
    """The path as its endpoint has it; a word of our own where there is none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(unknown)"


def _has_begun(request: web.Request) -> bool:
    return request.writer.output_size > 0


def _log_broken_off(error: Exception) -> None:
    if isinstance(error, KoeError):
        _log.warning("broke off: %s: %s", error.code, error.message)
    else:
        _log.error("unexpected failure in the middle of an answer", exc_info=error)
