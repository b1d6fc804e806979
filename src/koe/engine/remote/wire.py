"""The way to one server. Nobody else is ever asked: its address is that of the settings, redirects are not followed."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from koe.engine.remote.dialect import Body
from koe.engine.remote.failures import ServerFailure, Why
from koe.engine.remote.refusals import refusal
from koe.settings.schema.remote import RemoteServer, RemoteSettings

_Model = TypeVar("_Model", bound=BaseModel)

_MOST_LISTED = 4 * 1024 * 1024
_MOST_KEY = 4096
_MOST_MESSAGE = 16 * 1024 * 1024
_GREETING_SECONDS = 5.0
_HEARTBEAT = 15.0
"""Seconds between two pings; a server that is gone without a word is found by them."""

_FAREWELL_SECONDS = 1.0


def open_session(settings: RemoteSettings) -> aiohttp.ClientSession:
    """One pool of connections for all servers. To be called in the event loop, and closed by whoever called."""
    return aiohttp.ClientSession(
        # How many requests there are at the same time is the fleet's matter.
        connector=aiohttp.TCPConnector(limit=0),
        # Each request has deadlines of its own.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class Wire:
    """What goes wrong comes as ServerFailure."""

    def __init__(self, server: RemoteServer, session: aiohttp.ClientSession, data_dir: Path) -> None:
        """`data_dir`: where relative names of key files begin."""
        self._url, self._session = server.url, session
        self._key = server.api_key.get_secret_value() if server.api_key is not None else ""
        self._key_file = data_dir / server.api_key_file if server.api_key_file is not None else None

    async def read_key(self) -> None:
        """The file's of now."""
        if self._key_file is None:
            return
        try:
            content = await asyncio.to_thread(_beginning, self._key_file)
            self._key = content.decode("ascii").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it holds no plain text"
            raise ServerFailure(Why.LOCKED, f"its key in {self._key_file} can't be read: {reason}") from error

    async def check_ready(self) -> None:
        """By whichever of the two it has."""
        for path in ("/ready", "/health"):
            async with self.asked("GET", path) as response:
                if response.status == 200:
                    return
                if response.status not in (401, 403, 404, 405):
                    raise await refusal(response)

    async def told(self, path: str, model: type[_Model]) -> _Model:
        """An empty one where it has no such path."""
        async with self.asked("GET", path) as response:
            if response.status in (404, 405):
                return model()
            if response.status != 200:
                raise await refusal(response)
            try:
                return model.model_validate_json(await _limited(response))
            except ValidationError as error:
                raise ServerFailure(Why.REFUSED, f"its answer to {path} can't be understood") from error

    @asynccontextmanager
    async def answered(self, path: str, body: Body, seconds: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer, whose head came within so many seconds."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(seconds):
                    response = await stack.enter_async_context(self.asked("POST", path, json=body))
                    if response.status != 200:
                        raise await refusal(response)
            except TimeoutError:
                raise ServerFailure(Why.BROKEN, f"it gave no answer within {seconds:g} seconds") from None
            yield response

    @asynccontextmanager
    async def asked(self, method: str, path: str, **content: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response = await self._request(method, path, content)
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(error) from error
        try:
            yield response
        except (aiohttp.ClientError, OSError) as error:
            raise ServerFailure(Why.BROKEN, f"its answer broke off ({type(error).__name__})") from error
        finally:
            # Where it wasn't read to its end, this closes the connection, and the server stops.
            response.release()

    async def _request(self, method: str, path: str, content: dict[str, Any]) -> aiohttp.ClientResponse:
        how = {"headers": self._headers(), "allow_redirects": False, **content}
        try:
            return await self._session.request(method, self._url + path, **how)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # A connection that was kept may have been closed from the other side in this moment. Forms go only once.
            if "data" in content:
                raise
            return await self._session.request(method, self._url + path, **how)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """For live text. NOT_HERE where it has none."""
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                socket = await self._session.ws_connect(
                    f"{self._url}/v1/audio/speech/stream",
                    headers=self._headers(),
                    timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL_SECONDS),
                    heartbeat=_HEARTBEAT,
                    max_msg_size=_MOST_MESSAGE,
                )
        except aiohttp.WSServerHandshakeError as error:
            why = Why.BROKEN if error.status >= 500 else Why.NOT_HERE
            raise ServerFailure(why, f"it takes no live text ({error.status})") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(error) from error
        try:
            yield socket
        except (aiohttp.ClientError, OSError) as error:
            raise ServerFailure(Why.BROKEN, f"the connection to it broke ({type(error).__name__})") from error
        finally:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await socket.close()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}


def _unreachable(error: BaseException) -> ServerFailure:
    if isinstance(error, aiohttp.ClientSSLError):
        return ServerFailure(Why.UNREACHABLE, "its certificate can't be trusted")
    return ServerFailure(Why.UNREACHABLE, f"it can't be reached ({_reason(error)})")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)
    # What resolves names has numbers of its own.
    return getattr(error, "strerror", None) or type(error).__name__


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MOST_LISTED:
            raise ServerFailure(Why.REFUSED, "its list is too long")
    return bytes(body)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_KEY)
