"""Who signed in with the token, for browsers: known by a random id, forgotten when the server stops."""

import secrets
from collections import OrderedDict
from collections.abc import Callable

COOKIE = "koe_session"
LIFETIME = 7 * 86400.0
"""Seconds."""

_KEPT = 256


class Sessions:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends: OrderedDict[str, float] = OrderedDict()

    def make(self) -> str:
        session = secrets.token_urlsafe(32)
        self._ends[session] = self._clock() + LIFETIME
        if len(self._ends) > _KEPT:
            self._ends.popitem(last=False)
        return session

    def valid(self, session: str) -> bool:
        ends = self._ends.get(session)
        if ends is None:
            return False
        if ends <= self._clock():
            self.end(session)
            return False
        return True

    def end(self, session: str) -> None:
        self._ends.pop(session, None)
