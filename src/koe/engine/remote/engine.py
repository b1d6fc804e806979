"""Speech servers elsewhere, as an engine of this house."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from koe.core.errors import EngineUnavailable, UsualProblem
from koe.core.voice import Voice
from koe.engine import Priority, SpeechOptions
from koe.engine.remote.clips import Clips
from koe.engine.remote.fleet import Fleet
from koe.engine.remote.listing import RemoteVoice
from koe.engine.remote.order import Order
from koe.engine.remote.server import Server, ServerState
from koe.engine.remote.stream import RemoteStream
from koe.engine.remote.wire import Wire, open_session
from koe.settings.schema.remote import RemoteSettings

_log = logging.getLogger(__name__)

_SOONEST = 0.5
"""Seconds between two looks at a server that is in trouble; twice as long each time."""


class RemoteEngine:
    name = "remote"
    takes_live_text = True

    def __init__(self, settings: RemoteSettings, data_dir: Path, styles: Mapping[str, str]) -> None:
        """`data_dir`: where relative names of key files begin. `styles`: what a voice is told for each style, where a
        server has none of its own."""
        self._settings, self._data_dir, self._styles = settings, data_dir, styles
        self._fleet = Fleet((), settings.max_requests)
        self._session: aiohttp.ClientSession | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._streams: set[RemoteStream] = set()

    async def start(self) -> None:
        """Where no server can be asked yet, it only waits for one: `lacks` says so."""
        session = self._session = open_session(self._settings)
        clips = Clips()
        self._fleet = Fleet(
            [
                Server(each, self._settings, Wire(each, session, self._data_dir), clips)
                for each in self._settings.servers
            ],
            self._settings.max_requests,
        )
        await self.refresh()
        self._watchers = [asyncio.create_task(self._watch(server)) for server in self._fleet.servers]

    async def stop(self) -> None:
        for stream in self._streams:
            stream.stop()
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def lacks(self) -> str:
        """Why nobody can speak, and what to do; empty where somebody can."""
        return self._fleet.lacks

    @property
    def problem(self) -> UsualProblem | None:
        """A name for that."""
        return "no-server" if self.lacks else None

    @property
    def unseen(self) -> str:
        """Why voices of some servers may not be known yet; empty where all have been seen."""
        return "; ".join(f"{server}: {server.trouble}" for server in self._fleet.servers if server.listing is None)

    async def refresh(self) -> None:
        """Look at all servers."""
        await asyncio.gather(*(server.look(tuple(self._styles)) for server in self._fleet.servers))

    def use_styles(self, styles: Mapping[str, str]) -> None:
        """What a voice is told for each style that requests name from now on."""
        self._styles = styles

    def servers(self) -> list[ServerState]:
        """How each of them is, in the order of the settings."""
        return [server.state for server in self._fleet.servers]

    def voices(self) -> Sequence[Voice]:
        """Also of servers that can't be asked just now: Home Assistant keeps them in its pipelines."""
        found: dict[str, RemoteVoice] = {}
        for server in self._fleet.servers:
            for id, voice in server.listing.voices.items() if server.listing is not None else ():
                found.setdefault(id, voice)
        return [Voice(id, each.title, each.languages, self.name, styles=each.styles) for id, each in found.items()]

    @property
    def can_clone(self) -> bool:
        """Whether it speaks in the voices of clips."""
        return any(server.listing is not None and server.listing.clones for server in self._fleet.servers)

    @property
    def can_design(self) -> bool:
        """Whether it speaks in voices of a description."""
        return any(server.listing is not None and server.listing.designs for server in self._fleet.servers)

    def open(self, voice: Voice, options: SpeechOptions) -> RemoteStream:
        if self._session is None:
            raise EngineUnavailable("the remote engine is not running")
        order = self._order(voice, options)
        stream = RemoteStream(self._fleet, order, self._settings, live=options.live_text, gone=self._streams.discard)
        self._streams.add(stream)
        return stream

    def _order(self, voice: Voice, options: SpeechOptions) -> Order:
        made_up = options.clip is not None or options.description is not None
        return Order(
            voice="" if made_up else voice.id,
            language=options.language,
            style=options.style,
            style_words=self._styles.get(options.style or ""),
            instruct=options.instruct,
            # All requests of a stream have the same, so that its sentences sound alike.
            seed=secrets.randbits(31) if options.seed is None else options.seed,
            sampling=options.sampling,
            clip=options.clip,
            description=options.description if options.clip is None else None,
            size=options.size,
            patient=options.wait,
            batch=options.priority > Priority.ROOM,
            max_seconds=options.max_seconds,
        )

    async def _watch(self, server: Server) -> None:
        """Look at it now and then: soon after it failed, and more and more rarely while it stays away."""
        pause, longest = _SOONEST, self._settings.check_interval
        while True:
            pause = min(2 * pause, longest) if server.trouble else _SOONEST
            server.doubtful.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause if server.trouble else longest):
                    await server.doubtful.wait()
            await self._look(server)
            # Whatever may fail: nobody is looked at all the time.
            await asyncio.sleep(min(_SOONEST, longest))

    async def _look(self, server: Server) -> None:
        try:
            await server.look(tuple(self._styles))
        except Exception:
            # Whatever it was, the next look may go better: without one the server would be lost for good.
            _log.exception("unexpected failure while looking at the speech server %s", server)
