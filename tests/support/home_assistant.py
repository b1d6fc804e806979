"""As much of Home Assistant as an announcement needs: its template and service endpoints, behind a token."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "a-long-lived-access-token"

KITCHEN = {"id": "assist_satellite.kitchen", "name": "Kitchen", "area": "Downstairs"}
HALL = {"id": "assist_satellite.hall", "name": "Hall", "area": "Downstairs"}
BATH = {"id": "assist_satellite.bath", "name": "Bath", "area": None}


@dataclass
class FakeHomeAssistant:
    url: str
    rooms: str = field(default_factory=lambda: json.dumps([KITCHEN, HALL, BATH]))
    """What the template gives."""

    templates: list[str] = field(default_factory=list)
    announced: list[dict[str, Any]] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    """Entities whose announcements fail."""


@asynccontextmanager
async def home_assistant() -> AsyncIterator[FakeHomeAssistant]:
    fake = FakeHomeAssistant("")

    def check(request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise web.HTTPUnauthorized

    async def template(request: web.Request) -> web.Response:
        check(request)
        fake.templates.append((await request.json())["template"])
        return web.Response(text=fake.rooms)

    async def announce(request: web.Request) -> web.Response:
        check(request)
        data = await request.json()
        if data["entity_id"] in fake.failing:
            raise web.HTTPInternalServerError
        fake.announced.append(data)
        return web.json_response([])

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/api/template")

    app = web.Application()
    app.router.add_post("/api/template", template)
    app.router.add_post("/moved/api/template", elsewhere)
    app.router.add_post("/api/services/assist_satellite/announce", announce)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
