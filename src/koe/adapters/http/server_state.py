"""What a request may know of the server that it has come to."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class ServerState:
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as the server is to stop: whoever only waits for its client (a WebSocket between two utterances)
    takes its leave; what is being spoken has some seconds left."""


STATE = web.AppKey("state", ServerState)
"""`request.app[STATE]`"""
