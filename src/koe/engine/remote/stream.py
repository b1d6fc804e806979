"""One utterance by servers elsewhere."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from koe.audio.resample import SteadyRate
from koe.core.errors import EngineUnavailable, ShuttingDown
from koe.core.pcm import duration
from koe.engine.pipe import MAX_TAKE_BYTES
from koe.engine.remote.ahead import Ahead
from koe.engine.remote.answer import USUAL_RATE, Sound
from koe.engine.remote.failures import ServerFailure, Why
from koe.engine.remote.fleet import Fleet, broken_off
from koe.engine.remote.inbox import Inbox
from koe.engine.remote.live import LiveSpeech, takes_live
from koe.engine.remote.order import Order
from koe.engine.remote.server import Server
from koe.settings.schema.remote import RemoteSettings

_AT_ONCE = 2
"""Requests of a stream: one that is heard, and the next."""


class RemoteStream:
    def __init__(
        self,
        fleet: Fleet,
        order: Order,
        settings: RemoteSettings,
        *,
        live: bool,
        gone: Callable[["RemoteStream"], None],
    ) -> None:
        """`live`: text is still arriving. `gone` is called when it is closed."""
        self._fleet, self._order, self._settings = fleet, order, settings
        self._live, self._gone = live, gone
        self._inbox = Inbox(order.language)
        self._ahead: Ahead | None = None
        self._stopped = False
        self._chunks = self._heard()
        self.sample_rate, self.seed = USUAL_RATE, order.seed
        self.checkpoint: str | None = None  # of one text several servers may speak, with a checkpoint each

    def feed(self, text: str) -> None:
        self._inbox.put(text)

    def finish(self) -> None:
        self._inbox.finish()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        await self._chunks.aclose()
        self._gone(self)

    def stop(self) -> None:
        """It ends with ShuttingDown."""
        self._stopped = True
        if self._ahead is not None:
            self._ahead.end(ShuttingDown("the server is stopping"))

    async def _heard(self) -> AsyncGenerator[bytes]:
        if self._stopped:
            raise EngineUnavailable("the remote engine is not running")
        steady, seconds = SteadyRate(), 0.0
        self._ahead = Ahead(self._sounds(), self._settings.lead_seconds)
        try:
            async with aclosing(self._ahead.sounds()) as sounds:
                async for sound in sounds:
                    pcm = steady.feed(*sound)
                    self.sample_rate = steady.sample_rate
                    for start in range(0, len(pcm), MAX_TAKE_BYTES):
                        yield pcm[start : start + MAX_TAKE_BYTES]
                    seconds += duration(len(pcm), steady.sample_rate)
                    if seconds >= self._order.max_seconds:
                        return
            if rest := steady.finish():
                yield rest
        finally:
            await self._ahead.aclose()

    async def _sounds(self) -> AsyncGenerator[Sound]:
        """Over a WebSocket where text is still to come and a server has one, else by requests."""
        avoided: Server | None = None
        last: ServerFailure | None = None
        server = self._fleet.ready_for(self._order, takes_live) if self._live else None
        if server is not None:
            begun = False
            speech = LiveSpeech(server, self._order, self._inbox, self._settings.chunk_timeout)
            try:
                async with self._fleet.place(self._order):
                    with server.occupied():
                        async with aclosing(speech.sounds()) as sounds:
                            async for sound in sounds:
                                begun = True
                                yield sound
                return
            except ServerFailure as failure:
                if begun:
                    raise broken_off(server, failure) from failure
                # What it hasn't over a WebSocket it may have by requests: it may even get it by one.
                avoided, last = (server, failure) if failure.why is not Why.NOT_HERE else (None, None)
        async with aclosing(self._by_requests(avoided, last)) as sounds:
            async for sound in sounds:
                yield sound

    async def _by_requests(self, avoided: Server | None, last: ServerFailure | None) -> AsyncGenerator[Sound]:
        """The next one is sent as soon as the one before it is heard."""
        line: asyncio.Queue[Ahead | None] = asyncio.Queue()
        places = asyncio.Semaphore(_AT_ONCE)
        sent: list[Ahead] = []

        async def send() -> None:
            async for text in self._inbox.requests():
                await places.acquire()
                source = self._fleet.speak(self._order, text, avoided, last)
                sent.append(Ahead(source, self._settings.lead_seconds))
                line.put_nowait(sent[-1])
                await sent[-1].begun.wait()
            line.put_nowait(None)

        sender = asyncio.create_task(send())
        try:
            while (ahead := await line.get()) is not None:
                async with aclosing(ahead.sounds()) as sounds:
                    async for sound in sounds:
                        yield sound
                await ahead.aclose()
                sent.remove(ahead)
                places.release()
        finally:
            sender.cancel()
            await asyncio.gather(sender, *(ahead.aclose() for ahead in sent), return_exceptions=True)
