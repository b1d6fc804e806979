"""The code predictor: the codes of a frame after its first, one by one, on the package's modules and weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from koe.engine.qwen.executors import Choose
from koe.engine.qwen.layers import Layers, Rotation, attend_causal, attend_group, rotation
from koe.engine.qwen.projection import Projection


class CodePredictor:
    """The code predictor of a Qwen3TTSTalkerForConditionalGeneration as a PredictorExecutor.

    It begins anew at each frame, with the talker's hidden state and the first code, so that all rows stand at the same
    position and one small memory of keys and values serves every frame.
    """

    def __init__(self, talker: Any, rows: int, *, pack: bool = False) -> None:
        """`rows`: at most so many at once; `pack` as in Projection."""
        predictor = talker.code_predictor
        self._embeddings = (talker.model.codec_embedding, *predictor.model.codec_embedding)
        self._heads = tuple(Projection(head, pack=pack) for head in predictor.lm_head)
        self._narrow: Callable[[Tensor], Tensor] = predictor.small_to_mtp_projection
        if isinstance(self._narrow, nn.Linear):
            self._narrow = Projection(self._narrow, pack=pack)
        self._layers = Layers(predictor.model, pack=pack)
        self._past = _Past(predictor.model, rows, len(self._embeddings))

    @torch.inference_mode()
    def predict(self, hidden: Tensor, first: Tensor, choose: Choose) -> tuple[Tensor, Tensor]:
        codes = first.new_empty(first.shape[0], len(self._embeddings))
        embeds = hidden.new_empty(*codes.shape, hidden.shape[-1])
        codes[:, 0], embeds[:, 0] = first, self._embeddings[0](first)
        x = self._begin(torch.stack((hidden, embeds[:, 0]), dim=1))
        for group, head in enumerate(self._heads, start=1):
            codes[:, group] = choose(head(self._layers.norm(x)).float())
            embeds[:, group] = self._embeddings[group](codes[:, group])
            if group < len(self._heads):
                x = self._go_on(embeds[:, group], group + 1)
        return codes, embeds.sum(1)

    def _begin(self, pairs: Tensor) -> Tensor:
        """pairs [n, 2, d] at positions 0 and 1 -> [n, hidden] at position 1."""
        x = self._layers.run(self._narrow(pairs.flatten(0, 1)), self._past.begin(len(pairs)), self._past.attend_pairs)
        return x[1::2]

    def _go_on(self, embeds: Tensor, position: int) -> Tensor:
        """embeds [n, d] -> [n, hidden]"""
        return self._layers.run(self._narrow(embeds), self._past.go_on(position), self._past.attend)


class _Past:
    """The keys and values of the frame at hand: all rows at the same position."""

    def __init__(self, model: Any, rows: int, positions: int) -> None:
        attention = model.layers[0].self_attn
        weight: Tensor = attention.k_proj.weight
        shape = (rows, weight.shape[0] // attention.head_dim, positions, attention.head_dim)
        self._keys = [weight.new_empty(shape) for _ in model.layers]
        self._values = [weight.new_empty(shape) for _ in model.layers]
        where = torch.arange(positions, device=weight.device)
        self._cos, self._sin = rotation(model.rotary_emb, where, weight.dtype)
        self._position = 0

    def begin(self, rows: int) -> Rotation:
        return self._cos[:2].repeat(rows, 1, 1), self._sin[:2].repeat(rows, 1, 1)

    def go_on(self, position: int) -> Rotation:
        self._position = position
        return self._cos[position], self._sin[position]

    def attend_pairs(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key, value = (x.reshape(-1, 2, *x.shape[1:]) for x in (query, key, value))
        self._keys[layer][: len(key), :, :2] = key.transpose(1, 2)
        self._values[layer][: len(key), :, :2] = value.transpose(1, 2)
        return attend_causal(query, key, value).flatten(0, 1)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = (past[layer][: len(key), :, : self._position + 1] for past in (self._keys, self._values))
        keys[:, :, self._position] = key
        values[:, :, self._position] = value
        return attend_group(query, keys, values)
