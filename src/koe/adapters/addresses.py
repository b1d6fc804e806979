"""The machine's addresses, as somebody else on the LAN would use them."""

import ipaddress
import socket
from collections.abc import Sequence

import ifaddr

from koe.settings import ListenAddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Documentation addresses (RFC 5737, RFC 3849): connecting a datagram socket sends nothing, it only picks a route.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def reachable(listen: Sequence[ListenAddress]) -> list[IPAddress]:
    """Where a server that listens there is found: never a wildcard; loopback and link-local only if that is all there
    is. The address of the default route comes first."""
    own = _own_addresses()
    candidates: list[IPAddress] = []
    for address in listen:
        candidates += own if address.every_address else _resolved(address, own)
    unique = list(dict.fromkeys(candidates))
    first = _preferred()
    best = [a for a in unique if not (a.is_loopback or a.is_link_local)] or [a for a in unique if not a.is_link_local]
    return sorted(best or unique, key=lambda a: (a not in first, a.version))


def _own_addresses() -> list[IPAddress]:
    found = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    # ifaddr gives IPv6 addresses as (address, flow information, scope).
    return [ipaddress.ip_address(ip if isinstance(ip, str) else ip[0]) for ip in found]


def _resolved(address: ListenAddress, own: list[IPAddress]) -> list[IPAddress]:
    if address.kind != "tcp":
        return []
    resolved = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    ips = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in resolved]
    wildcards = {ip.version for ip in ips if ip.is_unspecified}
    return [ip for ip in ips if not ip.is_unspecified] + [ip for ip in own if ip.version in wildcards]


def _preferred() -> set[IPAddress]:
    """The addresses from which this machine would talk to the world, where it has any."""
    found: set[IPAddress] = set()
    for family, elsewhere in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))
            except OSError:
                continue
            found.add(ipaddress.ip_address(probe.getsockname()[0]))
    return found
