"""The keys and values of the streams under way: slots of equal size, used again and again."""

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.layers import attend_causal, attend_group

_BEGIN = 256
"""Positions that are made at first: 20 seconds of speech, less the prompt."""


class SlotMemory:
    """Room for `slots` streams of up to `limit` positions each.

    It starts small and doubles when a stream needs it, for all slots at once; it never shrinks.
    """

    def __init__(self, layers: int, heads: int, head_dim: int, slots: int, limit: int, like: Tensor) -> None:
        """`like`: for type and device."""
        self._limit = limit
        self._length = [0] * slots
        shape = (slots, heads, min(_BEGIN, limit), head_dim)
        self._keys = [_zeros(like, shape) for _ in range(layers)]
        self._values = [_zeros(like, shape) for _ in range(layers)]

    @property
    def slots(self) -> int:
        return len(self._length)

    @property
    def positions(self) -> int:
        """So many are made for each slot."""
        return self._keys[0].shape[2]

    def length(self, slot: int) -> int:
        return self._length[slot]

    def room(self, slot: int) -> int:
        return self._limit - self._length[slot]

    def clear(self, slot: int) -> None:
        """Zeros, not only a length of 0: what a masked row can't see must at least be finite."""
        used = self._length[slot]
        for tensor in (*self._keys, *self._values):
            tensor[slot, :, :used] = 0
        self._length[slot] = 0

    def save(self, slot: int) -> "SavedSlot":
        """A copy of what the slot's stream has heard."""
        used = self._length[slot]
        keys, values = ([tensor[slot, :, :used].clone() for tensor in each] for each in (self._keys, self._values))
        return SavedSlot(used, keys, values)

    def restore(self, slot: int, saved: "SavedSlot") -> None:
        """Into a cleared slot, this one or another."""
        self._reserve(saved.length)
        for tensors, copies in ((self._keys, saved.keys), (self._values, saved.values)):
            for tensor, copy in zip(tensors, copies, strict=True):
                tensor[slot, :, : saved.length] = copy
        self._length[slot] = saved.length

    def _reserve(self, positions: int) -> None:
        if positions <= self.positions:
            return
        size = min(max(positions, 2 * self.positions), self._limit)
        for tensors in (self._keys, self._values):
            for index, old in enumerate(tensors):
                slots, heads, _, head_dim = old.shape
                tensors[index] = _zeros(old, (slots, heads, size, head_dim))
                for slot, length in enumerate(self._length):
                    tensors[index][slot, :, :length] = old[slot, :, :length]


def _zeros(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """On a CPU without touching them: what nobody has used takes no memory (nor in pages of 2 MB, as numpy's would)."""
    if like.device.type == "cpu" and like.dtype == torch.float32:
        return torch.frombuffer(mmap.mmap(-1, math.prod(shape) * 4), dtype=torch.float32).view(shape)
    return like.new_zeros(shape)


class SlotCache(SlotMemory):
    """Attention to the streams' past."""

    def __init__(self, attention: Any, layers: int, slots: int, limit: int, *, masked: bool | None = None) -> None:
        """`attention`: one of the model's, for shapes, type and device.

        `masked`: attend to all rows in one call under a mask, instead of row by row without one. By default on
        everything but a CPU, where a call costs less than the copy and the padding.
        """
        weight: Tensor = attention.k_proj.weight
        super().__init__(
            layers, weight.shape[0] // attention.head_dim, attention.head_dim, slots, limit, weight.detach()
        )
        self._masked = weight.device.type != "cpu" if masked is None else masked

    def begin(self, slot: int, tokens: int) -> "Beginning":
        """The first positions of a cleared slot."""
        self._reserve(tokens)
        self._length[slot] = tokens
        return Beginning(self._keys, self._values, slot)

    def extend(self, slots: Sequence[int]) -> "Extension":
        """One more position for each of these slots."""
        self._reserve(max(self._length[slot] for slot in slots) + 1)
        for slot in slots:
            self._length[slot] += 1
        lengths = [self._length[slot] for slot in slots]
        return (MaskedExtension if self._masked else Extension)(self._keys, self._values, slots, lengths)


@dataclass(frozen=True, slots=True)
class SavedSlot:
    """What a stream has heard, outside its slot."""

    length: int
    keys: list[Tensor]
    values: list[Tensor]


class Beginning:
    """Attention of a prompt to itself; an `Attend`."""

    def __init__(self, keys: list[Tensor], values: list[Tensor], slot: int) -> None:
        self._keys, self._values, self._slot = keys, values, slot

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        tokens = key.shape[0]
        self._keys[layer][self._slot, :, :tokens] = key.transpose(0, 1)
        self._values[layer][self._slot, :, :tokens] = value.transpose(0, 1)
        return attend_causal(query[None], key[None], value[None])[0]


class Extension:
    """Attention of each row's new token to its own past, row by row; an `Attend`."""

    def __init__(self, keys: list[Tensor], values: list[Tensor], slots: Sequence[int], lengths: Sequence[int]) -> None:
        self._keys, self._values = keys, values
        self._slots, self._lengths = slots, lengths
        device = keys[0].device
        self._where = torch.tensor(slots, device=device), torch.tensor(lengths, device=device) - 1

    @property
    def positions(self) -> Tensor:
        """[n] of the new tokens."""
        return self._where[1]

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = self._keys[layer], self._values[layer]
        slots, positions = self._where
        keys[slots, :, positions] = key
        values[slots, :, positions] = value
        return self._attend(query, keys, values)

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        rows = [
            attend_group(query[row : row + 1], keys[slot : slot + 1, :, :length], values[slot : slot + 1, :, :length])
            for row, (slot, length) in enumerate(zip(self._slots, self._lengths, strict=True))
        ]
        return rows[0] if len(rows) == 1 else torch.cat(rows)


class MaskedExtension(Extension):
    """The same in one call for all rows."""

    def __init__(self, keys: list[Tensor], values: list[Tensor], slots: Sequence[int], lengths: Sequence[int]) -> None:
        super().__init__(keys, values, slots, lengths)
        self._longest = max(lengths)
        self._mask = (torch.arange(self._longest, device=keys[0].device) <= self.positions[:, None])[:, None, None]

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return attend_group(query, self._rows(keys), self._rows(values), self._mask)

    def _rows(self, tensor: Tensor) -> Tensor:
        first, count = self._slots[0], len(self._slots)
        if list(self._slots) == list(range(first, first + count)):
            return tensor[first : first + count, :, : self._longest]
        return tensor[:, :, : self._longest].index_select(0, self._where[0])
