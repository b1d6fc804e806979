"""A conversation with another Wyoming server of the house: what it sends is bounded, and its failures name it.

async with conversation("tcp://192.168.1.5:10300", "speech-to-text server", 60.0) as peer:
    await peer.write([Describe().event()])
    event = await peer.read()
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterable

from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe, Info

from koe.core.errors import EngineError, EngineTimeout, EngineUnavailable
from koe.settings import ListenAddress

CONNECT_SECONDS = 5.0

MALFORMED = (KeyError, TypeError, AttributeError, ValueError, RecursionError)
"""What the wyoming package raises for events that are none."""

_MOST_BYTES = 1024 * 1024
"""Of all that a server answers; a transcript has some thousands, a description some ten thousands."""

_MOST_CHARACTERS = 500
"""Of an error's text."""


class Peer:
    """The other end of one connection. After `EOFError` there is no more to read."""

    def __init__(self, uri: str, role: str, reader: "_BoundedReader", writer: asyncio.StreamWriter) -> None:
        self.uri, self._role, self._reader, self._writer = uri, role, reader, writer

    def __str__(self) -> str:
        return f"the {self._role} at {self.uri}"

    async def write(self, events: Iterable[Event]) -> None:
        for event in events:
            await async_write_event(event, self._writer)

    async def read(self) -> Event:
        """Raises EngineError with what the server says went wrong, EOFError where it has closed the connection."""
        try:
            event = await async_read_event(self._reader)
        except MALFORMED:
            event = None
        if event is None or not isinstance(event.data, dict):
            raise EngineError(f"what answers at {self.uri} is no Wyoming server")
        if Error.is_type(event.type):
            text = str(event.data.get("text", "it failed"))[:_MOST_CHARACTERS]
            raise EngineError(f"{self} says: {text}")
        return event

    async def describe(self) -> Info:
        """What it says of itself. Raises EngineError."""
        await self.write([Describe().event()])
        while not Info.is_type((event := await self.read()).type):
            pass
        return self.info(event)

    def info(self, description: Event) -> Info:
        try:
            return Info.from_event(description)
        except MALFORMED as error:
            raise self.unintelligible() from error

    def unintelligible(self) -> EngineError:
        return EngineError(f"{self} describes itself in a way nobody understands")


@contextlib.asynccontextmanager
async def conversation(uri: str, role: str, seconds: float) -> AsyncIterator[Peer]:
    """With the server there, for at most `seconds`; then, and when the connection breaks, it ends in an EngineError.

    `role`: what the server is, in words. Raises EngineUnavailable where nobody answers, ValueError where `uri` is none.
    """
    name = f"the {role} at {uri}"
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await _connect(uri, role)
            try:
                yield Peer(uri, role, reader, writer)
            finally:
                # Not closed, for that would wait for a server that reads no more.
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError as error:
        raise EngineTimeout(f"{name} did not answer within {seconds:g} seconds") from error
    except _TooMuch as error:
        raise EngineError(f"{name} sends more than {_MOST_BYTES} bytes") from error
    except EOFError as error:
        raise EngineError(f"{name} closed the connection without an answer") from error
    except OSError as error:
        raise EngineError(f"the connection to {name} broke: {_reason(error)}") from error


async def _connect(uri: str, role: str) -> "tuple[_BoundedReader, asyncio.StreamWriter]":
    address = ListenAddress.parse(uri)
    if address.every_address:
        raise ValueError(f"{uri}: name the server, such as tcp://192.168.1.5:{address.port}")
    loop, reader = asyncio.get_running_loop(), _BoundedReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport: asyncio.WriteTransport
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if address.kind == "unix":
                transport, _ = await loop.create_unix_connection(lambda: protocol, address.path)
            else:
                transport, _ = await loop.create_connection(lambda: protocol, address.host, address.port)
    except OSError as error:
        raise EngineUnavailable(f"no {role} answers at {uri} ({_reason(error)}): is it running?") from error
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _reason(error: OSError) -> str:
    if error.errno is None:
        return str(error) or "no answer in time"
    # The text of asyncio's own errors only repeats the address.
    return str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)


class _TooMuch(Exception):
    """More than _MOST_BYTES."""


class _BoundedReader(asyncio.StreamReader):
    """For the wyoming package, which would keep as much as a server cares to send. EOFError where there is no more."""

    def __init__(self) -> None:
        super().__init__(limit=_MOST_BYTES)
        self._left = _MOST_BYTES

    async def readline(self) -> bytes:
        try:
            line = await super().readline()
        except ValueError as error:
            raise _TooMuch from error
        if not line:
            raise EOFError
        return self._spent(line)

    async def readexactly(self, n: int) -> bytes:
        if n > self._left:
            raise _TooMuch
        return self._spent(await super().readexactly(n))

    def _spent(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuch
        return data
