"""Looking for Wyoming servers that announce themselves on the LAN, and asking each what it is."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from zeroconf import Error as ZeroconfError
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from koe.core.errors import EngineError, EngineUnavailable
from koe.settings import ListenAddress

_log = logging.getLogger(__name__)

SEARCH_SECONDS = 3.0

_MOST_SERVICES = 64
"""On the LAN that are asked what they are."""

_SERVICE_TYPE = "_wyoming._tcp.local."

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Service:
    """A Wyoming server as it announces itself."""

    name: str
    uris: tuple[str, ...]
    """One for each of its addresses."""


Ask = Callable[[str], Awaitable[_Found]]
"""A server's URI -> what it is. Raises EngineError where it is none of those that are looked for."""

Meet = Callable[[Service], Awaitable[_Found]]
"""The same for all of its addresses."""


async def search(
    ask: Ask[_Found], seconds: float = SEARCH_SECONDS, *, enough: Callable[[Sequence[_Found]], bool] = lambda _: False
) -> list[_Found]:
    """Those that answer within the time, or until they are enough; none where there is no network."""

    async def meet(service: Service) -> _Found:
        for uri in service.uris:
            # What can't be reached there, or does something else, was not looked for.
            try:
                return await ask(uri)
            except EngineError as error:
                _log.debug("%s at %s is passed over: %s", service.name, uri, error.message)
        raise EngineUnavailable(f"{service.name} is none of those that are looked for")

    return await search_services(meet, seconds, enough=enough)


async def search_services(
    meet: Meet[_Found], seconds: float, *, enough: Callable[[Sequence[_Found]], bool] = lambda _: False
) -> list[_Found]:
    """As `search`, but for whoever wants to know of those as well that don't answer."""
    found: list[_Found] = []
    try:
        async with _searching(meet) as answers, asyncio.timeout(seconds):
            while not enough(found):
                found.append(await answers.get())
    except TimeoutError:
        pass  # the time for answers is up: what came by then is what there is
    except (OSError, ZeroconfError) as error:
        _log.warning("could not look for Wyoming servers on the LAN: %s", error)
    return found


@contextlib.asynccontextmanager
async def _searching(meet: Meet[_Found]) -> "AsyncIterator[asyncio.Queue[_Found]]":
    try:
        zeroconf = AsyncZeroconf()
    except RuntimeError as error:
        # What zeroconf raises where there is no interface.
        raise OSError(str(error)) from error
    search = _Search(meet)
    browser = AsyncServiceBrowser(zeroconf.zeroconf, _SERVICE_TYPE, handlers=[search.on_change])
    try:
        yield search.answers
    finally:
        await browser.async_cancel()
        await search.stop()
        await zeroconf.async_close()


class _Search(Generic[_Found]):
    """Meets every Wyoming service as soon as it is seen."""

    def __init__(self, meet: Meet[_Found]) -> None:
        self.answers: asyncio.Queue[_Found] = asyncio.Queue()
        self._meet = meet
        self._asked: dict[str, asyncio.Task[None]] = {}

    def on_change(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed or name in self._asked or len(self._asked) >= _MOST_SERVICES:
            return
        self._asked[name] = asyncio.create_task(self._ask(zeroconf, AsyncServiceInfo(service_type, name)))

    async def stop(self) -> None:
        for task in self._asked.values():
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked.values())

    async def _ask(self, zeroconf: Zeroconf, service: AsyncServiceInfo) -> None:
        if not await service.async_request(zeroconf, SEARCH_SECONDS * 1000):
            return
        hosts = service.parsed_scoped_addresses()
        uris = tuple(str(ListenAddress("tcp", host, service.port or 0)) for host in hosts)
        # Who is none of those that are looked for gives no answer.
        with contextlib.suppress(EngineError):
            self.answers.put_nowait(await self._meet(Service(service.get_name(), uris)))
