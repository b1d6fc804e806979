"""The composition root: builds everything once, passes it down, owns the order of start and stop."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from koe import logs
from koe.adapters.addresses import IPAddress, reachable
from koe.adapters.discovery import Discovery
from koe.adapters.neighbours import find_neighbours
from koe.adapters.wyoming import WyomingServer
from koe.core.errors import EngineUnavailable, KoeError, SettingsError, UnknownVoice
from koe.core.installation import install
from koe.core.languages import canonical
from koe.core.voice import Voice
from koe.engine import Engine
from koe.engine.espeak import EspeakEngine
from koe.engine.fake import FakeEngine
from koe.engine.qwen.checkpoints import Checkpoint, find
from koe.engine.qwen.engine import QwenEngine, cloner, designer, is_installed
from koe.engine.qwen.prompt_files import is_cached, sweep
from koe.pipelines.keeper import Keeper
from koe.settings import ListenAddress, Loaded, QwenSettings, Settings, Source, SourceKind
from koe.settings.listen import EVERY_ADDRESS
from koe.speech import Speaker
from koe.storage.outputs import Limits, Outputs
from koe.voices.store import VoiceStore

if TYPE_CHECKING:
    from koe.adapters.http.house import Outside

_log = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "en-US"
_WILDCARDS = (EVERY_ADDRESS, "0.0.0.0", "::")


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


@asynccontextmanager
async def open_speaker(
    loaded: Loaded, environ: Mapping[str, str] = os.environ, *, store: VoiceStore | None = None
) -> AsyncIterator[Speaker]:
    """A Speaker with its engines started, and stopped at the end. Raises EngineUnavailable, UnknownVoice."""
    settings = loaded.settings
    speaker = Speaker(
        _engines(settings, loaded.data_dir),
        fallback=settings.engine.fallback,
        engine=settings.engine.default if settings.engine.default != "auto" else None,
        default_language=system_language(environ),
        speech=settings.speech,
        voice=settings.voice,
        store=store or voice_store(loaded),
    )
    try:
        await _start(speaker, loaded)
        yield speaker
    finally:
        await speaker.stop()


async def _start(speaker: Speaker, loaded: Loaded) -> None:
    """Somebody may have removed the voice that was chosen over HTTP: that must not keep the house from starting."""
    try:
        await speaker.start()
    except UnknownVoice as error:
        source = loaded.sources.get("voice.default", Source())
        if source.kind is not SourceKind.OVERLAY:
            raise
        _log.warning("voice.default (%s): %s", source, error.message)


def voice_store(loaded: Loaded) -> VoiceStore:
    """The voices that users made, and those that config/voices.yaml declares."""
    return VoiceStore(loaded.data_dir, loaded.data_dir / "config" / "voices.yaml")


def outputs_of(loaded: Loaded) -> Outputs:
    """Finished runs and their history; neither served nor visited yet."""
    settings = loaded.settings.outputs
    age = timedelta(days=settings.max_age_days) if settings.max_age_days is not None else None
    return Outputs(loaded.data_dir / "outputs", Limits(age, settings.max_bytes))


def cached_voices(loaded: Loaded) -> set[str]:
    """Ids of the cloned voices that speak without hearing their clips first."""
    store, qwen = voice_store(loaded), loaded.settings.engine.qwen
    found, cached = find(loaded.data_dir), set()
    for profile in store.profiles():
        with contextlib.suppress(KoeError):
            clip = store.clip(profile)
            if clip is not None and is_cached(loaded.data_dir, clip.digest, cloner(found, qwen, profile.size)):
                cached.add(profile.id)
    return cached


def clone_obstacle(loaded: Loaded) -> KoeError | None:
    """Why no cloned voice can speak here, and what to do; None where it can, or a server elsewhere may do it."""
    return _obstacle(loaded, cloner)


def design_obstacle(loaded: Loaded) -> KoeError | None:
    """Why no voice can be designed here, and what to do, in the same way."""
    return _obstacle(loaded, designer)


def _obstacle(
    loaded: Loaded, choose: Callable[[Sequence[Checkpoint], QwenSettings, str | None], Checkpoint]
) -> KoeError | None:
    qwen = loaded.settings.engine.qwen
    if loaded.settings.engine.remote.servers:
        return None
    if not is_installed():
        return EngineUnavailable(f"Qwen3-TTS is not installed: run {install('qwen')}", problem="not-installed")
    if not qwen.enabled:
        return EngineUnavailable("the setting engine.qwen.enabled is false", problem="qwen-disabled")
    try:
        choose(find(loaded.data_dir), qwen, None)
    except KoeError as error:
        return error
    return None


def tidy(loaded: Loaded) -> None:
    """Remove what belongs to voices that are no more. A folder that can't be written stays as it is."""
    store = voice_store(loaded)
    try:
        digests = {clip.digest for profile in store.profiles() if (clip := store.clip(profile)) is not None}
        if not store.broken():
            store.sweep()
            sweep(loaded.data_dir, digests)
    except (KoeError, OSError) as error:
        _log.warning("what is left of removed voices stays: %s", error)


def system_language(environ: Mapping[str, str]) -> str:
    """BCP-47 tag of the system's language; English where it has none."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        # C, POSIX and names such as `german` are no tags.
        with contextlib.suppress(ValueError):
            return canonical(environ.get(name, ""))
    return DEFAULT_LANGUAGE


async def _serve(loaded: Loaded, announce: Callable[[ServerInfo], None], tail: logs.LogTail) -> int:
    settings = loaded.settings
    stopping = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopping.set)
    from koe.app.http import house_metrics, start_http
    from koe.app.jobs import start_jobs_if_possible

    store = voice_store(loaded)
    async with open_speaker(loaded, store=store) as speaker:
        if isinstance(qwen := speaker.engine("qwen"), QwenEngine):
            qwen.warm_up()
        await asyncio.to_thread(tidy, loaded)
        metrics = house_metrics(speaker)
        server = WyomingServer(speaker, settings.wyoming, settings.name, metrics)
        await server.start()
        for uri in server.uris:
            _log.info("listening on %s", uri)
        discovery, http, outputs, jobs = _discovery(settings, server), None, outputs_of(loaded), None
        keeper = Keeper(outputs)
        try:
            if discovery is not None:
                await discovery.start()
            keeps = await _keep(outputs)
            if keeps:
                speaker.keep_with(keeper.hear)
                speaker.keeps_rooms = settings.outputs.keep_rooms
            jobs = await start_jobs_if_possible(loaded, speaker, outputs, store) if keeps else None
            seen = _outside(server, discovery, tail)
            http, token = await start_http(loaded, speaker, store, metrics, outputs if keeps else None, jobs, seen)
            await _unless(stopping, speaker.warm_up())
            if not stopping.is_set():
                info = _server_info(loaded, speaker, server, discoverable=discovery is not None)
                announce(replace(info, http=_web_uris(http.uris) if http is not None else (), token=token))
            await stopping.wait()
            # Whoever asks a second time doesn't want to wait: the system's own ways apply again.
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().remove_signal_handler(signal_number)
            _log.info("stopping")
        finally:
            try:
                if discovery is not None:
                    await discovery.stop()
            finally:
                try:
                    leaving = [each.stop(settings.stop.grace) for each in (server, http) if each is not None]
                    # Who watches a job would otherwise keep its connection for the whole grace.
                    await asyncio.gather(*leaving, *([jobs.stop()] if jobs is not None else ()))
                finally:
                    if jobs is not None:
                        await jobs.close()
                    await asyncio.to_thread(keeper.close)
                    await asyncio.to_thread(outputs.close)
    _log.info("stopped")
    return 0


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


def _engines(settings: Settings, data_dir: Path) -> Sequence[Engine]:
    """The default engine first."""
    chosen = settings.engine
    engines: list[Engine] = [EspeakEngine(chosen.espeak.rate, chosen.espeak.pitch)]
    if chosen.default == "qwen" or (chosen.qwen.enabled and is_installed()):
        engines.insert(0, QwenEngine(chosen.qwen, data_dir))
    if chosen.remote.servers:
        # aiohttp takes its time: only those who need it wait for it.
        from koe.engine.remote import RemoteEngine

        engines.insert(0, RemoteEngine(chosen.remote, data_dir, chosen.qwen.styles))
    if chosen.fake.enabled:
        engines.append(FakeEngine())
    return sorted(engines, key=lambda engine: chosen.default not in ("auto", engine.name))


def _discovery(settings: Settings, server: WyomingServer) -> Discovery | None:
    bound = [ListenAddress.parse(uri) for uri in server.uris if uri.startswith("tcp:")]
    if not settings.discovery.enabled or not bound:
        return None
    # Home Assistant keeps one port per server: that of the first address.
    port = bound[0].port
    same_port = [address for address in bound if address.port == port]
    return Discovery(settings.name, port, lambda: reachable(same_port), settings.discovery.check_interval)


def _server_info(loaded: Loaded, speaker: Speaker, server: WyomingServer, *, discoverable: bool) -> ServerInfo:
    return ServerInfo(
        name=loaded.settings.name,
        uris=tuple(uri for bound in server.uris for uri in _client_uris(bound)),
        voices=tuple(speaker.voices()),
        default_voice=speaker.usual_voice(),
        discoverable=discoverable,
        data_dir=loaded.data_dir,
    )


def _outside(server: WyomingServer, discovery: Discovery | None, tail: logs.LogTail) -> "Outside":
    # Imported where the server runs: aiohttp takes its time.
    from koe.adapters.http.house import Announced, Outside

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
