"""A reverse proxy, as people put one before Koe: under a path of its own, and telling whom it asks for."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import web

_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding", "accept-encoding"}


@contextmanager
def reverse_proxy(target: str, path: str) -> Iterator[str]:
    """Where it listens, with the path, from here to the end of the block; in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner: web.AppRunner | None = None
    try:
        runner, url = asyncio.run_coroutine_threadsafe(_start(target, path), loop).result(10)
        yield url
    finally:
        if runner is not None:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(target: str, path: str) -> tuple[web.AppRunner, str]:
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
    return runner, f"http://{host}:{port}{path}"
