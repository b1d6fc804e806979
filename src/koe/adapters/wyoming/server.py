"""Accepts connections within limits, and stops in order."""

import asyncio
import itertools
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from koe.adapters.sockets import open_socket, uri_of
from koe.adapters.wyoming.connection import Connection
from koe.adapters.wyoming.info import InfoPage
from koe.core.errors import Busy, ShuttingDown
from koe.settings import WyomingSettings
from koe.speech import Speaker
from koe.speech.telling import Unwatched, Watch

_log = logging.getLogger(__name__)

_LEAVING_SECONDS = 5.0
_TURNS_OF_AN_ACCEPT = 4


class WyomingServer:
    def __init__(self, speaker: Speaker, settings: WyomingSettings, name: str, watch: Watch | None = None) -> None:
        """`name` is what Home Assistant shows; `watch` counts what is spoken."""
        self._speaker, self._settings, self._watch = speaker, settings, watch or Unwatched()
        self._info = InfoPage(name, speaker.voices)
        self._servers: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []
        self._open: dict[Connection, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    @property
    def uris(self) -> Sequence[str]:
        """Where it listens, such as `tcp://*:10210`."""
        return [uri_of(listening) for listening in self._sockets]

    @property
    def connections(self) -> int:
        return len(self._open)

    async def start(self) -> None:
        """Listen on every address, or on none. Raises SettingsError."""
        try:
            for address in self._settings.listen:
                self._sockets.append(open_socket(address))
        except BaseException:
            self._close_sockets()
            raise
        for listening in self._sockets:
            start = asyncio.start_unix_server if listening.family == socket.AF_UNIX else asyncio.start_server
            self._servers.append(await start(self._accept, sock=listening))

    async def stop(self, grace: float) -> None:
        """No new connections; what is being spoken may go on for `grace` seconds, then gets an error."""
        self._close_sockets()
        # A connection that the loop is just accepting shows up some turns of the loop later.
        for _ in range(_TURNS_OF_AN_ACCEPT):
            await asyncio.sleep(0)
        for connection in list(self._open):
            connection.finish_up()
        await self._wait(grace)
        for connection in list(self._open):
            connection.end(ShuttingDown("the server is stopping"))
        await self._wait(_LEAVING_SECONDS)

    def _close_sockets(self) -> None:
        for listening in self._sockets:
            if listening.family == socket.AF_UNIX:
                Path(listening.getsockname()).unlink(missing_ok=True)
        for server in self._servers:
            server.close()
        for listening in self._sockets:
            listening.close()
        self._servers, self._sockets = [], []

    async def _wait(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = _peer(writer)
        name = f"w{next(self._numbers)}"
        connection = Connection(name, reader, writer, self._speaker, self._settings, self._info.encoded, self._watch)
        refusal = self._make_room(address)
        self._open[connection] = address
        if refusal is not None:
            connection.end(refusal)
        try:
            await connection.run()
        finally:
            self._open.pop(connection, None)

    def _make_room(self, address: str) -> Busy | None:
        """Where the limits are reached, whoever has been idle longest goes: connections that only lie open can't lock
        out those who have something to say."""
        settings = self._settings
        neighbours = [connection for connection, peer in self._open.items() if peer == address]
        crowd = self._evict(neighbours, settings.max_connections_per_address, f"connections from {address}")
        return crowd or self._evict(list(self._open), settings.max_connections, "connections")

    def _evict(self, candidates: list[Connection], limit: int, what: str) -> Busy | None:
        """Those that are refused or take their leave are idle, too: they go, but make no place for others."""
        if len(candidates) < limit:
            return None
        idle = [(since, connection) for connection in candidates if (since := connection.idle_since) is not None]
        if idle:
            _, longest = min(idle, key=lambda pair: pair[0])
            self._open.pop(longest, None)
            longest.drop()
            _log.debug("%d %s: the one that was idle longest was closed", len(candidates), what)
        in_use = len(candidates) - len(idle)
        return Busy(f"all {in_use} {what} are in use: try again later") if in_use >= limit else None


def _peer(writer: asyncio.StreamWriter) -> str:
    """The client's address; the clients of a unix socket share one."""
    peer = writer.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return "unix"
    return str(peer[0]).removeprefix("::ffff:")
