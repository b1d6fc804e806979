"""What is asked of the Speaker, and what is told of it afterwards."""

from dataclasses import dataclass
from typing import Protocol

from koe.core.effects import Effect
from koe.core.profile import Clip, Sampling
from koe.core.text.parts import TextFormat
from koe.engine import Priority


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    voice: str | None = None
    """A voice's id; None: by language, else the house's own."""

    language: str | None = None
    """BCP-47 tag of the text; None: the voice's, or detected where it has several."""

    style: str | None = None
    """One of the voice's styles; ignored, with a line in the log, where the voice has none."""

    text_format: TextFormat = "text"

    sample_rate: int | None = None
    """Hz; None: as the settings say, else as the engine speaks."""

    instruct: str | None = None
    """How to speak, in words; an engine without such an ability refuses it."""

    description: str | None = None
    """Of a voice that is made up for this request, in words; there is then no `voice`."""

    clip: Clip | None = None
    """Of a voice that is cloned for this request; there is then no `voice`."""

    seed: int | None = None

    sampling: Sampling | None = None
    """None: as the voice does by itself."""

    speed: float | None = None
    """1.2 is faster by a fifth than the voice is by itself; with the voice's own: from 0.25 to 4."""

    effects: tuple[Effect, ...] | None = None
    """None: as the voice does by itself; else these instead. What can't be had is refused."""

    wait: bool = False
    """For an engine that is still getting ready, instead of being spoken by the fallback."""

    priority: Priority = Priority.ROOM

    keep: bool = False
    """As a run, where it is spoken to its end and somebody keeps runs."""


class Ear(Protocol):
    """Hears an utterance beside whoever listens, and never makes anybody wait."""

    def text(self, text: str) -> None:
        """More of what is to be said."""
        ...

    def sound(self, pcm: bytes, sample_rate: int) -> None: ...

    def ended(self, stats: "SpeechStats") -> None:
        """That was all of it."""
        ...

    def dropped(self) -> None:
        """It was cancelled, or has failed; harmless after `ended`."""
        ...


@dataclass(slots=True)
class SpeechStats:
    """Figures of one utterance; complete once it has ended."""

    voice: str
    engine: str

    seed: int | None = None
    """The one really used; None for an engine without."""

    checkpoint: str | None = None
    """The name of the one that really spoke; None for an engine without."""

    fallback: str | None = None
    """Why the fallback voice spoke, if it did."""

    characters: int = 0

    first_audio: float | None = None
    """Seconds from the first text to the first PCM."""

    audio_seconds: float = 0.0

    elapsed: float = 0.0
    """Seconds from the first text to the last PCM."""

    def __str__(self) -> str:
        factor = self.real_time_factor
        figures = (
            ""
            if factor is None
            else (
                f", {self.audio_seconds:.2f} s of speech, first audio {1000 * (self.first_audio or 0):.1f} ms, "
                f"real-time factor {factor:.3f}"
            )
        )
        return f"{self.characters} characters as {self.voice}{figures}"

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of `elapsed` for a second of audio: also those in which text, a turn or the listener was awaited."""
        return self.elapsed / self.audio_seconds if self.audio_seconds else None
