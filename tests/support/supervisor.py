"""As much of Home Assistant's Supervisor as an add-on talks to: discovery, and Home Assistant behind /core, with the
add-on's token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "the-add-on's-token"


@dataclass
class FakeSupervisor:
    discovered: list[dict[str, Any]] = field(default_factory=list)
    refusals: int = 0
    """How many discoveries are still refused, as it does while it starts."""

    templates: int = 0


@asynccontextmanager
async def supervisor(host: str, port: int) -> AsyncIterator[FakeSupervisor]:
    fake = FakeSupervisor()

    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise web.HTTPUnauthorized
        answer: web.StreamResponse = await handler(request)
        return answer

    async def discovery(request: web.Request) -> web.Response:
        if fake.refusals:
            fake.refusals -= 1
            raise web.HTTPServiceUnavailable
        fake.discovered.append(await request.json())
        return web.json_response({"result": "ok", "data": {"uuid": "1"}})

    async def template(request: web.Request) -> web.Response:
        fake.templates += 1
        return web.Response(text='[{"id": "assist_satellite.kitchen", "name": "Kitchen", "area": null}]')

    async def config(request: web.Request) -> web.Response:
        return web.json_response({"language": "fr", "country": "FR"})

    app = web.Application(middlewares=[check])
    app.router.add_post("/discovery", discovery)
    app.router.add_post("/core/api/template", template)
    app.router.add_get("/core/api/config", config)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    try:
        yield fake
    finally:
        await runner.cleanup()
