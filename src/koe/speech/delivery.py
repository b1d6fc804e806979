"""How one engine speaks the text of an utterance: by segments, or live while the text arrives."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from koe.core.errors import DeadlineExceeded, EngineTimeout, KoeError
from koe.core.pcm import silence
from koe.core.text.parts import Part, Pause, Speech
from koe.core.text.segment import Segmenter
from koe.core.voice import Voice
from koe.engine import Engine, SpeechOptions, SpeechStream
from koe.settings import SpeechSettings
from koe.speech.text_source import TextSource


@dataclass(frozen=True, slots=True)
class Candidate:
    """A voice and the engine that would speak it."""

    engine: Engine
    voice: Voice


class Delivery:
    """The whole text by one engine; `chunks` is iterated once, and closing it frees the engine."""

    def __init__(
        self,
        candidate: Candidate,
        source: TextSource,
        options: SpeechOptions,
        settings: SpeechSettings,
        deadline: float,
    ) -> None:
        """`deadline`: the loop's time by which the request has to be over."""
        self._engine, self._voice = candidate.engine, candidate.voice
        self._source, self._options = source, options
        self._settings, self._deadline = settings, deadline
        self._heard = False
        self.sample_rate: int | None = None
        """Hz; known from the first chunk on."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        """PCM. Pauses that come before the sample rate is known wait for it."""
        pause = 0.0
        speak = self._live() if self._engine.takes_live_text else self._by_segments()
        async with aclosing(speak) as pieces:
            async for piece in pieces:
                if isinstance(piece, Pause):
                    pause += piece.seconds
                if pause and self.sample_rate is not None:
                    yield silence(pause, self.sample_rate)
                    pause = 0.0
                if isinstance(piece, bytes):
                    yield piece

    async def _by_segments(self) -> AsyncGenerator[bytes | Pause]:
        async with aclosing(self._segments()) as segments:
            async for segment in segments:
                if isinstance(segment, Pause):
                    yield segment
                    continue
                stream = self._open(segment)
                try:
                    stream.feed(segment.text)
                    stream.finish()
                    async for pcm in self._pull(stream):
                        yield pcm
                finally:
                    await stream.aclose()

    async def _segments(self) -> AsyncGenerator[Part]:
        segmenter = Segmenter()
        while (part := await self._source.next()) is not None:
            for segment in segmenter.feed(part):
                yield segment
        for segment in segmenter.finish():
            yield segment

    async def _live(self) -> AsyncGenerator[bytes | Pause]:
        while (part := await self._source.next()) is not None:
            if isinstance(part, Pause):
                yield part
                continue
            stream = self._open(part)
            feeder = asyncio.create_task(self._feed(stream, part))
            try:
                async for pcm in self._pull(stream):
                    yield pcm
                await feeder
            finally:
                feeder.cancel()
                await stream.aclose()

    async def _feed(self, stream: SpeechStream, part: Speech) -> None:
        """Feed one run: up to a pause, another language or the end. What was fed is spoken even if the text then
        fails; that failure comes after it."""
        language = part.language
        following: Part = part
        try:
            while isinstance(following, Speech) and following.language == language:
                stream.feed(following.text)
                if (taken := await self._source.next()) is None:
                    return
                following = taken
            self._source.put_back(following)
        finally:
            stream.finish()

    def _open(self, part: Speech) -> SpeechStream:
        return self._engine.open(self._voice, replace(self._options, language=part.language or self._options.language))

    async def _pull(self, stream: SpeechStream) -> AsyncIterator[bytes]:
        chunks = stream.__aiter__()
        while pcm := await self._next_chunk(chunks):
            self.sample_rate = stream.sample_rate
            self._heard = True
            yield pcm

    async def _next_chunk(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The next chunk, empty after the last. Raises EngineTimeout, DeadlineExceeded."""
        now = asyncio.get_running_loop().time()
        patience = self._patience()
        try:
            async with asyncio.timeout_at(min(now + patience, self._deadline)):
                return await anext(chunks, b"")
        except TimeoutError:
            raise self._too_late(now + patience) from None

    def _patience(self) -> float:
        settings = self._settings
        patience = settings.chunk_timeout if self._heard else settings.first_audio_timeout
        # An engine with live text may have said all it was given; how long to wait for text is the source's matter.
        waits_for_text = self._engine.takes_live_text and self._source.open
        return patience + settings.text_timeout if waits_for_text else patience

    def _too_late(self, engine_deadline: float) -> KoeError:
        if self._deadline <= engine_deadline:
            limit = self._settings.request_timeout
            return DeadlineExceeded(f"the request took longer than {limit:g} seconds (setting speech.request_timeout)")
        what = "next audio" if self._heard else "first audio"
        return EngineTimeout(f"the {self._engine.name} engine gave no {what} within {self._patience():g} seconds")
