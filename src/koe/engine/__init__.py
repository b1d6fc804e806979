"""The engine protocol: what turns text into PCM.

Whoever opens a stream closes it: `open`, then `feed`* and `finish` while iterating, then `aclose`, which is
also how a stream is cancelled. Closing twice is harmless. A model belongs to one thread of its engine; nothing of it is
touched from the event loop.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, runtime_checkable

from koe.core.profile import Clip, Sampling
from koe.core.voice import Voice

ENGINES = ("espeak", "qwen", "remote", "fake")
"""Every engine there is; the id of a built-in voice begins with its engine's name."""


MODEL_THREAD = "qwen"
"""The name of the thread that owns a model. Deep in a computation it can't be told to end: where it lives on at the end
of the process, the interpreter must not tidy up under it."""


class Priority(IntEnum):
    """Lower goes first."""

    ROOM = 0
    BATCH = 1


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How to speak; an engine ignores what it has no use for, and refuses what it can't honour."""

    language: str | None = None
    """BCP-47 tag of the text; None: the voice's first language."""

    style: str | None = None
    """One of the voice's styles."""

    instruct: str | None = None
    """How to speak, in words; wins over a style."""

    seed: int | None = None

    sampling: Sampling = field(default_factory=Sampling)

    clip: Clip | None = None
    """Speak as the one in this clip does, for a voice that is cloned or designed."""

    description: str | None = None
    """Speak in a voice of this description, made up anew."""

    size: str | None = None
    """Of the checkpoint; None: what the settings prefer."""

    live_text: bool = True
    """Whether the text is still arriving. An engine may speak a text better that it knows whole from the start."""

    wait: bool = False
    """For an engine that is still getting ready; else that is a failure, and somebody else speaks."""

    max_seconds: float = 600.0
    """The engine stops by itself after so much audio."""

    priority: Priority = Priority.ROOM


class SpeechStream(Protocol):
    """One utterance of an engine, pulled by its consumer.

    Iteration yields PCM chunks (16-bit little-endian mono at `sample_rate`), none of them empty, and ends when
    everything fed before `finish` was spoken. It raises EngineError where the engine fails.
    """

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def seed(self) -> int | None:
        """The seed really used, also when it was drawn; None for an engine without one."""
        ...

    @property
    def checkpoint(self) -> str | None:
        """The name of the one that speaks; None for an engine without."""
        ...

    def feed(self, text: str) -> None:
        """More text; for an engine without live text, whole segments only."""
        ...

    def finish(self) -> None:
        """No more text will come."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """Free the engine; what it was about to say is dropped."""
        ...


class Engine(Protocol):
    @property
    def name(self) -> str:
        """The word for it in settings, logs and `Voice.engine`."""
        ...

    @property
    def takes_live_text(self) -> bool:
        """Whether a stream may be fed while it speaks. The Speaker cuts segments for engines that may not."""
        ...

    async def start(self) -> None:
        """Get ready to speak. Raises EngineUnavailable with the reason and the remedy."""
        ...

    async def stop(self) -> None:
        """End every open stream with ShuttingDown and give back what the engine holds."""
        ...

    def voices(self) -> Sequence[Voice]:
        """The voices of now; cheap enough to be asked at every describe."""
        ...

    def open(self, voice: Voice, options: SpeechOptions) -> SpeechStream:
        """A stream in that voice; failures come from its iteration."""
        ...


@runtime_checkable
class Maker(Protocol):
    """An engine that may have voices besides those that it lists."""

    @property
    def can_clone(self) -> bool:
        """Whether it speaks in the voices of clips."""
        ...

    @property
    def can_design(self) -> bool:
        """Whether it speaks in voices of a description."""
        ...
