"""How one engine speaks the text of an utterance: by segments, or live while the text arrives."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from koe.audio.resample import SteadyRate
from koe.core.errors import DeadlineExceeded, EngineTimeout, KoeError
from koe.core.pcm import silence
from koe.core.text.parts import Part, Pause, Speech
from koe.core.text.segment import Segmenter
from koe.engine import SpeechOptions, SpeechStream
from koe.settings import SpeechSettings
from koe.speech.casting import Candidate
from koe.speech.text_source import TextSource


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
        self._engine, self._speaker = candidate.engine, candidate.speaker
        self._source, self._options = source, options
        self._settings, self._deadline = settings, deadline
        self._heard = False
        self._steady = SteadyRate()
        self._waiting: asyncio.Timeout | None = None
        """For the engine's next chunk."""
        self._engine_has_all = True
        """Whether the engine was given everything that it is to speak now."""
        self.sample_rate: int | None = None
        """Hz; known from the first chunk on."""

        self.seed: int | None = None
        self.checkpoint: str | None = None
        """Of the first stream."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        """PCM. Pauses that come before the sample rate is known wait for it."""
        pause = 0.0
        speak = self._live() if self._engine.takes_live_text else self._by_segments()
        async with aclosing(speak) as pieces:
            async for piece in pieces:
                if isinstance(piece, Pause):
                    pause += piece.seconds
                if pause and self.sample_rate is not None:
                    for silent in silence(pause, self.sample_rate):
                        yield silent
                    pause = 0.0
                if isinstance(piece, bytes):
                    yield piece
        if rest := self._steady.finish():
            yield rest

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
        while (part := await self._next_part()) is not None:
            for segment in segmenter.feed(part):
                yield segment
        for segment in segmenter.finish():
            yield segment

    async def _live(self) -> AsyncGenerator[bytes | Pause]:
        while (part := await self._next_part()) is not None:
            if isinstance(part, Pause):
                yield part
                continue
            async with aclosing(self._open(part)) as stream, aclosing(self._one_run(stream, part)) as chunks:
                async for pcm in chunks:
                    yield pcm

    async def _one_run(self, stream: SpeechStream, part: Speech) -> AsyncGenerator[bytes]:
        self._engine_has_all = False
        feeder = asyncio.create_task(self._feed(stream, part))
        try:
            async for pcm in self._pull(stream):
                yield pcm
            await feeder
        finally:
            feeder.cancel()
            # It must let go of the text before another engine begins with it; its failure matters no more.
            await asyncio.gather(feeder, return_exceptions=True)

    async def _feed(self, stream: SpeechStream, part: Speech) -> None:
        """Feed one run: up to a pause, another language or the end. What was fed is spoken even if the text then
        fails; that failure comes after it."""
        language = part.language
        following: Part = part
        try:
            while isinstance(following, Speech) and following.language == language:
                stream.feed(following.text)
                if (taken := await self._next_part()) is None:
                    return
                following = taken
            self._source.put_back(following)
        finally:
            stream.finish()
            self._engine_has_all = True
            self._wait_no_longer_than(self._engine_deadline())

    def _open(self, part: Speech) -> SpeechStream:
        language = part.language or self._options.language
        return self._engine.open(self._speaker, replace(self._options, language=language))

    async def _pull(self, stream: SpeechStream) -> AsyncIterator[bytes]:
        chunks = stream.__aiter__()
        while pcm := await self._next_chunk(chunks):
            # Streams of one engine may differ, where they come from different servers.
            steady = self._steady.feed(pcm, stream.sample_rate)
            self.sample_rate = self._steady.sample_rate
            self.seed = stream.seed if self.seed is None else self.seed
            self.checkpoint = stream.checkpoint if self.checkpoint is None else self.checkpoint
            self._heard = True
            if steady:
                yield steady

    async def _next_chunk(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The next chunk, empty after the last. Raises EngineTimeout, DeadlineExceeded."""
        self._check_deadline()
        try:
            async with asyncio.timeout_at(self._engine_deadline()) as self._waiting:
                return await anext(chunks, b"")
        except TimeoutError:
            self._check_deadline()
            what = "next audio" if self._heard else "first audio"
            raise EngineTimeout(
                f"the {self._engine.name} engine gave no {what} within {self._patience:g} seconds"
            ) from None
        finally:
            self._waiting = None

    async def _next_part(self) -> Part | None:
        """The next part of the text, None after the last. Raises DeadlineExceeded, InvalidSsml."""
        self._check_deadline()
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._source.next()
        except TimeoutError:
            raise self._overdue() from None

    def _engine_deadline(self) -> float:
        # An engine with live text may have said all it was given; how long to wait for text is the source's matter.
        return min(self._now() + self._patience, self._deadline) if self._engine_has_all else self._deadline

    @property
    def _patience(self) -> float:
        if self._heard:
            return self._settings.chunk_timeout
        # Whoever waits for the engine to get ready waits as long as a request may take.
        return self._settings.request_timeout if self._options.wait else self._settings.first_audio_timeout

    def _wait_no_longer_than(self, when: float) -> None:
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(when)

    def _check_deadline(self) -> None:
        """Also where nothing had to be waited for: a client that reads slowly takes time, too."""
        if self._now() >= self._deadline:
            raise self._overdue()

    def _overdue(self) -> KoeError:
        limit = self._settings.request_timeout
        return DeadlineExceeded(f"the request took longer than {limit:g} seconds (setting speech.request_timeout)")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
