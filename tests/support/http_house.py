"""A Speaker, voices and an HTTP server in this process, and a client of aiohttp."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.house import House, Transcribe
from koe.adapters.http.metrics import Metrics
from koe.adapters.http.security import Trust
from koe.adapters.http.server import HttpServer
from koe.engine import Engine
from koe.engine.fake import FakeEngine
from koe.pipelines.design_clone import Designer
from koe.settings import ListenAddress, Loaded, Settings, SpeechSettings, VoiceSettings
from koe.settings.schema.http import HttpSettings
from koe.speech import Speaker
from koe.voices.store import VoiceStore
from tests.support.house import PATIENCE

TOKEN = "the-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STRANGER = "127.0.0.9"
"""A loopback address as well, but one that STRANGERS takes for somebody elsewhere."""

STRANGERS = Trust(local=lambda address: address in ("127.0.0.1", "unix"), supervisor="127.0.0.7")


@dataclass
class HttpHouse:
    house: House
    server: HttpServer
    client: aiohttp.ClientSession
    """Its paths are relative to `url`: `client.get("/health")`."""

    metrics: Metrics

    @property
    def url(self) -> str:
        """Such as `http://127.0.0.1:40123`; the first address that it listens on."""
        return self.server.uris[0]

    @property
    def port(self) -> int:
        return ListenAddress.parse(self.server.listening[0]).port

    @asynccontextmanager
    async def coming_from(self, address: str, **options: Any) -> AsyncIterator[aiohttp.ClientSession]:
        """A client at another address of 127.0.0.0/8, which keeps no cookies unless it is told to."""
        options.setdefault("cookie_jar", aiohttp.DummyCookieJar())
        connector = aiohttp.TCPConnector(local_addr=(address, 0), ssl=False)
        timeout = aiohttp.ClientTimeout(PATIENCE)
        async with aiohttp.ClientSession(self.url, connector=connector, timeout=timeout, **options) as client:
            yield client

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A bare connection, for what no decent client sends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def nobody_listens(pcm: bytes, rate: int, language: str | None) -> str:
    """In place of a speech-to-text server."""
    return "what was said"


@asynccontextmanager
async def http_house(
    data_dir: Path,
    endpoints: Sequence[Endpoint] = (),
    *engines: Engine,
    fallback: str | None = None,
    speech: SpeechSettings | None = None,
    voice: VoiceSettings | None = None,
    transcribe: Transcribe = nobody_listens,
    listen: Sequence[str] = ("tcp://127.0.0.1:0",),
    token: str | None = TOKEN,
    trust: Trust | None = None,
    prepare: Callable[[web.Application, HttpSettings], None] | None = None,
    grace: float = 0.0,
    **http: Any,
) -> AsyncIterator[HttpHouse]:
    """Running from here to the end of the block.

    `engines`: a FakeEngine where none is given; EspeakEngine() works as well. `data_dir`: a tmp_path. `prepare` may put
    more into the application before it starts. `http` are settings of that section, also beyond their limits
    (`idle_timeout=0.2`).
    """
    store = VoiceStore(data_dir)
    speech, voice = speech or SpeechSettings(), voice or VoiceSettings()
    speaker = Speaker(
        engines or (FakeEngine(),),
        fallback=fallback,
        default_language="en-US",
        speech=speech,
        voice=voice,
        store=store,
    )
    addresses = tuple(ListenAddress.parse(uri) for uri in listen)
    section = HttpSettings().model_copy(update={"listen": addresses, **http})
    settings = Settings().model_copy(update={"http": section, "speech": speech, "voice": voice})
    loaded = Loaded(settings, data_dir, data_dir / "config" / "koe.yaml", {})
    house, metrics = House(loaded, speaker, store, Designer(data_dir, speaker), transcribe), Metrics()
    server = HttpServer(house, endpoints, section, token, metrics=metrics, trust=trust)
    if prepare is not None:
        prepare(server.app, section)
    await speaker.start()
    try:
        await server.start()
        base = server.uris[0] if server.uris[0].startswith("http") else None
        async with aiohttp.ClientSession(base, timeout=aiohttp.ClientTimeout(PATIENCE)) as client:
            yield HttpHouse(house, server, client, metrics)
    finally:
        await server.stop(grace)
        await speaker.stop()


async def fuzz(it: HttpHouse, *, examples: int = 20, without: Sequence[str] = ()) -> None:
    """Try every endpoint against the OpenAPI document with made-up requests, good and bad, the same at each run; fails
    at a 500, and at an answer that the document doesn't know. `without`: paths."""
    document = await (await it.client.get("/openapi.json")).json()
    await asyncio.to_thread(_fuzz, document, it.url, examples, without)


def _fuzz(document: dict[str, Any], url: str, examples: int, without: Sequence[str]) -> None:
    # Imported here, because it takes a second.
    import hypothesis
    import requests
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Err
    from schemathesis.specs.openapi import checks

    same_each_time = hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    # Not whether what fits the schema is accepted: a voice that doesn't exist fits as well.
    looked_for = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    with requests.Session() as session:
        for found in schemathesis.openapi.from_dict(document).get_all_operations():
            if isinstance(found, Err):
                raise found.err()
            operation = found.ok()
            for good_or_bad in schemathesis.GenerationMode if operation.path not in without else ():

                @same_each_time
                @hypothesis.given(case=operation.as_strategy(generation_mode=good_or_bad))
                def try_one(case: Any) -> None:
                    case.call_and_validate(base_url=url, session=session, checks=looked_for, timeout=PATIENCE)

                # There is no bad request where nothing can be given.
                with contextlib.suppress(hypothesis.errors.Unsatisfiable):
                    try_one()
