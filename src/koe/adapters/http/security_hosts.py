"""Under which names the server may be asked, and by whose pages.

A page of a foreign site whose name suddenly leads to this machine (DNS rebinding) still says its own name as the Host,
and a page that posts across sites says it as the Origin.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/@\[\]]+))(?::\d{1,5})?")
_READING = ("GET", "HEAD", "OPTIONS")


class Hosts:
    def __init__(self, machine: str, names: Collection[str]) -> None:
        """`machine`: its host name; `names`: further ones."""
        first = re.escape(_plain(machine).partition(".")[0])
        self._names = {_plain(name) for name in (*names, machine, "localhost") if name}
        # Where a name is taken, mDNS puts a number behind it.
        self._announced = re.compile(rf"{first}(-\d+)?\.local")

    def know(self, host: str) -> bool:
        """Whether it's a name of this machine. Any numeric address is: no name that somebody controls led to it."""
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = _plain(match["v6"] or match["name"])
        try:
            return not ipaddress.ip_address(name).is_unspecified
        except ValueError:
            return name in self._names or name.endswith(".localhost") or bool(self._announced.fullmatch(name))


def from_elsewhere(method: str, headers: Mapping[str, str], hosts: Collection[str], *, websocket: bool) -> bool:
    """Whether a page of another site sends it. `hosts`: as which the page may have asked for this server."""
    site = headers.get("Sec-Fetch-Site", "none")
    navigates = method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in ("same-origin", "none") and not navigates:
        return True
    origin = headers.get("Origin")
    if origin is None or (method in _READING and not websocket):
        return False
    return not any(same_place(origin, host) for host in hosts)


def same_place(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    usual = 443 if parts.scheme == "https" else 80
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    asked = host.rpartition(":")[2] if not host.endswith("]") and ":" in host else str(usual)
    return _plain(parts.hostname) == _plain(match["v6"] or match["name"]) and str(port or usual) == asked


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
