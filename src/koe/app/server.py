"""The server: what belongs to it, in the order in which it starts and stops. Imported only where it runs."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from koe import logs
from koe.adapters.addresses import IPAddress, reachable
from koe.adapters.discovery import Discovery
from koe.adapters.http.house import Announced, Outside
from koe.adapters.http.server import HttpServer
from koe.adapters.neighbours import find_neighbours
from koe.adapters.wyoming import WyomingServer
from koe.app import open_speaker, outputs_of, tidy, voice_store
from koe.app.http import house_metrics, start_http
from koe.app.jobs import OpenJobs, start_jobs_if_possible
from koe.core.errors import KoeError, SettingsError
from koe.core.voice import Voice
from koe.engine.qwen.engine import QwenEngine
from koe.pipelines.keeper import Keeper
from koe.settings import ListenAddress, Loaded, Settings
from koe.settings.listen import EVERY_ADDRESS
from koe.speech import Speaker
from koe.storage.outputs import Outputs
from koe.voices.store import VoiceStore

_log = logging.getLogger(__name__)

_WILDCARDS = (EVERY_ADDRESS, "0.0.0.0", "::")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a newcomer needs to know of a server that has just started."""

    name: str
    """Under which Home Assistant shows it."""

    uris: tuple[str, ...]
    """Where clients reach it."""

    voices: tuple[Voice, ...]

    default_voice: Voice | None

    discoverable: bool

    data_dir: Path

    http: tuple[str, ...] = ()

    token: str | None = None
    """For everybody elsewhere; only where it was made just now."""


def serve(loaded: Loaded, *, announce: Callable[[ServerInfo], None]) -> int:
    """Run the server until SIGTERM or SIGINT; the exit code. Raises KoeError if it can't start."""
    tail = logs.configure(loaded.settings.log.level, loaded.settings.log.format)
    return asyncio.run(_serve(loaded, announce, tail))


async def _serve(loaded: Loaded, announce: Callable[[ServerInfo], None], tail: logs.LogTail) -> int:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for signal_number in _SIGNALS:
        loop.add_signal_handler(signal_number, stopping.set)
    store = voice_store(loaded)
    async with open_speaker(loaded, store=store) as speaker:
        if isinstance(qwen := speaker.engine("qwen"), QwenEngine):
            qwen.warm_up()
        await asyncio.to_thread(tidy, loaded)
        serving = _Serving(loaded, speaker, store)
        await serving.listen()
        try:
            await serving.open(tail)
            await _unless(stopping, speaker.warm_up())
            if not stopping.is_set():
                announce(serving.info())
            await stopping.wait()
            # Whoever asks a second time doesn't want to wait: the system's own ways apply again.
            for signal_number in _SIGNALS:
                loop.remove_signal_handler(signal_number)
            _log.info("stopping")
        finally:
            await serving.close()
    _log.info("stopped")
    return 0


class _Serving:
    """The Wyoming server, and all that is around it."""

    def __init__(self, loaded: Loaded, speaker: Speaker, store: VoiceStore) -> None:
        settings = loaded.settings
        self._loaded, self._speaker, self._store = loaded, speaker, store
        self._metrics = house_metrics(speaker)
        self._server = WyomingServer(speaker, settings.wyoming, settings.name, self._metrics)
        self._outputs = outputs_of(loaded)
        self._keeper = Keeper(self._outputs)
        self._discovery: Discovery | None = None
        self._http: HttpServer | None = None
        self._jobs: OpenJobs | None = None
        self._token: str | None = None

    async def listen(self) -> None:
        """To Wyoming clients. Raises SettingsError."""
        await self._server.start()
        for uri in self._server.uris:
            _log.info("listening on %s", uri)

    async def open(self, tail: logs.LogTail) -> None:
        """What is around it. Raises SettingsError."""
        loaded, speaker = self._loaded, self._speaker
        self._discovery = _discovery(loaded.settings, self._server)
        if self._discovery is not None:
            await self._discovery.start()
        kept = None
        if await _keep(self._outputs):
            kept = self._outputs
            speaker.keep_with(self._keeper.hear)
            speaker.keeps_rooms = loaded.settings.outputs.keep_rooms
            self._jobs = await start_jobs_if_possible(loaded, speaker, kept, self._store)
        seen = _outside(self._server, self._discovery, tail)
        self._http, self._token = await start_http(loaded, speaker, self._store, self._metrics, kept, self._jobs, seen)

    def info(self) -> ServerInfo:
        return ServerInfo(
            name=self._loaded.settings.name,
            uris=tuple(uri for bound in self._server.uris for uri in _client_uris(bound)),
            voices=tuple(self._speaker.voices()),
            default_voice=self._speaker.usual_voice(),
            discoverable=self._discovery is not None,
            data_dir=self._loaded.data_dir,
            http=_web_uris(self._http.uris) if self._http is not None else (),
            token=self._token,
        )

    async def close(self) -> None:
        """Whatever was opened of it."""
        grace = self._loaded.settings.stop.grace
        try:
            if self._discovery is not None:
                await self._discovery.stop()
        finally:
            try:
                leaving = [each.stop(grace) for each in (self._server, self._http) if each is not None]
                # Who watches a job would otherwise keep its connection for the whole grace.
                await asyncio.gather(*leaving, *([self._jobs.stop()] if self._jobs is not None else ()))
            finally:
                if self._jobs is not None:
                    await self._jobs.close()
                await asyncio.to_thread(self._keeper.close)
                await asyncio.to_thread(self._outputs.close)


async def _keep(outputs: Outputs) -> bool:
    """Whether runs can be kept; where the disk fails, the house speaks on without. Raises SettingsError where another
    server keeps its own there."""
    try:
        await asyncio.to_thread(outputs.serve)
    except SettingsError:
        raise
    except KoeError as error:
        _log.error("no runs are kept now: %s", error.message)
        return False
    return True


async def _unless(stopping: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work, or give it up as soon as the server is to stop."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        waiting.cancel()
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


def _discovery(settings: Settings, server: WyomingServer) -> Discovery | None:
    bound = [ListenAddress.parse(uri) for uri in server.uris if uri.startswith("tcp:")]
    if not settings.discovery.enabled or not bound:
        return None
    # Home Assistant keeps one port per server: that of the first address.
    port = bound[0].port
    same_port = [address for address in bound if address.port == port]
    return Discovery(settings.name, port, lambda: reachable(same_port), settings.discovery.check_interval)


def _outside(server: WyomingServer, discovery: Discovery | None, tail: logs.LogTail) -> Outside:
    def announced() -> Announced | None:
        if discovery is None or discovery.name is None:
            return None
        return Announced(discovery.name, tuple(map(str, discovery.addresses)), discovery.port)

    uris = tuple(uri for bound in server.uris for uri in _client_uris(bound))
    return Outside(uris, announced, find_neighbours, tail)


def _client_uris(bound: str) -> list[str]:
    """A wildcard is no address that a client could use."""
    address = ListenAddress.parse(bound)
    if address.host not in _WILDCARDS:
        return [bound]
    return [_uri(ip, address.port) for ip in reachable([address])]


def _web_uris(bound: Sequence[str]) -> tuple[str, ...]:
    """Where browsers reach it; a unix socket is for proxies."""
    found = []
    for uri in bound:
        scheme, _, rest = uri.partition("://")
        if scheme.startswith("http"):
            found += [each.replace("tcp", scheme, 1) for each in _client_uris(f"tcp://{rest}")]
    return tuple(found)


def _uri(ip: IPAddress, port: int) -> str:
    return f"tcp://[{ip}]:{port}" if ip.version == 6 else f"tcp://{ip}:{port}"
