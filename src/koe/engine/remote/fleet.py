"""Several servers as one: which is asked, and which instead where it fails before its first sound."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext

from koe.core.errors import EngineError, EngineUnavailable, UnsupportedAbility
from koe.engine.remote.answer import Sound
from koe.engine.remote.failures import ServerFailure, Why
from koe.engine.remote.order import Order
from koe.engine.remote.server import Server

_log = logging.getLogger(__name__)


class Fleet:
    def __init__(self, servers: Sequence[Server], places: int) -> None:
        """`places`: requests at the same time; more wait. Looking how servers are takes none."""
        self.servers = servers
        self._places = asyncio.Semaphore(places)
        self._batch_places = asyncio.Semaphore(max(1, places // 2))
        """Of all places: so that rooms find one, whatever batches do. Servers don't tell them apart."""

    @property
    def lacks(self) -> str:
        """Why no server can be asked; empty where one can."""
        troubles = [f"{server}: {server.trouble}" for server in self.servers]
        return "; ".join(troubles) if all(server.trouble for server in self.servers) else ""

    async def speak(
        self, order: Order, text: str, avoided: Server | None = None, last: ServerFailure | None = None
    ) -> AsyncGenerator[Sound]:
        """`avoided`: a server that has just failed, in this way. Raises EngineError, and what no server could do."""
        async with self.place(order), aclosing(self._spoken(order, text, avoided, last)) as heard:
            async for sound in heard:
                yield sound

    @asynccontextmanager
    async def place(self, order: Order) -> AsyncIterator[None]:
        """Around a request."""
        async with self._batch_places if order.batch else nullcontext(), self._places:
            yield

    async def _spoken(
        self, order: Order, text: str, avoided: Server | None, last: ServerFailure | None
    ) -> AsyncGenerator[Sound]:
        tried = [avoided] if avoided is not None else []
        deadline = _now() + max((server.patience(order) for server in self.servers), default=0.0)
        while True:
            server = await self._choose(order, tried, last, deadline)
            begun = False
            try:
                with server.occupied():
                    async with aclosing(server.speak(order, text)) as heard:
                        async for sound in heard:
                            begun = True
                            yield sound
                    if not begun:
                        raise ServerFailure(Why.BROKEN, "it answered without any sound")
            except ServerFailure as failure:
                if begun:
                    raise broken_off(server, failure) from failure
                _log.info("the speech server %s failed before its first sound: %s", server, failure.message)
                last = failure
                if failure.why is not Why.BUSY:
                    tried.append(server)
            else:
                # What another one did they should have done as well.
                for refuser in tried:
                    refuser.outdone()
                return

    async def _choose(
        self, order: Order, tried: Collection[Server], last: ServerFailure | None, deadline: float
    ) -> Server:
        """Raises EngineUnavailable, EngineError, UnsupportedAbility where there is none."""
        while True:
            left = [server for server in self.able(order) if server not in tried]
            ready = [server for server in left if server.ready]
            if ready:
                return least_loaded(ready)
            busy = [server.breaker.wait for server in left if not server.trouble and server.breaker.asked_to_wait]
            seconds = min(busy, default=float("inf"))
            if _now() + seconds >= deadline:
                raise self._nobody(order, tried, last)
            await asyncio.sleep(seconds)

    def ready_for(self, order: Order, suits: Callable[[Server, Order], bool]) -> Server | None:
        """One that can be asked now."""
        ready = [server for server in self.able(order) if server.ready and suits(server, order)]
        return least_loaded(ready) if ready else None

    def able(self, order: Order) -> list[Server]:
        return [server for server in self.servers if server.can(order)]

    def _nobody(
        self, order: Order, tried: Collection[Server], last: ServerFailure | None
    ) -> EngineError | UnsupportedAbility:
        if last is not None:
            names = ", ".join(map(str, tried)) or "every server"
            return EngineError(f"no speech server could do it (asked: {names}; the last one: {last.message})")
        able = self.able(order)
        if not able and any(order.voice in server.listing.voices for server in self.servers if server.listing):
            if order.instruct:
                return UnsupportedAbility(
                    "the servers that have this voice have 0.6B checkpoints, which take no instructions"
                )
            return UnsupportedAbility(f"no server has this voice with a {order.size} checkpoint")
        troubles = "; ".join(f"{server}: {server.state.trouble}" for server in able if server.state.trouble)
        return EngineUnavailable(troubles or self.lacks or f"no server has {_what(order)}")


def least_loaded(servers: Sequence[Server]) -> Server:
    """Of equals the one that was asked longest ago."""
    return min(servers, key=lambda server: (server.load, server.last_asked))


def broken_off(server: Server, failure: ServerFailure) -> EngineError:
    return EngineError(f"the speech server {server} broke off in the middle: {failure.message}")


def _what(order: Order) -> str:
    if order.clip is not None:
        return "a checkpoint that clones (task Base)"
    return "a checkpoint that designs (task VoiceDesign)" if order.description is not None else "this voice now"


def _now() -> float:
    return asyncio.get_running_loop().time()
