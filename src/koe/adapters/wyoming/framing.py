"""Wyoming events to and from bytes, within limits.

An event is one line of JSON, then `data_length` bytes of JSON, then `payload_length` bytes. The wyoming package reads
that without bounds; a server on a LAN can't.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wyoming import __version__ as protocol_version
from wyoming.event import Event

from koe.core.errors import LimitExceeded, MalformedInput

_BYTES_PER_VALUE = 16
"""On average, of the largest event allowed: a million empty lists would keep the event loop busy for too long."""


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Bytes, and levels of JSON."""

    max_header_bytes: int
    max_data_bytes: int
    max_payload_bytes: int
    max_nesting: int


@dataclass(slots=True)
class _Header:
    type: str
    data: dict[str, Any]
    data_length: int
    payload_length: int


class EventReader:
    """Bytes in, events out; what it holds is bounded by the limits. After an error it must not be used again."""

    def __init__(self, limits: FrameLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        self._header: _Header | None = None

    @property
    def in_the_middle(self) -> bool:
        """Whether an event has begun and is not complete."""
        return bool(self._buffer) or self._header is not None

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that are complete now. Raises MalformedInput, LimitExceeded."""
        self._buffer += data
        while (event := self._next()) is not None:
            yield event

    def _next(self) -> Event | None:
        if self._header is None:
            line = self._take_line()
            if line is None:
                return None
            self._header = self._parse_header(line)
        header = self._header
        if len(self._buffer) < header.data_length + header.payload_length:
            return None
        self._header = None
        if header.data_length:
            header.data.update(self._parse_object(self._take(header.data_length), "the data of an event"))
        payload = self._take(header.payload_length) if header.payload_length else None
        return Event(header.type, header.data, payload)

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _take_line(self) -> bytes | None:
        limit = self._limits.max_header_bytes
        # Each byte is searched once, also when a line arrives byte by byte.
        end = self._buffer.find(b"\n", self._searched, limit + 1)
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > limit:
                raise LimitExceeded(f"the header of an event is longer than {limit} bytes")
            return None
        self._searched = 0
        line = self._take(end)
        del self._buffer[:1]
        return line

    def _parse_header(self, line: bytes) -> _Header:
        header = self._parse_object(line, "the header of an event")
        event_type, data = header.get("type"), header.get("data")
        if not isinstance(event_type, str):
            raise MalformedInput("the header of an event needs a `type` that is a string")
        if data is not None and not isinstance(data, dict):
            raise MalformedInput(f"the `data` of {_shown(event_type)} must be an object")
        return _Header(
            event_type,
            data or {},
            _length(header, "data_length", self._limits.max_data_bytes),
            _length(header, "payload_length", self._limits.max_payload_bytes),
        )

    def _parse_object(self, encoded: bytes, what: str) -> dict[str, Any]:
        try:
            text = encoded.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedInput(f"{what} is not UTF-8 (byte {error.start})") from None
        if sum(map(encoded.count, (b",", b"[", b"{"))) > self._limits.max_data_bytes // _BYTES_PER_VALUE:
            raise LimitExceeded(f"{what} holds too many values")
        too_deep = LimitExceeded(f"{what} is nested deeper than {self._limits.max_nesting} levels")
        try:
            value = json.loads(text)
        except ValueError as error:
            raise MalformedInput(f"{what} is not JSON ({error})") from None
        except RecursionError:
            raise too_deep from None
        if not isinstance(value, dict):
            raise MalformedInput(f"{what} must be a JSON object")
        if _is_deeper(value, self._limits.max_nesting):
            raise too_deep
        return value


def _length(header: dict[str, Any], key: str, limit: int) -> int:
    length = header.get(key)
    if length is None:
        return 0
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise MalformedInput(f"`{key}` must be a whole number of bytes, not {_shown(length)}")
    if length > limit:
        raise LimitExceeded(f"`{key}` is {_shown(length)}, more than the {limit} bytes allowed")
    return length


def _is_deeper(value: object, levels: int) -> bool:
    containers: list[Any] = [value]
    for _ in range(levels):
        inner = (item for c in containers for item in (c.values() if isinstance(c, dict) else c))
        containers = [item for item in inner if isinstance(item, dict | list)]
        if not containers:
            return False
    return True


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def encode(event: Event) -> bytes:
    """An event as the wyoming package writes it."""
    header: dict[str, Any] = {"type": event.type, "version": protocol_version}
    data = json.dumps(event.data, ensure_ascii=False).encode() if event.data else b""
    payload = event.payload or b""
    if data:
        header["data_length"] = len(data)
    if payload:
        header["payload_length"] = len(payload)
    return b"".join((json.dumps(header).encode(), b"\n", data, payload))
