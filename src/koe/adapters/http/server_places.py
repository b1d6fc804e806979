"""Who gets a connection: so many in all, and so many from one address."""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import cast

from koe.adapters.http.errors import RETRY_AFTER, HttpError, error_answer
from koe.adapters.http.limits_rate import neighbourhood
from koe.adapters.http.security import Gate
from koe.adapters.http.security_headers import add_headers
from koe.adapters.http.server_connection import Connection
from koe.core.errors import Busy
from koe.settings.schema.http import HttpSettings

_LINGER = 2.0
"""Seconds in which whoever is refused may ask, to be told so."""

_TOLD = 64
"""Clients that are refused with words at the same time; more are cut off."""


class Places:
    def __init__(
        self,
        settings: HttpSettings,
        gate: Gate,
        connections: Callable[[], Iterable[object]],
        busy: Callable[[Connection], bool],
    ) -> None:
        """`connections`: those that have a place; `busy`: whether one of them is being answered."""
        self._settings, self._gate = settings, gate
        self._connections, self._busy = connections, busy
        self._refusals: set[Refusal] = set()

    def refuse(self, newcomer: Connection) -> asyncio.Protocol | None:
        """Who takes over where there is no place for it."""
        settings = self._settings
        there = [each for each in self._connections() if isinstance(each, Connection)]
        if not self._gate.stands_for_many(newcomer.address):
            who = neighbourhood(newcomer.address)
            neighbours = [each for each in there if neighbourhood(each.address) == who]
            if not self._make_room(neighbours, settings.max_connections_per_address):
                return self._refusal(429, "all connections of your address (setting http.max_connections_per_address)")
        if not self._make_room(there, settings.max_connections):
            return self._refusal(503, "all connections")
        return None

    def _make_room(self, there: Iterable[Connection], limit: int) -> bool:
        """Where all places are taken, whoever has been idle longest goes: connections that only lie open can't lock
        out those who have something to ask."""
        staying = [each for each in there if not each.leaving]
        if len(staying) < limit:
            return True
        idle = [each for each in staying if not self._busy(each)]
        if idle:
            min(idle, key=lambda each: each.quiet_since).abort()
        return bool(idle)

    def _refusal(self, status: int, what: str) -> "Refusal":
        # Nobody may keep the server by being refused, either.
        patience = min(self._settings.idle_timeout, _LINGER) if len(self._refusals) < _TOLD else 0.0
        reason = HttpError(status, f"{what} are in use: try again later", code=Busy.code, retry_after=RETRY_AFTER)
        refusal = Refusal(reason, patience, self._refusals.discard)
        self._refusals.add(refusal)
        return refusal


class Refusal(asyncio.Protocol):
    """Tells a client, once it has asked, why there is no place for it."""

    def __init__(self, reason: HttpError, patience: float, on_end: "Callable[[Refusal], None]") -> None:
        self._reason, self._patience, self._on_end = reason, patience, on_end
        self._transport: asyncio.Transport | None = None
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._end = asyncio.get_running_loop().call_later(self._patience, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_as_bytes(self._reason))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        self._on_end(self)


def _as_bytes(reason: HttpError) -> bytes:
    answer = error_answer(reason)
    add_headers(answer)
    body = answer.body
    text = body if isinstance(body, bytes) else b""
    headers = {**answer.headers, "Content-Length": str(len(text)), "Connection": "close"}
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + text
