"""Server-sent events while they arrive, as the WHATWG defines their stream."""

import re
from dataclasses import dataclass

MAX_EVENT_BYTES = 8 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r(?!$)")
"""A carriage return at the end may be half of a line end."""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: str


class EventReader:
    """`feed` the bytes as they come, cut anywhere. Raises ValueError for an event that grows without end."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Event]:
        *lines, self._rest = _LINE_END.split(self._rest + data)
        self._size += len(data)
        events = [event for line in lines if (event := self._line(line)) is not None]
        if self._size > MAX_EVENT_BYTES:
            raise ValueError("an event that doesn't end")
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            event = Event(self._name, "\n".join(self._data)) if self._data else None
            self._name, self._data, self._size = "", [], len(self._rest)
            return event
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        return None
