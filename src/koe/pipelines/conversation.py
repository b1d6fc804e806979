"""A dialogue: one turn after the other, each in its own voice, with pauses between them, as one stream of PCM."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from koe.core.errors import DeadlineExceeded, LimitExceeded
from koe.core.pcm import duration, silence
from koe.settings import SpeechSettings
from koe.speech import SpeechStats, Utterance
from koe.speech.telling import Watch, telling

TASK = "conversation"


@dataclass(frozen=True, slots=True)
class Turn:
    utterance: Utterance
    """At the rate of the whole."""

    text: str
    pause_after: float
    """Seconds; after the last turn there is none."""

    speaker: str = ""
    language: str | None = None
    """BCP-47 tag; None: found out from the text."""

    is_ssml: bool = False


class Conversation:
    """Iterated once; closing the iterator frees the engine."""

    def __init__(
        self, turns: Sequence[Turn], sample_rate: int, settings: SpeechSettings, watch: Watch, adapter: str
    ) -> None:
        """`settings`: whose limits of time and length hold for all turns together."""
        self._settings = settings
        self._watch, self._adapter = watch, adapter
        self._bytes = 0
        self._starts = list[float]()
        self.turns = turns
        self.sample_rate = sample_rate
        """Hz."""

    @property
    def stats(self) -> Sequence[SpeechStats]:
        """Of each turn; complete once it has ended."""
        return [turn.utterance.stats for turn in self.turns]

    @property
    def starts(self) -> Sequence[float]:
        """Seconds from the beginning to each turn that has begun."""
        return self._starts

    @property
    def seconds(self) -> float:
        """Of sound, with pauses, so far."""
        return duration(self._bytes, self.sample_rate)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """PCM. Raises what an Utterance raises, for all turns together."""
        begun = asyncio.get_running_loop().time()
        last = len(self.turns) - 1
        for number, turn in enumerate(self.turns):
            self._starts.append(self.seconds)
            if asyncio.get_running_loop().time() - begun > self._settings.request_timeout:
                limit = self._settings.request_timeout
                raise DeadlineExceeded(f"it took longer than {limit:g} seconds (setting speech.request_timeout)")
            async with telling(turn.utterance, self._watch, self._adapter):
                turn.utterance.feed(turn.text)
                turn.utterance.finish()
                async for pcm in turn.utterance:
                    yield self._counted(pcm)
            if number < last:
                for quiet in silence(turn.pause_after, self.sample_rate):
                    yield self._counted(quiet)

    def _counted(self, pcm: bytes) -> bytes:
        self._bytes += len(pcm)
        if self.seconds > self._settings.max_seconds:
            limit = self._settings.max_seconds
            raise LimitExceeded(f"the conversation is longer than {limit:g} seconds (setting speech.max_seconds)")
        return pcm
