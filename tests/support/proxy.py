"""A reverse proxy, as people put one before Koe: under a path of its own, and telling whom it asks for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from aiohttp import web

from tests.support.background import in_background

_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding", "accept-encoding"}


@contextmanager
def reverse_proxy(target: str, path: str) -> Iterator[str]:
    """Where it listens, with the path, from here to the end of the block; in a thread of its own."""
    with in_background(_proxy(target, path)) as url:
        yield url


@asynccontextmanager
async def _proxy(target: str, path: str) -> AsyncIterator[str]:
    async def forward(request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers |= {"Host": request.host, "X-Forwarded-For": "192.168.1.20"}
        url = target + request.raw_path.removeprefix(path)
        body = await request.read()
        async with (
            aiohttp.ClientSession(auto_decompress=True) as client,
            client.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer,
        ):
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
            response = web.StreamResponse(status=answer.status)
            for name, value in kept:
                response.headers.add(name, value)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    app = web.Application()
    app.router.add_route("*", f"{path}/{{rest:.*}}", forward)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}{path}"
    finally:
        await runner.cleanup()
