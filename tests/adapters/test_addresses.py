"""Which addresses are told to others."""

import ipaddress

import pytest

from koe.adapters import addresses
from koe.adapters.addresses import reachable
from koe.settings import ListenAddress

LAN4, LAN6 = ipaddress.ip_address("192.168.7.5"), ipaddress.ip_address("fd00::5")
LOOP4, LOOP6 = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")
LINK4, LINK6 = ipaddress.ip_address("169.254.3.4"), ipaddress.ip_address("fe80::5")
BRIDGE = ipaddress.ip_address("172.17.0.1")


def at(*uris: str) -> list[ListenAddress]:
    return [ListenAddress.parse(uri) for uri in uris]


@pytest.mark.parametrize(
    ("own", "uris", "expected"),
    [
        ([LOOP4, LOOP6, LAN4, LAN6, LINK6], ["tcp://*:1"], [LAN4, LAN6]),
        ([LOOP4, LAN4, LAN6], ["tcp://0.0.0.0:1"], [LAN4]),
        ([LOOP4, LAN4, LAN6], ["tcp://[::]:1"], [LAN6]),
        ([LOOP4, LINK4, LINK6], ["tcp://*:1"], [LOOP4]),
        ([LINK4], ["tcp://*:1"], [LINK4]),
        ([LOOP4, LOOP6], ["tcp://*:1"], [LOOP4, LOOP6]),
        ([LOOP4, LAN4], ["tcp://127.0.0.1:1"], [LOOP4]),
        ([LOOP4, LAN4], ["tcp://127.0.0.1:1", "tcp://192.168.7.5:1"], [LAN4]),
        ([LOOP4, LAN4], ["unix:///run/koe.sock"], []),
        ([], ["tcp://*:1"], []),
    ],
)
def test_never_a_wildcard_and_loopback_only_if_that_is_all(
    monkeypatch: pytest.MonkeyPatch,
    own: list[addresses.IPAddress],
    uris: list[str],
    expected: list[addresses.IPAddress],
) -> None:
    monkeypatch.setattr(addresses, "_own_addresses", lambda: own)
    monkeypatch.setattr(addresses, "_preferred", set)
    assert reachable(at(*uris)) == expected


def test_the_address_of_the_default_route_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_own_addresses", lambda: [BRIDGE, LAN4])
    monkeypatch.setattr(addresses, "_preferred", lambda: {LAN4})
    assert reachable(at("tcp://*:1")) == [LAN4, BRIDGE]


def test_this_machine_has_an_address() -> None:
    assert reachable(at("tcp://*:1"))
