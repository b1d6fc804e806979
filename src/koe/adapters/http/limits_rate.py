"""How often somebody may come: a bucket for each address, filled again as time goes by."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

_KEPT = 4096
"""Addresses; those that were quiet longest are forgotten first."""


class RateLimit:
    def __init__(self, per_minute: int, clock: Callable[[], float], kept: int = _KEPT) -> None:
        """So many at once, and from then on as many in a minute."""
        self._size, self._per_second = float(per_minute), per_minute / 60
        self._clock, self._kept = clock, kept
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """(what is left, when that was)"""

    def take(self, address: str) -> float:
        """0.0 where one more is fine; else the seconds until it is."""
        who, now = neighbourhood(address), self._clock()
        left, since = self._buckets.pop(who, (self._size, now))
        left = min(self._size, left + (now - since) * self._per_second)
        allowed = left >= 1.0
        self._buckets[who] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > self._kept:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_second

    def __len__(self) -> int:
        return len(self._buckets)


def neighbourhood(address: str) -> str:
    """Whoever has an IPv6 address has a whole network of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
