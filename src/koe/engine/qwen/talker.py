"""The talker, one position at a time for any of its slots, on the package's modules and weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.executors import Outlook
from koe.engine.qwen.kv_cache import SavedSlot, SlotCache
from koe.engine.qwen.layers import Layers, rotation
from koe.engine.qwen.projection import Projection


class Talker:
    """A Qwen3TTSTalkerForConditionalGeneration as a TalkerExecutor."""

    def __init__(
        self, talker: Any, slots: int, positions: int, *, pack: bool = False, masked: bool | None = None
    ) -> None:
        """`positions`: at most so many for each slot, prompt and frames together; `pack` as in Projection, `masked` as
        in SlotCache."""
        model = talker.model
        self._head = Projection(talker.codec_head, pack=pack)
        self._rotary = model.rotary_emb
        self._layers = Layers(model, pack=pack)
        limit = min(positions, talker.config.max_position_embeddings)
        self._cache = SlotCache(model.layers[0].self_attn, len(model.layers), slots, limit, masked=masked)

    @property
    def slots(self) -> int:
        return self._cache.slots

    def room(self, slot: int) -> int:
        return self._cache.room(slot)

    @torch.inference_mode()
    def prefill(self, slot: int, embeds: Tensor) -> Outlook:
        self._cache.clear(slot)
        attend = self._cache.begin(slot, embeds.shape[0])
        positions = torch.arange(embeds.shape[0], device=embeds.device)
        x = self._layers.run(embeds, rotation(self._rotary, positions, embeds.dtype), attend)
        return self._outlook(x[-1:])

    @torch.inference_mode()
    def step(self, slots: Sequence[int], embeds: Tensor) -> Outlook:
        attend = self._cache.extend(slots)
        x = self._layers.run(embeds, rotation(self._rotary, attend.positions, embeds.dtype), attend)
        return self._outlook(x)

    @torch.inference_mode()
    def save(self, slot: int) -> SavedSlot:
        return self._cache.save(slot)

    @torch.inference_mode()
    def restore(self, slot: int, saved: SavedSlot) -> None:
        self._cache.restore(slot, saved)

    @torch.inference_mode()
    def release(self, slot: int) -> None:
        self._cache.clear(slot)

    def _outlook(self, x: Tensor) -> Outlook:
        hidden = self._layers.norm(x)
        return Outlook(hidden, self._head(hidden))
