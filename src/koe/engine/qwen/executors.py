"""The two models that make a frame, as FrameGenerator drives them, and the codec that makes it sound, as
StreamingDecoder does: whoever computes them otherwise implements these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

Choose = Callable[[Tensor], Tensor]
"""Scores float32 [n, vocabulary], one row for each stream, in its order -> ids int64 [n]."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the talker makes of what it has heard."""

    hidden: Tensor
    """[n, d]: the code predictor's starting point."""

    logits: Tensor
    """[n, vocabulary]: of the next frame's first code."""


class TalkerExecutor(Protocol):
    """A fixed number of slots, each with the past of one stream. Slots know nothing of each other."""

    @property
    def slots(self) -> int: ...

    def room(self, slot: int) -> int:
        """How many positions this slot can still take."""
        ...

    def prefill(self, slot: int, embeds: Tensor) -> Outlook:
        """Begin a stream in a free slot with embeds [t, d], t <= room; the outlook after its last position, n = 1."""
        ...

    def step(self, slots: Sequence[int], embeds: Tensor) -> Outlook:
        """One more position, embeds [n, d], for each of these slots, which are all different and have room."""
        ...

    def save(self, slot: int) -> Any:
        """A copy of the slot's stream, for `restore`."""
        ...

    def restore(self, slot: int, saved: Any) -> None:
        """Go on with a saved stream in a free slot."""
        ...

    def release(self, slot: int) -> None:
        """Forget the slot's stream, for good: nothing of it is left for the next one."""
        ...


class PredictorExecutor(Protocol):
    def predict(self, hidden: Tensor, first: Tensor, choose: Choose) -> tuple[Tensor, Tensor]:
        """The rest of a frame for n streams, from the talker's hidden [n, d] and their first codes int64 [n].

        -> codes int64 [n, groups] and the sum of their embeddings [n, d], the talker's next input less the text.
        `choose` is called once for each further code.
        """
        ...


class CodecExecutor(Protocol):
    """The codec's decoder. What it keeps of a stream is a row of numbers, zeros at first, that each call changes."""

    @property
    def codebooks(self) -> int: ...

    @property
    def reach(self) -> int:
        """So many latents the last sample depends on."""
        ...

    def blank(self) -> Tensor:
        """What is kept of a stream before its first frame: zeros [size]."""
        ...

    def latents(self, codes: Tensor, positions: Tensor, memory: Tensor) -> Tensor:
        """codes int64 [n, t, codebooks], the first at positions int64 [n], memory [n, size] -> [n, width, t]."""
        ...

    def wave(self, latents: Tensor, memory: Tensor) -> Tensor:
        """latents [n, width, t] -> [n, t * 1920]."""
        ...
