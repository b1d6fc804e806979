"""Who signed in with the token, for browsers: known by a random id, also after a restart.

Of a session only its HMAC under the token is kept: nobody gets in with what stands in the file, and a new token ends
all sessions of the old one.
"""

import hmac
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from koe import disk

_log = logging.getLogger(__name__)

COOKIE = "koe_session"
LIFETIME = 7 * 86400.0
"""Seconds."""

_KEPT = 256
_MOST_BYTES = 100_000

_Ends = TypeAdapter(dict[str, float])


def sessions_path(data_dir: Path) -> Path:
    return data_dir / "config" / "sessions.json"


class Sessions:
    def __init__(self, token: str | None, clock: Callable[[], float] = time.time, path: Path | None = None) -> None:
        """`clock`: seconds, the same after a restart. `path`: None keeps them nowhere."""
        self._key, self._clock, self._path = (token or secrets.token_urlsafe()).encode(), clock, path
        self._ends: OrderedDict[str, float] = OrderedDict(self._read())

    def make(self) -> str:
        session = secrets.token_urlsafe(32)
        now = self._clock()
        self._ends = OrderedDict((each, ends) for each, ends in self._ends.items() if ends > now)
        self._ends[self._known_as(session)] = now + LIFETIME
        if len(self._ends) > _KEPT:
            self._ends.popitem(last=False)
        return session

    def valid(self, session: str) -> bool:
        ends = self._ends.get(self._known_as(session)) if session else None
        return ends is not None and ends > self._clock()

    def end(self, session: str) -> bool:
        """Whether there was such a one."""
        return self._ends.pop(self._known_as(session), None) is not None

    def dump(self) -> bytes:
        """For `keep`."""
        return _Ends.dump_json(dict(self._ends))

    def keep(self, dumped: bytes) -> None:
        """Where that fails, they are forgotten with the next restart. Blocks."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            disk.write(self._path, dumped, mode=0o600)
        except OSError as error:
            _log.warning("who is signed in can't be kept in %s: %s", self._path, error.strerror or error)

    def _known_as(self, session: str) -> str:
        return hmac.digest(self._key, session.encode(errors="surrogatepass"), "sha256").hex()

    def _read(self) -> dict[str, float]:
        """None of a file that is damaged: then everybody signs in again."""
        if self._path is None:
            return {}
        try:
            if self._path.stat().st_size <= _MOST_BYTES:
                return _Ends.validate_json(self._path.read_bytes())
            reason = f"it has more than {_MOST_BYTES} bytes"
        except FileNotFoundError:
            return {}
        except OSError as error:
            reason = error.strerror or str(error)
        except ValidationError:
            reason = "it is damaged"
        _log.warning("%s can't be read (%s): whoever was signed in has to sign in again", self._path, reason)
        return {}
