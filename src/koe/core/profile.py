"""A voice that a user made, as it is kept: from a clip, from a description, or out of a built-in speaker."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from koe.core.effects import Effect
from koe.core.voice import Voice, VoiceKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REFERENCE_RATE = 24_000
"""Hz, of the samples of every reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A clip, prepared, and what is said in it."""

    file: str
    """Its name in the voice's folder of references."""

    sha256: str
    """Of the file's bytes, in hexadecimal."""

    duration: float
    """Seconds."""

    transcript: str = ""
    """Empty: unknown; the voice then follows the sound of the speaker alone."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model chooses among what it could say next; None: as the engine does by itself."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    id: str
    """Unique in the house and stable for years: Home Assistant stores it in pipelines."""

    name: str
    """What people see in a list."""

    kind: VoiceKind
    languages: tuple[str, ...]
    """BCP-47 tags, at least one; the first is the one that it speaks best."""

    created: datetime
    changed: datetime

    description: str = ""
    """For people: what this voice is."""

    tags: tuple[str, ...] = ()
    base: str = ""
    """Named: the id of the built-in voice that it varies."""

    engine: str = "qwen"
    size: str | None = None
    """Of the checkpoint, such as `0.6B`; None: what the settings prefer."""

    references: tuple[Reference, ...] = ()
    """Cloned and designed: what the voice is made of, in the order in which they are joined."""

    design: str = ""
    """Designed: the description that it was made from."""

    instruct: str = ""
    """Named: how it speaks, in words, where a request doesn't say."""

    seed: int | None = None
    """Where a request names none; None: drawn anew each time."""

    sampling: Sampling = field(default_factory=Sampling)
    speed: float = 1.0
    """1.2 is faster by a fifth."""

    pitch: float = 0.0
    """Semitones by which it is higher."""

    gain: float = 0.0
    """dB by which its sound is raised, so that the voices of a house are equally loud."""

    effects: tuple[Effect, ...] = ()
    """What is done to its sound, in this order: after speed and pitch, before the gain."""

    @property
    def transcript(self) -> str:
        """Of all references; empty unless each has one."""
        known = all(each.transcript for each in self.references)
        return " ".join(each.transcript for each in self.references) if known else ""

    @property
    def voice(self) -> Voice:
        return Voice(self.id, self.name, self.languages, self.engine, self.kind)


@dataclass(frozen=True, slots=True)
class Clip:
    """What an engine clones: all of a voice's references as one."""

    digest: str
    """The same for the same samples and transcript."""

    transcript: str
    """Empty: by the speaker embedding alone."""

    samples: "Callable[[], NDArray[np.float32]]"
    """Mono, 24 kHz, within +-1, 0.5 s of silence at the end. Reads files: to be called in a thread."""
