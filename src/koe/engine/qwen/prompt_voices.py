"""Whose voice a prompt asks for: one kind for each kind of checkpoint."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Named:
    """A speaker of a custom_voice checkpoint."""

    speaker: str
    instruct: str = ""
    """How to speak, in words; not for the 0.6B."""


@dataclass(frozen=True, slots=True)
class Designed:
    """A voice by its description, of a voice_design checkpoint."""

    description: str


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Equal only to itself."""

    codes: Tensor
    """int64 [t, 16]"""

    transcript: str


@dataclass(frozen=True, slots=True)
class Cloned:
    """The voice of a clip, of a base checkpoint: by its speaker embedding, and by its speech where there is one."""

    embedding: Tensor
    """[d]"""

    reference: Reference | None = None


PromptVoice = Named | Designed | Cloned
