"""Speech servers of others, as they are in the field: vLLM-Omni in both flavours, Nari's, faster-qwen3-tts's and
Kokoro-FastAPI's; down to headers, chunks, refusals and the ways in which they break.

A text sounds as a tone that only it has: `spoken(text)` is what must arrive.
"""

import asyncio
import base64
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from aiohttp import WSMsgType, web

from koe.audio.files import wav_header
from koe.core.languages import ENGLISH_NAMES
from koe.core.pcm import to_int16
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.remote import RemoteEngine
from koe.engine.remote.stream import RemoteStream
from koe.settings.schema.remote import RemoteSettings
from tests.support.house import PATIENCE

Flavour = Literal["A", "B", "nari", "faster", "kokoro"]

RATE = 24_000
SPEAKERS = ("aiden", "dylan", "eric", "ono_anna", "ryan", "serena", "sohee", "uncle_fu", "vivian")
LANGUAGES = ("Auto", *ENGLISH_NAMES.values())

_NARI = {"model", "voice", "language", "seed", "temperature", "top_k", "top_p", "repetition_penalty", "max_new_tokens"}
_NARI |= {"input", "instruct", "instructions", "response_format", "stream", "speed", "non_streaming_mode"}


def spoken(text: str, rate: int = RATE) -> bytes:
    """10 ms for each character, of a pitch that is the text's own."""
    samples = np.arange(len(text) * rate // 100)
    return to_int16(0.3 * np.sin(2 * np.pi * (200 + sum(text.encode()) % 400) * samples / rate))


@dataclass
class Faults:
    """What goes wrong with each request to speak, until it is taken back."""

    status: int | None = None
    """Instead of sound, with these words and headers."""

    words: str = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000_000
    """How often the status is given."""

    break_after: int | None = None
    """The connection breaks after so many bytes of sound."""

    stall_after: int | None = None
    """Nothing comes any more after so many bytes of sound."""

    trickle: float | None = None
    """Seconds between two bytes."""

    error_after: int | None = None
    """Events tell of a failure after so many bytes of sound; a WebSocket as well."""

    content_type: str | None = None
    """Instead of the true one."""

    no_sound: bool = False


@dataclass
class SpeechServer:
    flavour: Flavour = "B"
    model: str = "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice"
    key: str = ""
    rate: int = RATE
    always_events: bool = False
    """Streams events, whatever it is asked for."""

    chunk: int = 4801
    """Bytes of a piece of sound: odd, so that samples are cut."""

    pause: float = 0.0
    """Seconds between two pieces."""

    faults: Faults = field(default_factory=Faults)
    healthy: bool = True
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of requests to speak, and the configurations of WebSockets with the texts of each utterance."""

    keys: list[str] = field(default_factory=list)
    """The Authorization headers of all requests."""

    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    takes_live: bool = True
    sockets: int = 0
    """WebSockets that were opened."""

    refused_sockets: int = 0

    speaking: int = 0
    most_speaking: int = 0
    port: int = 0
    idle: bool = False
    """Whether a WebSocket waits for the next text."""

    open_sockets: set[web.WebSocketResponse] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def task(self) -> str:
        return next((task for task in ("VoiceDesign", "Base") if self.model.endswith(task)), "CustomVoice")

    # What it has

    async def health(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self.healthy else 503)

    async def models(self, request: web.Request) -> web.Response:
        owner = {"A": "vllm", "B": "vllm", "nari": "nari-labs", "kokoro": "kokoro"}[self.flavour]
        model = {"id": self.model, "object": "model", "created": 1780000000, "owned_by": owner, "root": self.model}
        return web.json_response({"object": "list", "data": [model]})

    async def voices(self, request: web.Request) -> web.Response:
        if self.flavour == "kokoro":
            return web.json_response({"voices": [{"id": name, "name": name} for name in ("af_heart", "bm_george")]})
        uploaded = [{"name": name, "consent": "yes", "created_at": 1780000000} for name in self.uploads]
        named = [*(SPEAKERS if self.task == "CustomVoice" else ()), *self.uploads]
        return web.json_response({"voices": sorted(named), "uploaded_voices": uploaded})

    async def upload(self, request: web.Request) -> web.Response:
        form: dict[str, Any] = {}
        async for part in await request.multipart():
            form[part.name] = await part.read() if part.filename else await part.text()  # type: ignore[union-attr,index]
        if not {"audio_sample", "consent", "name"} <= form.keys():
            return refused(400, "audio_sample, consent and name are required")
        self.uploads[form["name"]] = form
        return web.json_response({"success": True, "voice": {"name": form["name"], "consent": form["consent"]}})

    # Speaking

    async def speak(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        faults = self.faults
        if faults.status is not None and faults.times > 0:
            faults.times -= 1
            return refused(faults.status, faults.words, faults.headers)
        if refusal := self._refusal(body):
            return refusal
        self.speaking += 1
        self.most_speaking = max(self.speaking, self.most_speaking)
        try:
            return await self._answer(request, body)
        finally:
            self.speaking -= 1

    async def _answer(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        form = body.get("response_format", "wav")
        streams = body.get("stream") or body.get("stream_format") or self.flavour in ("faster", "kokoro")
        events = self.flavour == "B" and streams and body.get("stream_format") != "audio"
        response = web.StreamResponse(headers={"Server": "uvicorn"})
        events = events or self.always_events
        kind = "text/event-stream; charset=utf-8" if events else f"audio/{form}"
        response.headers["Content-Type"] = self.faults.content_type or kind
        if not streams and not events:
            whole = b"".join(self._pieces(body["input"], form, live=False))
            return web.Response(body=whole, headers={"Content-Type": response.headers["Content-Type"]})
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(_BrokenOff):
            async for piece in self._at_its_pace(request, self._pieces(body["input"], form), response, events):
                await response.write(_delta(piece, form) if events else piece)
            if events:
                await response.write(_event("speech.audio.done", {"usage": {"input_tokens": 1, "output_tokens": 1}}))
        return response

    async def _at_its_pace(
        self, request: web.Request, pieces: Iterator[bytes], response: web.StreamResponse, events: bool
    ) -> AsyncIterator[bytes]:
        faults, sent = self.faults, 0
        for piece in pieces:
            if faults.stall_after is not None and sent >= faults.stall_after:
                await asyncio.Event().wait()
            if faults.break_after is not None and sent >= faults.break_after:
                _break(request)
                raise _BrokenOff
            if faults.error_after is not None and sent >= faults.error_after:
                error = {"message": "the talker died", "type": "server_error", "param": None, "code": 500}
                await response.write(_event("speech.audio.error", {"error": error}))
                raise _BrokenOff
            if faults.trickle is not None:
                for byte in struct.iter_unpack("c", piece):
                    yield byte[0]
                    await asyncio.sleep(faults.trickle)
            else:
                yield piece
                await asyncio.sleep(self.pause)
            sent += len(piece)

    def _pieces(self, text: str, form: str, *, live: bool = True) -> Iterator[bytes]:
        sound = b"" if self.faults.no_sound else spoken(text, self.rate)
        if form == "wav":
            # The header comes in two pieces: a proxy on the way may do that.
            header = wav_header(self.rate) if live else wav_header(self.rate, len(sound))
            yield header[:13]
            yield header[13:]
        for start in range(0, len(sound), self.chunk):
            yield sound[start : start + self.chunk]

    def _refusal(self, body: dict[str, Any]) -> web.Response | None:
        if self.flavour == "nari" and (unknown := body.keys() - _NARI):
            return web.json_response({"detail": [{"type": "extra_forbidden", "loc": sorted(unknown)}]}, status=422)
        if self.flavour not in ("A", "B"):
            known = ("af_heart", "bm_george") if self.flavour == "kokoro" else (*SPEAKERS, *self.uploads)
            if body.get("voice") not in known:
                detail = {"error": "validation_error", "message": f"Voice '{body.get('voice')}' not found."}
                return web.json_response({"detail": detail}, status=400)
            return None
        return self._refusal_of_omni(body)

    def _refusal_of_omni(self, body: dict[str, Any]) -> web.Response | None:
        if body.get("model", self.model) != self.model:
            words = f"The model `{body['model']}` does not exist."
            return refused(404, words, kind="NotFoundError", param="model")
        uploaded = body.get("voice") in self.uploads
        implied = "Base" if body.get("ref_audio") or body.get("ref_text") or uploaded else "CustomVoice"
        task = body.get("task_type") or implied
        if task != self.task:
            return refused(400, f"Qwen3-TTS {self.task} checkpoint does not support task_type='{task}'.")
        if not str(body.get("ref_audio", "data:")).startswith("data:"):
            return refused(400, "remote addresses are not for tests")
        if task == "CustomVoice" and body.get("voice", "vivian") not in SPEAKERS:
            return refused(400, f"Invalid voice '{body['voice']}'. Supported: {', '.join(SPEAKERS)}")
        if task == "Base" and not (body.get("ref_audio") or uploaded):
            return refused(400, f"Invalid voice '{body.get('voice')}'. Uploaded: {', '.join(self.uploads)}")
        if body.get("language", "Auto") not in LANGUAGES:
            return refused(400, f"Invalid language '{body['language']}'")
        if len(body.get("instructions") or "") > 500:
            return refused(400, "Instructions too long")
        return None

    # Live text

    async def converse(self, request: web.Request) -> web.StreamResponse:
        """A closes after session.done; B keeps the connection, and speaks at input.done alone."""
        if self.flavour not in ("A", "B") or not self.takes_live:
            self.refused_sockets += 1
            return web.Response(status=403)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.sockets += 1
        self.open_sockets.add(ws)
        config: dict[str, Any] = {}
        texts: list[str] = []
        utterance = 0
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                break
            told = json.loads(message.data)
            if told["type"] == "session.config":
                config = told
                if refusal := self._refusal_of_omni({**config, "input": ""}):
                    await ws.send_json({"type": "error", "message": json.loads(refusal.text or "")["error"]["message"]})
                    break
            elif told["type"] == "input.text":
                texts.append(told["text"])
            elif told["type"] == "input.done":
                self.asked.append({**config, "texts": texts})
                if not await self._converse(request, ws, "".join(texts), utterance):
                    break
                texts, utterance, self.idle = [], utterance + 1, True
                if self.flavour == "A":
                    break
            else:
                break
        self.open_sockets.discard(ws)
        await ws.close()
        return ws

    async def close_sockets(self) -> None:
        for ws in tuple(self.open_sockets):
            await ws.close()

    async def _converse(self, request: web.Request, ws: web.WebSocketResponse, text: str, utterance: int) -> bool:
        index = {"utterance_index": utterance} if self.flavour == "B" else {}
        start = {"type": "audio.start", **index, "sentence_index": 0, "sentence_text": text, "format": "pcm"}
        await ws.send_json({**start, "sample_rate": self.rate} if self.flavour == "B" else start)
        sent = 0
        for piece in self._pieces(text, "pcm"):
            faults = self.faults
            if faults.stall_after is not None and sent >= faults.stall_after:
                await asyncio.Event().wait()
            if faults.break_after is not None and sent >= faults.break_after:
                _break(request)
                return False
            if faults.error_after is not None and sent >= faults.error_after:
                await ws.send_json({"type": "error", "message": "Generation failed: the talker died"})
                return False
            await ws.send_bytes(piece)
            await asyncio.sleep(self.pause)
            sent += len(piece)
        await ws.send_json({"type": "audio.done", **index, "sentence_index": 0, "total_bytes": sent, "error": False})
        await ws.send_json({"type": "session.done", **index, "total_sentences": 1})
        return True

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        self.keys.append(given)
        if self.key and given != f"Bearer {self.key}" and request.path.startswith("/v1"):
            return web.json_response({"error": "Unauthorized"}, status=401)
        response: web.StreamResponse = await handler(request)
        return response

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=16 * 1024 * 1024)
        app.router.add_get("/health", self.health)
        app.router.add_post("/v1/audio/speech", self.speak)
        app.router.add_get("/v1/audio/speech/stream", self.converse)
        if self.flavour != "faster":
            app.router.add_get("/v1/models", self.models)
        if self.flavour != "nari":
            app.router.add_get("/v1/audio/voices", self.voices)
            app.router.add_post("/v1/audio/voices", self.upload)
        return app


class _BrokenOff(Exception):
    pass


def refused(
    status: int,
    words: str,
    headers: dict[str, str] | None = None,
    *,
    kind: str = "BadRequestError",
    param: str | None = None,
) -> web.Response:
    error = {"message": words, "type": kind, "param": param, "code": status}
    return web.json_response({"error": error}, status=status, headers=headers)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def _delta(sound: bytes, form: str) -> bytes:
    encoded = base64.b64encode(sound).decode()
    return _event("speech.audio.delta", {"audio": encoded, "response_format": form})


def _break(request: web.Request) -> None:
    """As a process that dies: no last chunk, no goodbye."""
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def speech_server(server: SpeechServer | None = None, **options: Any) -> AsyncIterator[SpeechServer]:
    """Running from here to the end of the block, on a port of its own; `options` are fields of SpeechServer."""
    server = server or SpeechServer(**options)
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", server.port))
    server.port = listener.getsockname()[1]
    await web.SockSite(runner, listener).start()
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def remote_engine(*servers: SpeechServer | dict[str, Any], **settings: Any) -> AsyncIterator[RemoteEngine]:
    """With these servers (or what the settings say of them), from here to the end of the block."""
    listed = [{"url": each.url} if isinstance(each, SpeechServer) else each for each in servers]
    engine = RemoteEngine(RemoteSettings.model_validate({"servers": listed, **settings}), Path(), {"calm": "Calmly."})
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def say(engine: RemoteEngine, text: str, voice: str = "remote-ryan", **options: Any) -> bytes:
    """PCM. `options`: of SpeechOptions."""
    stream = opened(engine, voice, **options)
    stream.feed(text)
    stream.finish()
    return await heard(stream)


def opened(engine: RemoteEngine, voice: str = "remote-ryan", **options: Any) -> RemoteStream:
    known = {each.id: each for each in engine.voices()}
    chosen = known.get(voice) or Voice(voice, voice, ("en-US",), "remote")
    return engine.open(chosen, SpeechOptions(**{"live_text": False, "language": "en-US", **options}))


async def heard(stream: RemoteStream) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            return b"".join([pcm async for pcm in stream])
    finally:
        await stream.aclose()
