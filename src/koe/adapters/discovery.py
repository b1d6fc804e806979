"""Announcing the Wyoming server on the LAN by zeroconf, so that Home Assistant finds it by itself.

Home Assistant knows a server by its service name and keeps the address and port of the first time: both should stay.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence

from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

from koe.adapters.addresses import IPAddress

_log = logging.getLogger(__name__)

SERVICE_TYPE = "_wyoming._tcp.local."
_STOP_SECONDS = 5.0
_NAMESAKES_SECONDS = 1.5


class Discovery:
    """Announces, follows changes of the machine's addresses, and withdraws. A network without multicast is no error:
    the server can still be added by its address."""

    def __init__(
        self, name: str, port: int, addresses: Callable[[], Sequence[IPAddress]], check_interval: float
    ) -> None:
        """`addresses` is asked every `check_interval` seconds, in a thread: it may have to look up names."""
        self._wanted_name, self._port = name, port
        self._addresses, self._check_interval = addresses, check_interval
        self._zeroconf: AsyncZeroconf | None = None
        self._info: ServiceInfo | None = None
        self._at: list[IPAddress] | None = None
        self._task: asyncio.Task[None] | None = None
        self._announced = asyncio.Event()

    @property
    def name(self) -> str | None:
        """The name on the LAN: as wanted, or with a number where another server has it; None while not announced."""
        return self._info.get_name() if self._info is not None else None

    @property
    def port(self) -> int:
        return self._port

    @property
    def addresses(self) -> Sequence[IPAddress]:
        """What is announced now."""
        return self._at or ()

    async def start(self) -> None:
        """Begin to announce, in the background: asking the LAN whether the name is free takes about a second."""
        self._task = asyncio.create_task(self._run(), name="discovery")

    async def announced(self) -> None:
        """Wait until it is."""
        await self._announced.wait()

    async def stop(self) -> None:
        """Withdraw, so that nobody is offered a server that is gone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._withdraw()
        except (TimeoutError, OSError, ZeroconfError) as error:
            _log.warning("could not withdraw the announcement: %s", error)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow(list(await asyncio.to_thread(self._addresses)))
            except (OSError, ValueError, ZeroconfError) as error:
                _log.warning("not announced on the LAN (%s); next try in %g s", error, self._check_interval)
                self._at = None
            await asyncio.sleep(self._check_interval)

    async def _follow(self, addresses: list[IPAddress]) -> None:
        if addresses == self._at:
            return
        # New interfaces need new sockets, so the announcement moves to a new responder, under its old name.
        await self._withdraw()
        if addresses:
            await self._announce(addresses)
        self._at = addresses

    async def _announce(self, addresses: Sequence[IPAddress]) -> None:
        info = ServiceInfo(
            SERVICE_TYPE,
            f"{self._wanted_name}.{SERVICE_TYPE}",
            port=self._port,
            addresses=[address.packed for address in addresses],
            # A host name of its own: the default is the wanted service name, which two servers would then share, each
            # with its own addresses; and for the machine's name its mDNS daemon answers already.
            server=f"koe-{uuid.getnode():012x}-{self._port}.local.",
        )
        self._zeroconf = _responder(addresses)
        await _meet_namesakes(self._zeroconf)
        # The name of the info changes where another server has it.
        await (await self._zeroconf.async_register_service(info, allow_name_change=True))
        self._info = info
        # What Home Assistant has once been told stays, also when the other server of that name is gone.
        self._wanted_name = info.get_name()
        shown = ", ".join(str(address) for address in info.parsed_addresses())
        _log.info("announced on the LAN as %r at %s, port %d", self.name, shown, self._port)
        self._announced.set()

    async def _withdraw(self) -> None:
        self._info, self._at = None, None
        if self._zeroconf is None:
            return
        try:
            await self._zeroconf.async_unregister_all_services()
        finally:
            # Whoever is interrupted before the end leaves the rest to the next call.
            await self._zeroconf.async_close()
            self._zeroconf = None


def _responder(addresses: Sequence[IPAddress]) -> AsyncZeroconf:
    version = IPVersion.V4Only if any(a.version == 4 for a in addresses) else IPVersion.V6Only
    if all(address.is_loopback for address in addresses):
        # What only this machine can reach is told only to this machine.
        return AsyncZeroconf(interfaces=[str(a) for a in addresses if a.is_loopback], ip_version=version)
    return AsyncZeroconf(ip_version=version)


async def _meet_namesakes(responder: AsyncZeroconf) -> None:
    """A server that has just announced itself doesn't answer for a second: asking only then would miss it, and both
    would take one name."""
    browser = AsyncServiceBrowser(responder.zeroconf, SERVICE_TYPE, handlers=[lambda **_: None])
    await asyncio.sleep(_NAMESAKES_SECONDS)
    await browser.async_cancel()
