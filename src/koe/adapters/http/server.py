"""The HTTP server: builds the application of its endpoints, listens within limits, and stops in order."""

import asyncio
import itertools
import logging
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader

from koe.adapters.http import health, metrics, openapi, page_files, security
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.limits import guarded
from koe.adapters.http.metrics import METRICS, Metrics
from koe.adapters.http.openapi import DOCUMENT
from koe.adapters.http.security import GATE, Gate, Trust
from koe.adapters.http.security_headers import add_headers
from koe.adapters.http.security_sessions import sessions_path
from koe.adapters.http.server_connection import Connection
from koe.adapters.http.server_log import RequestLog
from koe.adapters.http.server_places import Places
from koe.adapters.http.server_requests import Requests, expected_later
from koe.adapters.http.server_state import STATE, ServerState
from koe.adapters.sockets import open_socket, uri_of
from koe.core.errors import SettingsError
from koe.logs import current_request
from koe.settings.schema.http import HttpSettings

_log = logging.getLogger(__name__)

_LINGER = 2.0
"""Seconds for which the rest of a refused body is swallowed, so that its sender gets to read the refusal."""

_HANDSHAKE = 10.0
"""Seconds for that of https: who doesn't come through has no place yet, and isn't counted."""

_LEAVING_SECONDS = 5.0
_TURNS_OF_AN_ACCEPT = 4


class HttpServer:
    """Besides `endpoints` it serves the page, /health, /ready, /metrics, /openapi.json, /docs and /api/session."""

    def __init__(
        self,
        house: House,
        endpoints: Sequence[Endpoint],
        settings: HttpSettings,
        token: str | None,
        *,
        metrics: Metrics | None = None,
        trust: Trust | None = None,
    ) -> None:
        """`metrics`: those of the whole house; `trust`: which addresses need no token."""
        self._settings = settings
        self._state = ServerState()
        sessions = sessions_path(house.loaded.data_dir) if token is not None else None
        self._gate = Gate(settings, token, trust=trust, sessions=sessions)
        self._endpoints = (*endpoints, *_own_endpoints())
        self._requests = Requests(self._gate, settings, self._state)
        self._places = Places(settings, self._gate, lambda: self._manager.connections, self._requests.busy)
        self._app = self._application(house, metrics or Metrics())
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []
        self._tls: ssl.SSLContext | None = None

    @property
    def app(self) -> web.Application:
        """Before `start`, more may be put into it: what handlers look for, and what begins and ends with it."""
        return self._app

    @property
    def uris(self) -> Sequence[str]:
        """Where it listens, such as `http://127.0.0.1:10211`, `https://*:10211` or `unix:///run/koe-http.sock`."""
        scheme = "https" if self._tls is not None else "http"
        return [uri.replace("tcp://", f"{scheme}://", 1) for uri in self.listening]

    @property
    def listening(self) -> Sequence[str]:
        """The same as the settings write it: `tcp://127.0.0.1:10211`."""
        return [uri_of(each) for each in self._sockets]

    @property
    def connections(self) -> int:
        server = self._runner.server if self._runner is not None else None
        return len(server.connections) if server is not None else 0

    @property
    def busy(self) -> int:
        """Requests that are being answered."""
        return self._requests.running

    async def start(self) -> None:
        """Listen on every address, or on none. Raises SettingsError."""
        self._tls = tls_context(self._settings)
        try:
            for address in self._settings.listen:
                self._sockets.append(open_socket(address, "the setting http.listen"))
        except BaseException:
            self._close_sockets()
            raise
        self._runner = web.AppRunner(
            self._app,
            access_log_class=RequestLog,
            handler_cancellation=True,
            shutdown_timeout=_LEAVING_SECONDS,
        )
        await self._runner.setup()
        manager = self._manager
        make = manager.request_factory

        def with_guarded_body(
            message: RawRequestMessage,
            payload: StreamReader,
            protocol: web.RequestHandler,
            writer: AbstractStreamWriter,
            task: "asyncio.Task[None]",
        ) -> web.BaseRequest:
            return make(message, guarded(payload), protocol, writer, task)

        manager.request_factory = with_guarded_body
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            if listening.family == socket.AF_UNIX:
                server = await loop.create_unix_server(self._accept, sock=listening)
            else:
                patience = min(self._settings.idle_timeout, _HANDSHAKE) if self._tls is not None else None
                server = await loop.create_server(
                    self._accept, sock=listening, ssl=self._tls, ssl_handshake_timeout=patience
                )
            self._servers.append(server)

    async def stop(self, grace: float) -> None:
        """No new requests; those under way may go on for `grace` seconds, then they end."""
        self._close_sockets()
        if self._runner is None or self._state.stopping.is_set():
            return
        self._state.stopping.set()
        # A connection that the loop is just accepting shows up some turns of the loop later.
        for _ in range(_TURNS_OF_AN_ACCEPT):
            await asyncio.sleep(0)
        for connection in self._manager.connections:
            # One that is being answered may still have to send its body.
            if isinstance(connection, Connection) and not self._requests.busy(connection):
                connection.close()
        await self._requests.over(grace)
        self._requests.cancel()
        await self._requests.over(_LEAVING_SECONDS)
        runner, self._runner = self._runner, None
        await runner.cleanup()

    @property
    def _manager(self) -> web.Server:
        server = self._runner.server if self._runner is not None else None
        if server is None:
            raise RuntimeError("the server has not been started")
        return server

    def _application(self, house: House, metrics: Metrics) -> web.Application:
        app = web.Application(
            middlewares=[self._requests.middleware],
            client_max_size=max(self._settings.max_upload_bytes, self._settings.max_body_bytes),
        )
        app[HOUSE], app[METRICS], app[GATE], app[STATE] = house, metrics, self._gate, self._state
        app[DOCUMENT] = openapi.document(self._endpoints)
        for endpoint in self._endpoints:
            for method in openapi.methods(endpoint):
                route = app.router.add_route(method, endpoint.path, endpoint.handler, expect_handler=expected_later)
                self._requests.know(route, endpoint)
        app.on_response_prepare.append(self._on_prepare)
        return app

    async def _on_prepare(self, request: web.Request, answer: web.StreamResponse) -> None:
        add_headers(answer)
        answer.headers["X-Request-Id"] = current_request.get()
        if self._state.stopping.is_set():
            answer.force_close()

    def _accept(self) -> asyncio.Protocol:
        """A protocol for a connection that has just come."""
        patience = self._settings.idle_timeout
        return Connection(
            self._manager,
            write_timeout=self._settings.write_timeout,
            refuse=self._places.refuse,
            on_quiet=self._requests.ended,
            loop=asyncio.get_running_loop(),
            access_log_class=RequestLog,
            access_log=_log,
            keepalive_timeout=patience,
            lingering_time=min(patience, _LINGER),
            auto_decompress=False,
        )

    def _close_sockets(self) -> None:
        for listening in self._sockets:
            if listening.family == socket.AF_UNIX:
                Path(listening.getsockname()).unlink(missing_ok=True)
        for server in self._servers:
            server.close()
        for listening in self._sockets:
            listening.close()
        self._servers, self._sockets = [], []


def tls_context(settings: HttpSettings) -> ssl.SSLContext | None:
    """None without a certificate. Raises SettingsError."""
    if settings.certificate is None:
        if settings.key is not None:
            raise SettingsError("http.key is set without http.certificate: https needs both")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"https can't be offered with http.certificate {settings.certificate} and http.key "
            f"{settings.key or '(none)'}: {error}. Name PEM files of a certificate and its key, without a password"
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _own_endpoints() -> Sequence[Endpoint]:
    chapters = (
        health.endpoints(),
        metrics.endpoints(),
        openapi.endpoints(),
        security.endpoints(),
        page_files.endpoints(),
    )
    return list(itertools.chain.from_iterable(chapters))
