"""The HTTP side as part of the house; imported only where the server runs, for aiohttp takes its time."""

import logging
from collections.abc import Callable

from koe.adapters.http import batch, busy, speech, speech_catalog, voices, websocket
from koe.adapters.http.house import House, Transcribe
from koe.adapters.http.metrics import Metrics
from koe.adapters.http.security import is_loopback
from koe.adapters.http.server import HttpServer
from koe.adapters.http.tokens import load_or_make_token, token_path
from koe.adapters.transcription import transcribe
from koe.core.errors import SettingsError
from koe.engine.qwen.engine import QwenEngine
from koe.engine.qwen.guards import Counters
from koe.pipelines.design_clone import Designer
from koe.settings import Loaded
from koe.settings.listen import ListenAddress
from koe.speech import Speaker
from koe.voices.store import VoiceStore

_log = logging.getLogger(__name__)

ENDPOINTS = (
    *speech.ENDPOINTS,
    *speech_catalog.ENDPOINTS,
    *batch.ENDPOINTS,
    *websocket.ENDPOINTS,
    *voices.ENDPOINTS,
)


async def start_http(loaded: Loaded, speaker: Speaker, store: VoiceStore) -> tuple[HttpServer | None, str | None]:
    """The server, and the token if it was made just now.

    None where it is switched off, or can't start: the house speaks on without it, and the log says why.
    """
    settings = loaded.settings.http
    if not settings.enabled:
        return None, None
    try:
        token, made = None, False
        if not all(_this_machine_alone(address) for address in settings.listen):
            token, made = load_or_make_token(token_path(settings, loaded.data_dir))
        house = House(loaded, speaker, store, Designer(loaded.data_dir, speaker), _transcriber(loaded))
        server = HttpServer(house, ENDPOINTS, settings, token, metrics=Metrics(_counters(speaker)))
        busy.install(server.app, settings)
        await server.start()
    except SettingsError as error:
        _log.error("there is no HTTP now: %s", error.message)
        return None, None
    for uri in server.uris:
        _log.info("listening on %s", uri)
    return server, token if made else None


def _this_machine_alone(address: ListenAddress) -> bool:
    if address.kind == "unix":
        return True
    try:
        return is_loopback(address.host)
    except ValueError:
        return address.host == "localhost"


def _transcriber(loaded: Loaded) -> Transcribe:
    settings = loaded.settings.transcription

    async def heard(pcm: bytes, sample_rate: int, language: str | None) -> str:
        return await transcribe(pcm, sample_rate, language, settings.server, timeout=settings.timeout)

    return heard


def _counters(speaker: Speaker) -> Callable[[], Counters] | None:
    engine = speaker.engine("qwen")
    return (lambda: engine.counters) if isinstance(engine, QwenEngine) else None
