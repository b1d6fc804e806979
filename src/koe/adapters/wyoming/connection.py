"""One client: reads events, runs a task for each request, writes what comes of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Pong
from wyoming.tts import SynthesizeStopped

from koe.adapters.wyoming.dialogue import Action, Begin, Dialogue, Finish, More, SendInfo, SendPong, VoiceData
from koe.adapters.wyoming.framing import EventReader, FrameLimits, encode
from koe.core.errors import Busy, DeadlineExceeded, KoeError, ShuttingDown
from koe.core.pcm import BYTES_PER_SAMPLE
from koe.logs import current_request
from koe.settings import WyomingSettings
from koe.speech import Speaker, SpeechRequest, Utterance
from koe.speech.telling import Watch, telling

_log = logging.getLogger(__name__)

_ADAPTER = "wyoming"
"""In the figures."""

_READ_BYTES = 65536
_EVENTS_AT_ONCE = 64
_WRITE_BUFFER_BYTES = 65536
_FAREWELL_SECONDS = 2.0


class _ClientLeft(ConnectionError):
    """The client is gone, or doesn't read any more: nothing that is spoken for it is wanted."""


class Connection:
    def __init__(
        self,
        name: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        speaker: Speaker,
        settings: WyomingSettings,
        info: Callable[[], bytes],
        watch: Watch,
    ) -> None:
        """`name` is for the log; `info` gives the encoded info event of now; `watch` counts what is spoken."""
        self._name, self._reader, self._writer = name, reader, writer
        self._speaker, self._settings, self._info, self._watch = speaker, settings, info, watch
        writer.transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._events = EventReader(
            FrameLimits(
                settings.max_header_bytes,
                settings.max_data_bytes,
                settings.max_payload_bytes,
                settings.max_nesting,
            )
        )
        self._dialogue = Dialogue()
        self._clock = asyncio.get_running_loop().time
        self._quiet_since = self._clock()
        self._patience = asyncio.timeout(None)
        self._listening = True
        self._tasks = asyncio.TaskGroup()
        self._turn = asyncio.Lock()
        self._requests = self._unfinished = 0
        self._receiving: Utterance | None = None
        self._main: asyncio.Task[None] | None = None
        self._farewell: KoeError | None = None
        self._finishing_up = self._ended = False

    @property
    def idle_since(self) -> float | None:
        """The loop's time since when nothing was asked; None while something is being spoken."""
        return None if self._unfinished else self._quiet_since

    async def run(self) -> None:
        """Until the client leaves, an error ends the conversation, or the server does."""
        self._main = asyncio.current_task()
        try:
            async with self._tasks:
                if not self._ended:
                    await self._listen()
            error = self._farewell
        except asyncio.CancelledError:
            error = self._farewell
        except BaseExceptionGroup as failures:
            error = self._reason(failures)
        await self._leave(error)

    def finish_up(self) -> None:
        """Accept no further request, and leave when those at hand have been spoken."""
        self._finishing_up = True
        if not self._unfinished:
            self.end(None)

    def drop(self) -> None:
        """Make room; a farewell that is under way is cut short."""
        if self._ended:
            self._writer.transport.abort()
        else:
            self.end(None)

    def end(self, error: KoeError | None) -> None:
        """Leave at once, telling the client why if there is a reason. The first reason stays."""
        if self._ended:
            return
        self._ended, self._farewell = True, error
        if self._main is not None:
            self._main.cancel()

    async def _listen(self) -> None:
        try:
            async with self._patience:
                self._reset_patience()
                while data := await self._read():
                    await self._receive(data)
        except TimeoutError:
            raise DeadlineExceeded(
                f"nothing whole was said for {self._settings.idle_timeout:g} seconds (setting wyoming.idle_timeout)"
            ) from None
        finally:
            self._listening = False
        raise _ClientLeft

    async def _receive(self, data: bytes) -> None:
        begun_earlier, complete = self._events.in_the_middle, False
        for number, event in enumerate(self._events.feed(data), 1):
            complete = True
            for action in self._dialogue.receive(event):
                await self._do(action)
            # Thousands of small events may have come at once: everybody else goes on in between.
            if number % _EVENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
        if complete or not begun_earlier:
            self._reset_patience()

    def _reset_patience(self) -> None:
        """An event that has begun must come to its end, and someone who asks nothing must leave."""
        self._quiet_since = self._clock()
        if self._patience.expired():
            return
        is_awaited = self._events.in_the_middle or not self._unfinished
        self._patience.reschedule(self._quiet_since + self._settings.idle_timeout if is_awaited else None)

    async def _do(self, action: Action) -> None:
        match action:
            case SendInfo():
                await self._write(self._info())
            case SendPong(text):
                await self._send(Pong(text).event())
            case Begin():
                self._receiving = self._begin(action)
            case More(text) if self._receiving is not None:
                self._receiving.feed(text)
            case Finish() if self._receiving is not None:
                self._receiving.finish()

    def _begin(self, begin: Begin) -> Utterance:
        if self._finishing_up:
            raise ShuttingDown("the server is stopping")
        if self._unfinished > self._settings.max_waiting_requests:
            raise Busy(f"{self._unfinished - 1} requests already wait on this connection")
        self._requests += 1
        voice = begin.data.voice or VoiceData()
        request = SpeechRequest(
            voice=voice.name or None,
            language=voice.language or None,
            style=voice.speaker or None,
            text_format=begin.data.text_format or "text",
            keep=self._speaker.keeps_rooms,
        )
        utterance = self._speaker.open(request)
        self._unfinished += 1
        self._tasks.create_task(self._speak(utterance, f"{self._name}.{self._requests}", begin.streaming))
        return utterance

    async def _speak(self, utterance: Utterance, request_id: str, streaming: bool) -> None:
        """One request, when its turn has come: requests on one connection are spoken in the order they came."""
        current_request.set(request_id)
        try:
            async with self._waited_for_turn(), telling(utterance, self._watch, _ADAPTER):
                await self._stream(utterance, streaming)
        finally:
            self._end_request()

    @asynccontextmanager
    async def _waited_for_turn(self) -> AsyncIterator[None]:
        with self._watch.waiting(_ADAPTER):
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    def _end_request(self) -> None:
        self._unfinished -= 1
        if self._finishing_up and not self._unfinished:
            self.end(None)
        elif self._listening:
            self._reset_patience()

    async def _stream(self, utterance: Utterance, streaming: bool) -> None:
        started: list[Event] = []
        async for pcm in utterance:
            form = {"rate": utterance.sample_rate, "width": BYTES_PER_SAMPLE, "channels": 1}
            if not started:
                started = [AudioStart(**form, timestamp=0).event()]
                await self._send(*started, AudioChunk(**form, audio=pcm).event())
            else:
                await self._send(AudioChunk(**form, audio=pcm).event())
        await self._send(AudioStop().event(), *([SynthesizeStopped().event()] if streaming else []))

    async def _send(self, *events: Event) -> None:
        await self._write(b"".join(map(encode, events)))

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            async with asyncio.timeout(self._settings.write_timeout):
                await self._writer.drain()
        except OSError:
            # Also when the time is over: TimeoutError is an OSError.
            self._writer.transport.abort()
            raise _ClientLeft from None

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError:
            raise _ClientLeft from None

    def _reason(self, failures: BaseExceptionGroup[BaseException]) -> KoeError | None:
        """What the client is told of the failures that ended the conversation."""
        known, others = failures.split(KoeError)
        _, bugs = others.split(_ClientLeft) if others is not None else (None, None)
        if bugs is not None:
            _log.error("unexpected failure on connection %s", self._name, exc_info=bugs)
        if known is not None:
            return next(_leaves(known))
        return KoeError("an unexpected failure; the server's log has the details") if bugs is not None else None

    async def _leave(self, error: KoeError | None) -> None:
        # From here on nobody ends it any more: that would lose the farewell.
        self._ended = True
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                if error is not None:
                    await self._explain(error)
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, asyncio.CancelledError) as interruption:
            # The time is over (TimeoutError is an OSError), the client gone, or the server doesn't wait any longer.
            _log.debug("connection %s: left without a farewell: %r", self._name, interruption)
            self._writer.transport.abort()

    async def _explain(self, error: KoeError) -> None:
        _log.debug("connection %s ends: %s: %s", self._name, error.code, error.message)
        self._writer.write(encode(Error(error.message, error.code).event()))
        if self._writer.can_write_eof():
            self._writer.write_eof()
        await self._writer.drain()
        # Closing with unread input makes the kernel reset the connection, and the client never sees the error.
        while await self._reader.read(_READ_BYTES):
            pass


def _leaves(group: BaseExceptionGroup[KoeError]) -> Iterator[KoeError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
