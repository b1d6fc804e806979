"""`/ws/speech`: a text is spoken while it is still being written, one utterance after the other on one connection.

    client   start -> text* -> end      (or cancel, at any time)
    server   header -> binary PCM* -> end, or error

What the messages may be is told by `websocket_dialogue` and by the models below. Every `start` that was understood gets
exactly one `end` or `error` with its number; an `error` without a number is about a single message.
"""

import asyncio
import contextlib
import logging
from dataclasses import asdict
from typing import Literal

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import BaseModel

from koe.adapters.http.busy import TURNS, Turns
from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.errors import ErrorDetail, error_body
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS, Metrics
from koe.adapters.http.server_state import STATE
from koe.adapters.http.speech import TAG
from koe.adapters.http.speech_answer import telling
from koe.adapters.http.speech_choice import speech_request
from koe.adapters.http.websocket_dialogue import Action, Begin, Cancel, Dialogue, Finish, More, Pong
from koe.core.errors import DeadlineExceeded, KoeError, MalformedInput, ShuttingDown
from koe.logs import current_request
from koe.speech import SpeechStats, Utterance

_log = logging.getLogger(__name__)

ADAPTER = "websocket"
"""In the figures."""

_HEARTBEAT = 20.0
"""Seconds between two pings; a client that is gone without a word is found by them."""

_FAREWELL_SECONDS = 2.0


class Header(BaseModel):
    type: Literal["header"] = "header"
    utterance: int
    """Counted from 1 on each connection."""

    sample_rate: int
    """Hz."""

    format: Literal["pcm16"] = "pcm16"
    """Little-endian."""

    channels: Literal[1] = 1
    voice: str
    seed: int | None


class End(BaseModel):
    type: Literal["end"] = "end"
    utterance: int
    cancelled: bool
    voice: str
    engine: str
    seed: int | None
    fallback: str | None
    """Why another voice spoke than the one that was chosen."""

    characters: int
    first_audio: float | None
    """Seconds from the first text to the first PCM."""

    audio_seconds: float
    elapsed: float
    """Seconds from the first text to the last PCM."""


class Error(BaseModel):
    type: Literal["error"] = "error"
    utterance: int | None
    """The one that it has ended; None: it is about a message."""

    error: ErrorDetail


class PongMessage(BaseModel):
    type: Literal["pong"] = "pong"


async def converse(request: web.Request) -> web.StreamResponse:
    house = request.app[HOUSE]
    settings = house.loaded.settings.http
    socket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT, max_msg_size=settings.max_body_bytes, timeout=_FAREWELL_SECONDS, compress=False
    )
    await socket.prepare(request)
    conversation = Conversation(socket, house, request.app[TURNS], request.app[METRICS])
    await conversation.run(request.app[STATE].stopping)
    return socket


class Conversation:
    def __init__(self, socket: web.WebSocketResponse, house: House, turns: Turns, metrics: Metrics) -> None:
        self._socket, self._house, self._turns, self._metrics = socket, house, turns, metrics
        self._idle_timeout = house.loaded.settings.http.idle_timeout
        self._clock = asyncio.get_running_loop().time
        self._patience = asyncio.timeout(None)
        self._dialogue = Dialogue()
        self._number = 0
        self._utterance: Utterance | None = None
        self._task: asyncio.Task[None] | None = None
        self._listening = self._stopping = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Until the client leaves, says nothing for too long, or the server stops."""
        watching = asyncio.create_task(self._finish_up(stopping))
        reason: KoeError | None = None
        try:
            reason = await self._listen()
        except asyncio.CancelledError:
            # The client is gone, or the server doesn't wait any longer.
            reason = ShuttingDown("the server is stopping")
            raise
        except ConnectionError:
            pass
        finally:
            watching.cancel()
            await self._silence()
            await self._leave(reason)

    async def _finish_up(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._stopping = True
        if not self._dialogue.speaking:
            await self._leave(ShuttingDown("the server is stopping"))

    async def _listen(self) -> KoeError | None:
        """Why the conversation is to end; None: the client has left."""
        try:
            async with self._patience:
                self._listening = True
                self._reset_patience()
                while (message := await self._socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(message)
                    self._reset_patience()
        except TimeoutError:
            return DeadlineExceeded(f"nothing was asked for {self._idle_timeout:g} seconds (setting http.idle_timeout)")
        finally:
            self._listening = False
        return None

    def _reset_patience(self) -> None:
        """Only who asks nothing must leave: how long a text may take is the utterance's matter."""
        if self._listening and not self._patience.expired():
            self._patience.reschedule(None if self._dialogue.speaking else self._clock() + self._idle_timeout)

    async def _receive(self, message: WSMessage) -> None:
        try:
            if message.type is WSMsgType.BINARY:
                raise MalformedInput("send messages as JSON in text frames; audio is only told, never taken")
            action = self._dialogue.receive(message.data)
            if action is not None:
                await self._do(action)
        except KoeError as error:
            await self._tell(Error(utterance=None, error=error_body(error).error))

    async def _do(self, action: Action) -> None:
        match action:
            case Begin():
                await self._begin(action)
            case More(text) if self._utterance is not None:
                await self._feed(self._utterance, text)
            case Finish() if self._utterance is not None:
                self._utterance.finish()
            case Cancel():
                await self._cancel()
            case Pong():
                await self._tell(PongMessage())

    async def _begin(self, begin: Begin) -> None:
        self._number += 1
        try:
            if self._stopping:
                raise ShuttingDown("the server is stopping")
            utterance = self._house.speaker.open(await speech_request(self._house, begin.how))
            if begin.text is not None:
                utterance.feed(begin.text)
                utterance.finish()
        except KoeError as error:
            await self._failed(error)
            return
        self._utterance = utterance
        self._task = asyncio.create_task(self._speak(utterance))

    async def _feed(self, utterance: Utterance, text: str) -> None:
        try:
            utterance.feed(text)
        except KoeError as error:
            await self._silence()
            await self._failed(error)

    async def _cancel(self) -> None:
        await self._silence()
        if self._dialogue.speaking and self._utterance is not None:
            await self._ended(self._utterance.stats, cancelled=True)

    async def _silence(self) -> None:
        """The engine is free when this returns."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _speak(self, utterance: Utterance) -> None:
        current_request.set(f"{current_request.get()}.{self._number}")
        try:
            try:
                async with (
                    self._turns.turn(self._metrics, ADAPTER),
                    telling(utterance, self._metrics, ADAPTER),
                ):
                    await self._stream(utterance)
            except ConnectionError:
                raise
            except Exception as error:
                await self._failed(error)
            else:
                await self._ended(utterance.stats, cancelled=False)
            if self._stopping:
                await self._leave(None)
        except ConnectionError:
            # Whoever listens to it finds that out as well, and ends the conversation.
            _log.debug("the client left while it was spoken to")

    async def _stream(self, utterance: Utterance) -> None:
        begun = False
        async for pcm in utterance:
            if not begun:
                stats, begun = utterance.stats, True
                rate = utterance.sample_rate
                await self._tell(Header(utterance=self._number, sample_rate=rate, voice=stats.voice, seed=stats.seed))
            await self._socket.send_bytes(pcm)

    async def _ended(self, stats: SpeechStats, *, cancelled: bool) -> None:
        self._over()
        await self._tell(End(utterance=self._number, cancelled=cancelled, **asdict(stats)))

    async def _failed(self, error: Exception) -> None:
        self._over()
        await self._tell(Error(utterance=self._number, error=error_body(error).error))

    def _over(self) -> None:
        """From here on the next one may begin."""
        self._dialogue.over()
        self._utterance = None
        self._reset_patience()

    async def _tell(self, message: BaseModel) -> None:
        """Raises ConnectionError where the client has left."""
        await self._socket.send_str(message.model_dump_json())

    async def _leave(self, reason: KoeError | None) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(2 * _FAREWELL_SECONDS):
                if reason is not None and not self._socket.closed:
                    await self._tell(Error(utterance=None, error=error_body(reason).error))
                await self._socket.close(code=WSCloseCode.GOING_AWAY if reason or self._stopping else WSCloseCode.OK)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/ws/speech",
        converse,
        "A WebSocket: text is spoken while it is still being written.",
        tag=TAG,
        answers={101: ""},
    ),
)
