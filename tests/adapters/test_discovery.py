"""Discovery on a LAN of its own: the cases run in a network namespace, so that nothing reaches the real network. What
needs no network has a stand-in for zeroconf."""

import asyncio
import ipaddress
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from zeroconf import ServiceInfo

from koe.adapters import discovery
from koe.adapters.addresses import IPAddress
from koe.adapters.discovery import SERVICE_TYPE, Discovery
from tests.support.house import PATIENCE
from tests.support.namespace import run_tests_in_namespace
from tests.support.waiting import eventually

CASES = Path(__file__).parent / "namespace"


@pytest.mark.timeout(180)
def test_in_a_network_of_its_own() -> None:
    run_tests_in_namespace(CASES / "cases_discovery.py", "test_*", timeout=170)


class Responder:
    """In place of zeroconf's: what is announced is only kept, and withdrawing waits until it is let go."""

    made: ClassVar[list["Responder"]] = []

    def __init__(self) -> None:
        self.closed = False
        self.names: list[str] = []
        self.may_leave = asyncio.Event()
        Responder.made.append(self)

    async def async_register_service(self, info: ServiceInfo, *, allow_name_change: bool) -> "asyncio.Future[None]":
        assert allow_name_change
        self.names.append(info.get_name())
        if len(Responder.made) == 1:
            info.name = f"{info.get_name()}-2.{SERVICE_TYPE}"
        announced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        announced.set_result(None)
        return announced

    async def async_unregister_all_services(self) -> None:
        await self.may_leave.wait()

    async def async_close(self) -> None:
        self.closed = True


HERE, THERE = ipaddress.ip_address("192.0.2.10"), ipaddress.ip_address("192.0.2.20")


@pytest.fixture
def responders(monkeypatch: pytest.MonkeyPatch) -> list[Responder]:
    monkeypatch.setattr(discovery, "_responder", lambda _: Responder())
    monkeypatch.setattr(discovery, "_meet_namesakes", _nobody)
    monkeypatch.setattr(Responder, "made", [])
    return Responder.made


async def _nobody(_: Responder) -> None:
    """No other server is there."""


async def test_a_stop_in_the_middle_of_a_move_leaves_no_responder_behind(responders: list[Responder]) -> None:
    addresses: list[IPAddress] = [HERE]
    it = Discovery("Koe", 10210, lambda: addresses, check_interval=0.01)
    await it.start()
    await it.announced()
    addresses[:] = [THERE]
    await eventually(lambda: it.name is None)
    await it.stop()
    assert [responder.closed for responder in responders] == [True]


async def test_a_name_once_told_stays_when_the_address_changes(responders: list[Responder]) -> None:
    addresses: list[IPAddress] = [HERE]
    it = Discovery("Koe", 10210, lambda: addresses, check_interval=0.01)
    await it.start()
    await it.announced()
    assert it.name == "Koe-2"
    responders[0].may_leave.set()
    addresses[:] = [THERE]
    await eventually(lambda: it.addresses == [THERE])
    assert responders[1].names == [it.name] == ["Koe-2"]
    responders[1].may_leave.set()
    await it.stop()


async def test_addresses_are_looked_up_beside_the_event_loop_and_again_after_a_failure(
    responders: list[Responder],
) -> None:
    asked_by: list[int] = []

    def addresses() -> list[IPAddress]:
        asked_by.append(threading.get_ident())
        if len(asked_by) == 1:
            raise UnicodeError("no host name")
        return [HERE]

    it = Discovery("Koe", 10210, addresses, check_interval=0.01)
    await it.start()
    async with asyncio.timeout(PATIENCE):
        await it.announced()
    assert threading.get_ident() not in asked_by
    responders[0].may_leave.set()
    await it.stop()
