"""An answer that leaves while it is made, and ends well only where what it tells is whole."""

import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import HttpVersion11, web


class Outflow:
    """`write`: the head of the answer leaves with the first bytes. Who doesn't read for http.write_timeout is taken for
    gone by the server, which then cancels the handler or lets `write` fail."""

    def __init__(self, request: web.Request, content_type: str) -> None:
        self._request = request
        self.response = web.StreamResponse()
        self.response.content_type = content_type

    @property
    def begun(self) -> bool:
        """Whether it is too late for an answer that tells of a failure."""
        return self.response.prepared

    async def write(self, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """`headers`: for the case that these are the first bytes. Raises ConnectionError where the client has left."""
        if not data:
            return
        if not self.begun:
            # X-Accel-Buffering: a proxy that collects it first would undo what streaming is for.
            self.response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no", **(headers or {})})
            await self.response.prepare(self._request)
        await self.response.write(data)

    def break_off(self) -> None:
        """The server closes the connection after a failure. In HTTP/1.0 that is also how a good answer ends, so there
        it has to be reset."""
        transport = self._request.transport
        connection = transport.get_extra_info("socket") if transport is not None else None
        if self.begun and self._request.version < HttpVersion11 and connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@asynccontextmanager
async def outflow(request: web.Request, content_type: str) -> AsyncIterator[Outflow]:
    """What fails before the first bytes becomes an answer of its own; what fails after them breaks the connection."""
    out = Outflow(request, content_type)
    try:
        yield out
        await out.response.write_eof()
    except BaseException:
        out.break_off()
        raise
