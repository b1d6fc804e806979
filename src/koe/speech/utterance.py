"""One request on its way from text to PCM."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from koe.audio.resample import StreamResampler
from koe.core.errors import EngineError, LimitExceeded, NothingToSpeak
from koe.core.pcm import duration
from koe.core.text.normalise import Normaliser
from koe.engine import SpeechOptions
from koe.settings import SpeechSettings
from koe.speech.casting import Candidate
from koe.speech.delivery import Delivery
from koe.speech.request import Ear, SpeechRequest, SpeechStats
from koe.speech.sound import Sound, sound_of
from koe.speech.text_source import TextSource

_log = logging.getLogger(__name__)


class Utterance:
    """`feed` and `finish` while iterating; whoever iterates closes, and closing is also how it is cancelled.

    Iteration yields PCM (16-bit little-endian mono at `sample_rate`) and raises a KoeError where it can't go on. If the
    engine fails before its first audio, the fallback speaks instead; after it, an error is all that is left.
    """

    def __init__(
        self,
        request: SpeechRequest,
        chosen: Candidate,
        fallback: Candidate | None,
        settings: SpeechSettings,
        normaliser: Normaliser,
        ear: Ear | None = None,
    ) -> None:
        self._request, self._settings = request, settings
        self._chosen, self._fallback, self._ear = chosen, fallback, ear
        self._source = TextSource(normaliser, settings.max_characters, settings.text_timeout)
        self._clock = asyncio.get_running_loop().time
        self._target_rate = request.sample_rate or settings.sample_rate
        self._engine_rate: int | None = None
        self._first_text: float | None = None
        self._chunks = self._measured() if ear is None else self._overheard(ear)
        self.stats = SpeechStats(chosen.voice.id, chosen.engine.name)

    @property
    def sample_rate(self) -> int:
        """Hz; known from the first chunk on."""
        rate = self._target_rate or self._engine_rate
        if rate is None:
            raise RuntimeError("the sample rate is known from the first chunk on")
        return rate

    def feed(self, text: str) -> None:
        """More text, cut anywhere. Raises LimitExceeded."""
        if self._first_text is None:
            self._first_text = self._clock()
        self._source.feed(text)
        self.stats.characters = self._source.characters
        if self._ear is not None:
            self._ear.text(text)

    def finish(self) -> None:
        """The text is complete."""
        self._source.finish()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        """Free the engine. To be called by the task that iterated, or after it has ended."""
        await self._chunks.aclose()

    async def _measured(self) -> AsyncGenerator[bytes]:
        stats, sent = self.stats, 0
        async with aclosing(self._at_target_rate()) as chunks:
            async for pcm in chunks:
                elapsed = self._clock() - (self._first_text or 0.0)
                if stats.first_audio is None:
                    stats.first_audio = elapsed
                sent += len(pcm)
                stats.audio_seconds, stats.elapsed = duration(sent, self.sample_rate), elapsed
                yield pcm
        if not sent:
            raise NothingToSpeak("there is nothing in this text that can be spoken")

    async def _overheard(self, ear: Ear) -> AsyncGenerator[bytes]:
        try:
            async with aclosing(self._measured()) as chunks:
                async for pcm in chunks:
                    ear.sound(pcm, self.sample_rate)
                    yield pcm
            ear.ended(self.stats)
        finally:
            ear.dropped()

    async def _at_target_rate(self) -> AsyncGenerator[bytes]:
        resampler: StreamResampler | None = None
        async with aclosing(self._with_fallback()) as chunks:
            async for pcm in chunks:
                if self._target_rate in (None, self._engine_rate):
                    yield pcm
                    continue
                resampler = resampler or StreamResampler(self._engine_rate or 0, self.sample_rate)
                if resampled := resampler.feed(pcm):
                    yield resampled
        if resampler is not None and (rest := resampler.finish()):
            yield rest

    async def _with_fallback(self) -> AsyncGenerator[bytes]:
        speaker: Candidate | None = self._chosen
        # Only from here on: the request may have waited for others, whose time is not its own.
        deadline = self._clock() + self._settings.request_timeout
        while speaker is not None:
            attempt, speaker = speaker, None
            try:
                async with aclosing(self._spoken_by(attempt, deadline)) as chunks:
                    async for pcm in chunks:
                        yield pcm
            except EngineError as error:
                if self._engine_rate is not None or self._fallback is None or attempt is self._fallback:
                    raise
                speaker = self._fall_back(error, self._fallback)

    def _fall_back(self, error: EngineError, fallback: Candidate) -> Candidate:
        failed = self._chosen.engine.name
        _log.warning(
            "%s failed before its first audio: %s; %s speaks instead",
            *(failed, error.message, fallback.voice.id),
        )
        self.stats.fallback = error.message
        self.stats.voice, self.stats.engine = fallback.voice.id, fallback.engine.name
        self._source.rewind()
        return fallback

    async def _spoken_by(self, candidate: Candidate, deadline: float) -> AsyncGenerator[bytes]:
        """One engine's PCM, bounded in length, as it is to be heard."""
        delivery = Delivery(candidate, self._source, self._options(candidate), self._settings, deadline)
        seconds = 0.0
        sound: Sound | None = None
        async with aclosing(delivery.chunks()) as chunks:
            async for pcm in chunks:
                rate = delivery.sample_rate or 1
                if sound is None:
                    self._engine_rate = rate
                    self.stats.seed, self.stats.checkpoint = delivery.seed, delivery.checkpoint
                    self._source.keep_no_more()
                    sound = await sound_of(candidate, self._request, rate)
                seconds += duration(len(pcm), rate)
                if heard := await sound.feed(pcm):
                    yield heard
                if seconds >= self._settings.max_seconds:
                    raise LimitExceeded(
                        f"the speech is longer than {self._settings.max_seconds:g} seconds (setting speech.max_seconds)"
                    )
        # The engine is free by now.
        for heard in await sound.finish() if sound is not None else ():
            yield heard

    def _options(self, candidate: Candidate) -> SpeechOptions:
        request, defaults = self._request, candidate.defaults
        style = request.style if request.style in candidate.voice.styles else None
        return replace(
            defaults,
            language=request.language,
            style=style,
            # A style that was asked for goes before what the voice does by itself.
            instruct=request.instruct or (None if style else defaults.instruct),
            description=request.description,
            seed=defaults.seed if request.seed is None else request.seed,
            sampling=request.sampling or defaults.sampling,
            live_text=self._source.open,
            wait=request.wait,
            # A little more than is allowed: an engine ends there without a word, and here it is an error.
            max_seconds=self._settings.max_seconds + 1.0,
            priority=request.priority,
        )
