"""Another server of the house."""

from dataclasses import dataclass
from typing import Literal

NeighbourKind = Literal[
    "text-to-speech", "speech-to-text", "wake-word", "satellite", "conversation", "intent", "microphone", "speaker"
]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A Wyoming server that announces itself on the network."""

    announced: str
    """The name under which it does."""

    name: str
    """What it calls itself; the same where it doesn't answer."""

    uri: str

    kinds: tuple[NeighbourKind, ...] = ()
    programs: tuple[str, ...] = ()
    """Their names, such as faster-whisper."""

    problem: str | None = None
    """Why nobody knows more of it: it doesn't answer."""
