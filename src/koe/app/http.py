"""The HTTP side as part of the house; imported only where the server runs, for aiohttp takes its time."""

import asyncio
import contextlib
import logging

from aiohttp import web

from koe.adapters.http import (
    announce,
    batch,
    bench,
    busy,
    codec,
    composing,
    conversation,
    history,
    jobs,
    models,
    neighbours,
    overview,
    projects,
    runs,
    speech,
    speech_catalog,
    voices,
    websocket,
    websocket_omni,
    words,
)
from koe.adapters.http import settings as settings_api
from koe.adapters.http.house import House, Outside, Transcribe
from koe.adapters.http.metrics import Metrics
from koe.adapters.http.security import is_loopback
from koe.adapters.http.server import HttpServer
from koe.adapters.http.tokens import load_or_make_token, token_path
from koe.adapters.transcription import transcribe
from koe.app import cached_voices, clone_obstacle, design_obstacle
from koe.app.announce import announcements
from koe.app.coming import coming_voices
from koe.app.jobs import OpenJobs
from koe.app.settings import live_settings
from koe.app.words import word_timer
from koe.core.errors import KoeError, SettingsError
from koe.engine.qwen.checkpoints import find
from koe.engine.qwen.cpu.bench_process import Bench
from koe.engine.qwen.engine import QwenEngine, cloner
from koe.engine.remote import RemoteEngine
from koe.pipelines import composing as mixes
from koe.pipelines import conversation as dialogues
from koe.pipelines import speak
from koe.pipelines.design_clone import Designer
from koe.pipelines.speak import SpeechProducer
from koe.settings import LiveSettings, Loaded
from koe.settings.listen import ListenAddress
from koe.speech import Speaker
from koe.storage.outputs import Outputs
from koe.storage.projects import Projects
from koe.voices.store import VoiceStore

_log = logging.getLogger(__name__)

ENDPOINTS = (
    *speech.ENDPOINTS,
    *speech_catalog.ENDPOINTS,
    *batch.ENDPOINTS,
    *conversation.ENDPOINTS,
    *composing.ENDPOINTS,
    *websocket.ENDPOINTS,
    *websocket_omni.ENDPOINTS,
    *voices.ENDPOINTS,
    *codec.ENDPOINTS,
    *models.ENDPOINTS,
    *bench.ENDPOINTS,
    *settings_api.ENDPOINTS,
    *history.ENDPOINTS,
    *runs.ENDPOINTS,
    *words.ENDPOINTS,
    *jobs.ENDPOINTS,
    *projects.ENDPOINTS,
    *announce.ENDPOINTS,
    *overview.ENDPOINTS,
    *neighbours.ENDPOINTS,
)


async def start_http(
    loaded: Loaded,
    speaker: Speaker,
    store: VoiceStore,
    metrics: Metrics,
    outputs: Outputs | None,
    open_jobs: OpenJobs | None = None,
    outside: Outside | None = None,
) -> tuple[HttpServer | None, str | None]:
    """The server, and the token if it was made just now.

    None where it is switched off, or can't start: the house speaks on without it, and the log says why. `outputs`:
    None where no runs are kept; `open_jobs`: None where there are no jobs.
    """
    settings = loaded.settings.http
    if not settings.enabled:
        return None, None
    try:
        token, made = None, False
        if not all(_this_machine_alone(address) for address in settings.listen):
            token, made = load_or_make_token(token_path(settings, loaded.data_dir))
        live = live_settings(loaded, speaker)
        server = _server(loaded, speaker, store, live, metrics, outside or Outside(), token)
        await _install(server.app, loaded, speaker, live, metrics, outputs, open_jobs)
        await server.start()
    except SettingsError as error:
        _log.error("there is no HTTP now: %s", error.message)
        return None, None
    for uri in server.uris:
        _log.info("listening on %s", uri)
    return server, token if made else None


def _server(
    loaded: Loaded,
    speaker: Speaker,
    store: VoiceStore,
    live: LiveSettings,
    metrics: Metrics,
    outside: Outside,
    token: str | None,
) -> HttpServer:
    """Not started yet."""
    house = House(
        loaded,
        speaker,
        store,
        Designer(loaded.data_dir, speaker),
        _transcriber(live),
        cached_voices=lambda: cached_voices(house.loaded),
        clone_obstacle=lambda: None if speaker.can_clone else clone_obstacle(house.loaded),
        design_obstacle=lambda: design_obstacle(house.loaded),
        coming_voices=lambda: coming_voices(house, models.downloads_of(server.app)),
        model_loaded=lambda voice_id: _model_loaded(house, voice_id),
        outside=outside,
    )
    server = HttpServer(house, ENDPOINTS, loaded.settings.http, token, metrics=metrics)
    return server


async def _install(
    app: web.Application,
    loaded: Loaded,
    speaker: Speaker,
    live: LiveSettings,
    metrics: Metrics,
    outputs: Outputs | None,
    open_jobs: OpenJobs | None,
) -> None:
    """What the endpoints need beside the house."""
    busy.install(app, loaded.settings.http)
    models.install(app)
    neighbours.install(app)
    bench.install(app, Bench(loaded.data_dir))
    settings_api.install(app, live)
    announce.install(app, announcements(loaded.settings, speaker, metrics))
    if outputs is not None:
        again = {
            speak.TASK: runs.speaking_again(SpeechProducer(speaker, outputs)),
            dialogues.TASK: conversation.again,
            mixes.TASK: composing.again,
        }
        runs.install(app, outputs, again)
        projects.install(app, await _open_projects(loaded, outputs, app))
        words.install(app, word_timer(loaded, outputs, speaker, deadline=words.DEADLINE))
    if open_jobs is not None:
        jobs.install(app, open_jobs.queue, open_jobs.store)


async def _open_projects(loaded: Loaded, outputs: Outputs, app: web.Application) -> Projects:
    """Until the server stops."""
    opened = Projects(loaded.data_dir / "outputs" / "projects", lambda run, name: outputs.get(run).file(name))
    try:
        await asyncio.to_thread(opened.tidy)
    except KoeError as error:
        _log.warning("what is left of unfinished projects stays: %s", error.message)

    async def close(app: web.Application) -> None:
        await asyncio.to_thread(opened.close)

    app.on_cleanup.append(close)
    return opened


def _this_machine_alone(address: ListenAddress) -> bool:
    if address.kind == "unix":
        return True
    try:
        return is_loopback(address.host)
    except ValueError:
        return address.host == "localhost"


def _transcriber(live: LiveSettings) -> Transcribe:
    async def heard(pcm: bytes, sample_rate: int, language: str | None) -> str:
        settings = live.in_force.settings.transcription
        return await transcribe(pcm, sample_rate, language, settings.server, timeout=settings.timeout)

    return heard


def house_metrics(speaker: Speaker) -> Metrics:
    """Of all adapters."""
    qwen, remote = speaker.engine("qwen"), speaker.engine("remote")
    return Metrics(
        (lambda: qwen.counters) if isinstance(qwen, QwenEngine) else None,
        remote.servers if isinstance(remote, RemoteEngine) else None,
    )


def _model_loaded(house: House, voice_id: str) -> bool:
    engine, loaded = house.speaker.engine("qwen"), house.loaded
    if isinstance(engine, QwenEngine) and voice_id in (own := {each.id: each for each in house.store.profiles()}):
        with contextlib.suppress(KoeError):
            checkpoint = cloner(find(loaded.data_dir), loaded.settings.engine.qwen, own[voice_id].size)
            held = engine.held().get(checkpoint.name)
            return bool(own[voice_id].base) or (held is not None and held.ready)
    return True
