"""Bodies within limits: of size, and of patience."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar, cast

from aiohttp import web
from aiohttp.streams import EmptyStreamReader, StreamReader

from koe.adapters.http.errors import HttpError

_T = TypeVar("_T")

_SLOWEST = 1024
"""Bytes a second: a body that comes by single bytes is given up, though it never pauses."""


class GuardedBody:
    """A request's body as handlers read it: it ends with an HttpError where it grows too large or comes too slowly.

    It stands in for aiohttp's StreamReader, whose own limits don't reach those who read in pieces.
    """

    def __init__(self, stream: StreamReader) -> None:
        self._stream = stream
        self._limit: int | None = None
        self._patience: float | None = None
        self._waited = 0.0

    def guard(self, limit: int, patience: float) -> None:
        """`limit` in bytes; `patience`: seconds of silence."""
        self._limit, self._patience = limit, patience

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def set_read_chunk_size(self, n: int) -> None:
        """aiohttp would buffer as much as the largest upload; the size that it has keeps memory small."""

    async def read(self, n: int = -1) -> bytes:
        if n >= 0:
            return await self._guarded(self._stream.read(n))
        pieces = []
        while piece := await self.readany():
            pieces.append(piece)
        return b"".join(pieces)

    async def readany(self) -> bytes:
        return await self._guarded(self._stream.readany())

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        return await self._guarded(self._stream.readline(max_line_length=max_line_length))

    async def readchunk(self) -> tuple[bytes, bool]:
        return await self._guarded(self._stream.readchunk())

    async def readexactly(self, n: int) -> bytes:
        return await self._guarded(self._stream.readexactly(n))

    async def readuntil(self, separator: bytes = b"\n", *, max_size: int | None = None) -> bytes:
        return await self._guarded(self._stream.readuntil(separator, max_size=max_size))

    async def iter_any(self) -> AsyncIterator[bytes]:
        while data := await self.readany():
            yield data

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        while data := await self.read(n):
            yield data

    async def _guarded(self, reading: Awaitable[_T]) -> _T:
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            async with asyncio.timeout(self._remaining()):
                data = await reading
        except TimeoutError:
            raise HttpError(
                408, "the body came too slowly (setting http.idle_timeout)", code="deadline-exceeded"
            ) from None
        self._waited += clock() - begun
        if self._limit is not None and self._stream.total_bytes > self._limit:
            raise too_large(self._limit)
        return data

    def _remaining(self) -> float | None:
        if self._patience is None:
            return None
        earned = self._stream.total_bytes / _SLOWEST
        return max(0.0, min(self._patience, self._patience + earned - self._waited))


def guarded(stream: StreamReader) -> StreamReader:
    """A body to be limited as soon as it is known whose it is."""
    return stream if isinstance(stream, EmptyStreamReader) else cast(StreamReader, GuardedBody(stream))


def limit_body(request: web.Request, limit: int, patience: float) -> None:
    """Raises HttpError at once where the request itself says that it is too large, or that it is compressed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HttpError(415, "send the body as it is, without Content-Encoding", code="unsupported-media-type")
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    if isinstance(body := cast(object, request.content), GuardedBody):
        body.guard(limit, patience)


def too_large(limit: int) -> HttpError:
    return HttpError(413, f"the body is larger than the {limit} bytes that are taken here", code="limit-exceeded")
