"""Run by test_discovery.py inside a network namespace with the addresses 10.77.0.1 and fd77::1."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from koe.adapters import discovery
from koe.adapters.addresses import IPAddress, reachable
from koe.adapters.discovery import SERVICE_TYPE, Discovery
from koe.settings import ListenAddress
from tests.support.waiting import eventually

EVERY_PROTOCOL = 3
"""ETH_P_ALL of Linux."""


class Lan:
    """Who is on the LAN, as a browser like Home Assistant's sees it."""

    def __init__(self, zeroconf: AsyncZeroconf) -> None:
        self._zeroconf = zeroconf
        self.names: set[str] = set()

    def on_change(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            self.names.discard(name)
        else:
            self.names.add(name)

    async def info(self, name: str) -> AsyncServiceInfo:
        info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
        assert await info.async_request(self._zeroconf.zeroconf, 5000)
        return info

    async def sees(self, *names: str) -> None:
        await eventually(lambda: self.names == {f"{name}.{SERVICE_TYPE}" for name in names})


@pytest_asyncio.fixture
async def lan() -> AsyncIterator[Lan]:
    zeroconf = AsyncZeroconf(interfaces=["10.77.0.1"], ip_version=IPVersion.V4Only)
    it = Lan(zeroconf)
    browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[it.on_change])
    yield it
    await browser.async_cancel()
    await zeroconf.async_close()


@pytest.fixture
def no_namesakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all names are different, nobody has to be met first."""
    monkeypatch.setattr(discovery, "_NAMESAKES_SECONDS", 0.1)


def everywhere(port: int) -> Callable[[], list[IPAddress]]:
    return lambda: reachable([ListenAddress("tcp", "*", port)])


@asynccontextmanager
async def announced(
    name: str, port: int, addresses: Callable[[], list[IPAddress]] | None = None
) -> AsyncIterator[Discovery]:
    it = Discovery(name, port, addresses or everywhere(port), check_interval=0.05)
    await it.start()
    try:
        async with asyncio.timeout(20):
            await it.announced()
        yield it
    finally:
        await it.stop()


async def test_a_server_is_seen_with_its_port_and_real_addresses_and_is_seen_leaving(
    lan: Lan, no_namesakes: None
) -> None:
    async with announced("Koe", 10210):
        await lan.sees("Koe")
        info = await lan.info("Koe")
        assert info.port == 10210
        assert set(info.parsed_addresses()) == {"10.77.0.1", "fd77::1"}
    await lan.sees()


async def test_two_servers_of_one_name_are_seen_under_two_each_at_its_own_place(lan: Lan) -> None:
    async with announced("Koe", 10210) as first, announced("Koe", 10310) as second:
        assert (first.name, second.name) == ("Koe", "Koe-2")
        await lan.sees("Koe", "Koe-2")
        infos = [await lan.info(name) for name in ("Koe", "Koe-2")]
        assert [info.port for info in infos] == [10210, 10310]
        assert infos[0].server != infos[1].server
    await lan.sees()


async def test_any_name_that_the_settings_allow_is_announced(lan: Lan, no_namesakes: None) -> None:
    names = ("Küche & Bad", "声", "a" * 63)
    async with AsyncExitStack() as opened:
        servers = [announced(name, 10210 + number) for number, name in enumerate(names)]
        await asyncio.gather(*map(opened.enter_async_context, servers))
        await lan.sees(*names)


async def ip_address(verb: str, address: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", "address", verb, address, "dev", "koe0")
    assert await process.wait() == 0


async def test_a_new_address_is_told_under_the_old_name(lan: Lan, no_namesakes: None) -> None:
    async with announced("Koe", 10210) as it:
        await lan.sees("Koe")
        await ip_address("add", "10.78.0.1/24")
        try:
            # A fresh look, for what a browser remembers has its own lifetime.
            await eventually(lambda: it.addresses == everywhere(10210)())
            assert "10.78.0.1" in map(str, it.addresses)
            assert it.name == "Koe"
        finally:
            await ip_address("del", "10.78.0.1/24")


async def test_a_server_for_this_machine_alone_is_not_told_to_the_lan(lan: Lan, no_namesakes: None) -> None:
    loopback = reachable([ListenAddress("tcp", "127.0.0.1", 10210)])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL)) as cable:
        cable.bind(("koe1", 0))
        cable.setblocking(False)
        async with announced("Secret", 10210, lambda: loopback), announced("Public", 10310):
            await lan.sees("Secret", "Public")
        frames = b"".join(_frames(cable))
    # By its host name: browsers of this machine, which hear of both, repeat the names of services in their questions.
    assert b"-10310" in frames
    assert b"-10210" not in frames


def _frames(cable: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield cable.recv(65536)
        except BlockingIOError:
            return


async def test_no_network_is_no_error_and_is_left_behind_when_one_appears(no_namesakes: None) -> None:
    network: list[IPAddress] = []
    it = Discovery("Koe", 10210, lambda: network, check_interval=0.05)
    await it.start()
    await asyncio.sleep(0)
    assert it.name is None
    network += everywhere(10210)()
    async with asyncio.timeout(20):
        await it.announced()
    assert it.name == "Koe"
    await it.stop()


async def test_the_real_server_is_found_and_leaves_when_it_is_stopped(lan: Lan, tmp_path: Path) -> None:
    serve = [
        sys.executable,
        "-m",
        "koe",
        "--data-dir",
        str(tmp_path),
        "serve",
        "--listen",
        "tcp://*:0",
        "--name",
        "Flat",
        "--set",
        "http.enabled=false",
    ]
    server = await asyncio.create_subprocess_exec(*serve, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    await lan.sees("Flat")
    info = await lan.info("Flat")
    said = (await server.stdout.read(4000)).decode()
    assert f"tcp://10.77.0.1:{info.port}" in said
    assert not re.search(r"0\.0\.0\.0|127\.0\.0\.1|//\*|//\[::\]", said)
    server.send_signal(signal.SIGTERM)
    assert await server.wait() == 0
    await lan.sees()
