"""The talker's keys and values where a graph computes the attention: in place, for neighbouring slots at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from koe.engine.qwen.kv_cache import SlotMemory


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring slots."""

    first: int
    count: int


class GraphMemory(SlotMemory):
    def begin(self, slot: int, tokens: int) -> Stretch:
        """The first positions of a cleared slot."""
        self._reserve(tokens)
        self._length[slot] = tokens
        return Stretch(slot, 1)

    def extend(self, slots: Sequence[int]) -> Stretch:
        """One more position for each of these slots; the stretch may hold others between them.

        For those the graph writes a position that is not counted, so that their next one overwrites it.
        """
        stretch = Stretch(min(slots), max(slots) - min(slots) + 1)
        inside = range(stretch.first, stretch.first + stretch.count)
        self._reserve(max(self._length[slot] for slot in inside) + 1)
        for slot in slots:
            self._length[slot] += 1
        return stretch

    def last(self, stretch: Stretch, taken: Sequence[int]) -> list[int]:
        """The position that each slot of the stretch is at: its last one, or the next of those that aren't `taken`."""
        inside = range(stretch.first, stretch.first + stretch.count)
        return [self._length[slot] - (slot in taken) for slot in inside]

    def keys(self, stretch: Stretch) -> list[Tensor]:
        """Of each layer [count, heads, positions, head_dim]: views."""
        return [tensor[stretch.first : stretch.first + stretch.count] for tensor in self._keys]

    def values(self, stretch: Stretch) -> list[Tensor]:
        return [tensor[stretch.first : stretch.first + stretch.count] for tensor in self._values]
