"""A conversation over a WebSocket, whatever its messages are called: text comes, sound goes, one utterance after the
other."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Literal, Protocol

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import BaseModel

from koe.adapters.http.busy import TURNS, Turns
from koe.adapters.http.encoding import EncodedSpeech
from koe.adapters.http.house import HOUSE, House
from koe.adapters.http.metrics import METRICS, Metrics
from koe.adapters.http.server_state import STATE
from koe.adapters.http.speech import in_form
from koe.adapters.http.speech_body import FormOfAnswer
from koe.adapters.http.speech_choice import speech_request
from koe.adapters.http.websocket_dialogue import Action, Begin, Cancel, Finish, Leave, More, Pong
from koe.audio.flow import FlowFormat
from koe.core.errors import DeadlineExceeded, KoeError, MalformedInput, ShuttingDown
from koe.logs import current_request
from koe.speech import SpeechStats, Utterance
from koe.speech.telling import telling

_log = logging.getLogger(__name__)

ADAPTER = "websocket"
"""In the figures."""

_HEARTBEAT = 20.0
"""Seconds between two pings; a client that is gone without a word is found by them."""

_FAREWELL_SECONDS = 2.0


class PongMessage(BaseModel):
    type: Literal["pong"] = "pong"


class Manner(Protocol):
    """What the messages of one kind of client mean, and what it is told."""

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun and not ended."""
        ...

    def receive(self, data: str) -> Sequence[Action]:
        """What is to be done. Raises KoeError; nothing is lost by it but that message."""
        ...

    def over(self) -> None:
        """The utterance has ended: spoken, failed or cancelled."""
        ...

    def began(self, number: int, sample_rate: int, stats: SpeechStats) -> BaseModel:
        """Before its first sound; `number`: utterances are counted from 1."""
        ...

    def ended(self, number: int, stats: SpeechStats, sent: int, *, cancelled: bool) -> Sequence[BaseModel]:
        """`sent`: bytes of sound."""
        ...

    def failed(self, number: int | None, error: Exception, sent: int | None) -> Sequence[BaseModel]:
        """`number`: None where it is about a message; `sent`: None where its sound hadn't begun."""
        ...


async def converse_as(manner: Manner, request: web.Request) -> web.StreamResponse:
    house = request.app[HOUSE]
    settings = house.loaded.settings.http
    socket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT, max_msg_size=settings.max_body_bytes, timeout=_FAREWELL_SECONDS, compress=False
    )
    await socket.prepare(request)
    conversation = Conversation(manner, socket, house, request.app[TURNS], request.app[METRICS])
    await conversation.run(request.app[STATE].stopping)
    return socket


class Conversation:
    def __init__(
        self, manner: Manner, socket: web.WebSocketResponse, house: House, turns: Turns, metrics: Metrics
    ) -> None:
        self._manner, self._socket = manner, socket
        self._house, self._turns, self._metrics = house, turns, metrics
        self._idle_timeout = house.loaded.settings.http.idle_timeout
        self._clock = asyncio.get_running_loop().time
        self._patience = asyncio.timeout(None)
        self._number = self._sent = 0
        self._begun = False
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
        except ConnectionError as error:
            # Nobody is left to be told.
            _log.debug("the client left in the middle of the conversation: %s", error)
        finally:
            watching.cancel()
            await self._silence()
            await self._leave(reason)

    async def _finish_up(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._stopping = True
        if not self._manner.speaking:
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
            self._patience.reschedule(None if self._manner.speaking else self._clock() + self._idle_timeout)

    async def _receive(self, message: WSMessage) -> None:
        try:
            if message.type is WSMsgType.BINARY:
                raise MalformedInput("send messages as JSON in text frames; audio is only told, never taken")
            for action in self._manner.receive(message.data):
                await self._do(action)
        except KoeError as error:
            await self._tell(*self._manner.failed(None, error, None))

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
            case Leave():
                await self._leave(None)

    async def _begin(self, begin: Begin) -> None:
        self._number += 1
        self._sent, self._begun = 0, False
        try:
            if self._stopping:
                raise ShuttingDown("the server is stopping")
            request = await speech_request(self._house, begin.how)
            form = begin.how if isinstance(begin.how, FormOfAnswer) else None
            utterance = self._house.speaker.open(in_form(request, form) if form is not None else request)
            if begin.text is not None:
                utterance.feed(begin.text)
                utterance.finish()
        except KoeError as error:
            await self._failed(error)
            return
        self._utterance = utterance
        speech = EncodedSpeech(utterance, form.format if form is not None else FlowFormat.PCM)
        self._task = asyncio.create_task(self._speak(utterance, speech))

    async def _feed(self, utterance: Utterance, text: str) -> None:
        try:
            utterance.feed(text)
        except KoeError as error:
            await self._silence()
            await self._failed(error)

    async def _cancel(self) -> None:
        await self._silence()
        if self._manner.speaking and self._utterance is not None:
            await self._ended(self._utterance.stats, cancelled=True)

    async def _silence(self) -> None:
        """The engine is free when this returns."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _speak(self, utterance: Utterance, speech: EncodedSpeech) -> None:
        current_request.set(f"{current_request.get()}.{self._number}")
        try:
            try:
                async with (
                    self._turns.turn(self._metrics, ADAPTER),
                    telling(utterance, self._metrics, ADAPTER),
                ):
                    await self._stream(speech)
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

    async def _stream(self, speech: EncodedSpeech) -> None:
        async with aclosing(speech.pieces()) as pieces:
            async for piece in pieces:
                if not self._begun:
                    self._begun = True
                    await self._tell(self._manner.began(self._number, speech.sample_rate, speech.stats))
                if piece:
                    await self._socket.send_bytes(piece)
                    self._sent += len(piece)

    async def _ended(self, stats: SpeechStats, *, cancelled: bool) -> None:
        self._over()
        await self._tell(*self._manner.ended(self._number, stats, self._sent, cancelled=cancelled))

    async def _failed(self, error: Exception) -> None:
        self._over()
        await self._tell(*self._manner.failed(self._number, error, self._sent if self._begun else None))

    def _over(self) -> None:
        """From here on the next one may begin."""
        self._manner.over()
        self._utterance = None
        self._reset_patience()

    async def _tell(self, *messages: BaseModel) -> None:
        """Raises ConnectionError where the client has left."""
        for message in messages:
            await self._socket.send_str(message.model_dump_json())

    async def _leave(self, reason: KoeError | None) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(2 * _FAREWELL_SECONDS):
                if reason is not None and not self._socket.closed:
                    await self._tell(*self._manner.failed(None, reason, None))
                await self._socket.close(code=WSCloseCode.GOING_AWAY if reason or self._stopping else WSCloseCode.OK)
