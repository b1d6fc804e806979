"""What a server is asked for, besides the text."""

from dataclasses import dataclass, field

from koe.core.profile import Clip, Sampling


@dataclass(frozen=True, slots=True)
class Order:
    voice: str = ""
    """Its id in this house; empty for a voice of a clip or of a description."""

    language: str | None = None
    """BCP-47 tag; None: whichever it is."""

    style: str | None = None
    """By its name, for a server that has it."""

    style_words: str | None = None
    """The same as an instruction, for the others."""

    instruct: str | None = None
    seed: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    clip: Clip | None = None
    description: str | None = None
    size: str | None = None
    """Of the checkpoint; None: any."""

    patient: bool = False
    """For a server that is still getting ready."""

    batch: bool = False
    """Nobody waits for its first sound."""

    max_seconds: float = 600.0
    """Of sound."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A clip as a server gets it."""

    audio: str = ""
    """data:audio/...;base64,..."""

    uploaded: str = ""
    """Instead: the name under which the server has it."""

    transcript: str = ""
