"""One client's connection, as aiohttp serves it, with an eye on those who stop reading."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from koe.adapters.http.errors import HttpError, error_answer
from koe.adapters.http.security import address_of
from koe.adapters.http.security_headers import add_headers
from koe.core.errors import KoeError

_log = logging.getLogger(__name__)

_SLOWEST = 1024
"""Bytes a second that a listener has to take, once it has kept the server waiting."""


class Connection(web.RequestHandler):
    """Nothing is buffered beyond what the kernel takes, so an unread byte shows at once: whoever leaves it there for
    `write_timeout` seconds has gone, or wants to keep the server busy."""

    def __init__(
        self,
        manager: web.Server,
        *,
        write_timeout: float,
        refuse: "Callable[[Connection], asyncio.Protocol | None]",
        on_quiet: "Callable[[Connection], None]",
        **options: Any,
    ) -> None:
        """`refuse`: who takes over where there is no place for it; `on_quiet`: called when a request has been answered
        to its last byte, and when the client leaves."""
        super().__init__(manager, **options)
        self._write_timeout, self._refuse, self._on_quiet = write_timeout, refuse, on_quiet
        self.address = ""
        """Of the client."""
        self.quiet_since = asyncio.get_running_loop().time()
        self.leaving = False
        self.template = ""
        """The path of the request at hand, as its endpoint has it."""
        self._stalled: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        self.address = address_of(transport)
        if (refusal := self._refuse(self)) is not None:
            transport.set_protocol(refusal)
            refusal.connection_made(transport)
            return
        self._wire.set_write_buffer_limits(high=0)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.leaving = True
        self._listens()
        self._on_quiet(self)
        super().connection_lost(exc)

    def log_access(self, request: web.BaseRequest, response: web.StreamResponse, time: float | None) -> None:
        super().log_access(request, response, time)
        self.template = ""
        self.quiet_since = asyncio.get_running_loop().time()
        self._on_quiet(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        self._listens()
        super().resume_writing()

    def abort(self) -> None:
        """End it now; what was not sent is lost."""
        self.leaving = True
        if self._wire is not None:
            self._wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """For what never reached the application: bytes that are no HTTP."""
        if request.writer.output_size > 0:
            raise ConnectionResetError("an answer is already on its way")
        words, code = "these bytes are no HTTP request that can be understood", "malformed-input"
        if status >= 500:
            _log.error("unexpected failure on a connection", exc_info=exc)
            words, code = "an unexpected failure; the server's log has the details", KoeError.code
        answer = error_answer(HttpError(status, words, code=code))
        add_headers(answer)
        answer.force_close()
        return answer

    def _listens(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _look_again(self) -> None:
        """A large answer over a thin line is fine as long as it moves."""
        self._unsent = self._wire.get_write_buffer_size() if self._wire is not None else 0
        self._stalled = asyncio.get_running_loop().call_later(self._write_timeout, self._look)

    def _look(self) -> None:
        if self._wire is None:
            return
        taken = self._unsent - self._wire.get_write_buffer_size()
        if taken >= self._write_timeout * _SLOWEST:
            self._look_again()
            return
        _log.debug("a client took only %d bytes in %g s: given up", max(0, taken), self._write_timeout)
        self._wire.abort()
