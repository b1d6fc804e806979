"""Live text over a server's WebSocket.

    us      session.config -> input.text* -> input.done
    server  audio.start -> binary* -> audio.done -> session.done, or error

Another Koe speaks the text while it comes. vLLM-Omni speaks at input.done, and only some of its versions before it: so
it gets whole sentences, and while it speaks them, what follows is collected. Some of its versions close the connection
after each session.done: the next sentences then go over a new one.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType
from pydantic import BaseModel, ValidationError

from koe.core.profile import Sampling
from koe.engine.remote.answer import USUAL_RATE, PcmReader, Sound, SoundReader, WavSoundReader
from koe.engine.remote.dialect import session_config
from koe.engine.remote.failures import ServerFailure, Why
from koe.engine.remote.inbox import Inbox
from koe.engine.remote.order import Order
from koe.engine.remote.refusals import Refusal, reason_of
from koe.engine.remote.server import Server
from koe.engine.remote.wav import NotWav


def takes_live(server: Server, order: Order) -> bool:
    """vLLM-Omni takes no sampling there."""
    kind = server.listing.kind if server.listing is not None else ""
    return server.has_socket and (kind == "koe" or (kind == "vllm-omni" and order.sampling == Sampling()))


class _Message(BaseModel):
    type: str
    message: str = ""
    sample_rate: int | None = None
    error: bool | Refusal | None = None


class LiveSpeech:
    """What is put into the inbox, by one server. Use it once; raises ServerFailure, LimitExceeded."""

    def __init__(self, server: Server, order: Order, inbox: Inbox, following: float) -> None:
        """`following`: seconds to wait for each further sound."""
        self._server, self._order, self._inbox = server, order, inbox
        self._patience, self._following = server.patience(order), following
        self._clock = asyncio.get_running_loop().time
        self._waiting: asyncio.Timeout | None = None
        self._all_sent = False

    async def sounds(self) -> AsyncGenerator[Sound]:
        async with AsyncExitStack() as stack:
            whole = self._server.known.kind == "koe"
            spoken = self._at_once(stack) if whole else self._by_sentences(stack)
            async with aclosing(spoken):
                async for sound in spoken:
                    yield sound

    async def _at_once(self, stack: AsyncExitStack) -> AsyncGenerator[Sound]:
        socket = await self._open(stack)
        async with aclosing(self._utterance(socket, self._inbox.pieces())) as heard:
            async for sound in heard:
                yield sound

    async def _by_sentences(self, stack: AsyncExitStack) -> AsyncGenerator[Sound]:
        socket: ClientWebSocketResponse | None = None
        async for text in self._inbox.requests():
            begun, kept = False, socket is not None and not socket.closed
            for fresh in (False, True) if kept else (True,):
                try:
                    if socket is None or fresh:
                        await stack.aclose()
                        socket = await self._open(stack)
                    async with aclosing(self._utterance(socket, _only(text))) as heard:
                        async for sound in heard:
                            begun = True
                            yield sound
                    break
                except ServerFailure:
                    # A connection that was kept may have been closed from the other side.
                    if begun or fresh:
                        raise

    async def _open(self, stack: AsyncExitStack) -> ClientWebSocketResponse:
        server = self._server
        reference = await server.reference(self._order)
        config = session_config(server.known, server.settings.model, self._order, reference)
        try:
            socket = await stack.enter_async_context(server.wire.socket())
        except ServerFailure as failure:
            server.has_socket = failure.why is not Why.NOT_HERE
            raise
        await socket.send_str(json.dumps(config))
        return socket

    async def _utterance(self, socket: ClientWebSocketResponse, texts: AsyncIterator[str]) -> AsyncGenerator[Sound]:
        self._all_sent = False
        sender = asyncio.create_task(self._send(socket, texts))
        reader: SoundReader | None = None
        begun = False
        try:
            while True:
                data = _read(await self._receive(socket, begun=begun))
                if isinstance(data, bytes):
                    reader = reader or PcmReader(USUAL_RATE)
                    if pcm := _fed(reader, data):
                        begun = True
                        yield Sound(pcm, reader.sample_rate)
                elif data.type == "audio.start":
                    wav = self._server.known.kind == "koe"
                    reader = WavSoundReader() if wav else PcmReader(data.sample_rate or USUAL_RATE)
                elif data.type == "session.done":
                    return
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send(self, socket: ClientWebSocketResponse, texts: AsyncIterator[str]) -> None:
        async for text in texts:
            await socket.send_str(json.dumps({"type": "input.text", "text": text}))
        await socket.send_str(json.dumps({"type": "input.done"}))
        self._all_sent = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(self._clock() + self._patience)

    async def _receive(self, socket: ClientWebSocketResponse, *, begun: bool) -> WSMessage:
        # As long as text is to come, the server may have nothing to say; whether it lives, pings find out.
        seconds = self._following if begun else self._patience
        try:
            async with asyncio.timeout(seconds if self._all_sent else None) as self._waiting:
                return await socket.receive()
        except TimeoutError:
            raise ServerFailure(Why.BROKEN, f"it gave no sound within {seconds:g} seconds") from None
        finally:
            self._waiting = None


async def _only(text: str) -> AsyncIterator[str]:
    yield text


def _fed(reader: SoundReader, data: bytes) -> bytes:
    try:
        return reader.feed(data)
    except NotWav as error:
        raise ServerFailure(Why.BROKEN, f"it sent {error}") from error


def _read(message: WSMessage) -> bytes | _Message:
    """Raises ServerFailure for one that tells of a failure, and where the server has left."""
    if message.type is WSMsgType.BINARY:
        data: bytes = message.data
        return data
    if message.type is not WSMsgType.TEXT:
        raise ServerFailure(Why.BROKEN, "it closed the connection before all was spoken")
    try:
        told = _Message.model_validate_json(message.data)
    except ValidationError as error:
        raise ServerFailure(Why.BROKEN, "it sent a message that can't be understood") from error
    if told.type == "error":
        words = Refusal(message=told.message).told
        raise ServerFailure(reason_of(words), f"it says: {words}")
    if told.type == "audio.done" and told.error:
        raise ServerFailure(Why.BROKEN, "its speech broke off")
    return told
