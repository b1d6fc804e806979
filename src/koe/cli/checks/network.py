"""Ports, addresses, and whether Home Assistant can find Koe by itself."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from koe.adapters.addresses import reachable
from koe.adapters.sockets import open_socket
from koe.adapters.wyoming_client import connect
from koe.cli.checks import Finding, Mark
from koe.core.errors import KoeError, SettingsError
from koe.settings import ListenAddress, Settings

_MULTICAST = "224.0.0.251"
_MULTICAST_PORT = 5353


async def listening(addresses: Sequence[ListenAddress]) -> list[Finding]:
    return [await _listens(address) for address in addresses]


def announced(settings: Settings) -> Iterator[Finding]:
    """What Home Assistant would be told."""
    subject = "Addresses"
    try:
        found = [str(ip) for ip in reachable(settings.wyoming.listen) if not ip.is_loopback]
    except OSError as error:
        yield Finding(Mark.PROBLEM, subject, str(error), "Mend the setting wyoming.listen.")
        return
    if found:
        yield Finding(Mark.OK, subject, ", ".join(found))
    else:
        remedy = "Let wyoming.listen hold tcp://*:10210, unless only this machine is to be served."
        yield Finding(Mark.WARNING, subject, "Koe can only be reached from this machine", remedy)


def discovery(settings: Settings) -> Iterator[Finding]:
    subject = "Discovery"
    if not settings.discovery.enabled:
        yield Finding(Mark.OK, subject, "switched off: add Koe in Home Assistant by its address and port")
    elif problem := _multicast_problem():
        remedy = "Add Koe in Home Assistant by its address and port, or allow multicast (UDP port 5353)."
        yield Finding(Mark.WARNING, subject, f"announcing is not possible: {problem}", remedy)
    elif Path("/.dockerenv").exists():
        remedy = "If Home Assistant doesn't find Koe, start the container with --network host."
        yield Finding(Mark.WARNING, subject, "in a container, announcements may not get out", remedy)
    else:
        yield Finding(Mark.OK, subject, f"multicast works; Koe shows as {settings.name!r}")


async def _listens(address: ListenAddress) -> Finding:
    subject = f"Listening on {address}"
    try:
        _try_out(address)
    except SettingsError as error:
        if title := await _who_answers(address):
            return Finding(Mark.OK, subject, f"{title!r} is already running there")
        return Finding(Mark.PROBLEM, subject, error.message, "Free the address, or change wyoming.listen.")
    return Finding(Mark.OK, subject, "free")


def _try_out(address: ListenAddress) -> None:
    """Listen there for a moment. Raises SettingsError."""
    open_socket(address).close()
    if address.kind == "unix":
        Path(address.path).unlink(missing_ok=True)


async def _who_answers(address: ListenAddress) -> str | None:
    """The name of the speech server there, if it is one."""
    uri = f"tcp://localhost:{address.port}" if address.every_address else str(address)
    try:
        async with connect(uri) as speaker:
            return speaker.title
    except KoeError:
        return None


def _multicast_problem() -> str | None:
    """As a responder does: share the port, join the group, send a query for nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            probe.bind(("", _MULTICAST_PORT))
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _group())
            probe.sendto(bytes(12), (_MULTICAST, _MULTICAST_PORT))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _group() -> bytes:
    return socket.inet_aton(_MULTICAST) + socket.inet_aton("0.0.0.0")
