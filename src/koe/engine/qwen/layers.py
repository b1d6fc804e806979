"""What the talker and the code predictor have in common: the package's decoder layers, over tokens laid flat."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.projection import Projection

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, queries [t, heads, head_dim], keys and values [t, kv_heads, head_dim]) -> [t, heads, head_dim].

Remembers the keys and values, and lets each token see what is in its sight.
"""

Rotation = tuple[Tensor, Tensor]
"""cos and sin, each [t, 1, head_dim]."""


def rotation(rotary: Any, positions: Tensor, dtype: torch.dtype) -> Rotation:
    """The rotary embedding at these positions [t], from a Qwen3TTSTalkerRotaryEmbedding or Qwen3TTSRotaryEmbedding.

    The talker's three position axes always agree in speech, so its interleaved sections change nothing.
    """
    angles = positions.float()[:, None] * rotary.inv_freq.float()
    angles = torch.cat((angles, angles), dim=-1)[:, None]
    cos, sin = angles.cos() * rotary.attention_scaling, angles.sin() * rotary.attention_scaling
    return cos.to(dtype), sin.to(dtype)


class Layers:
    """The layers and the last norm of a Qwen3TTSTalkerModel or Qwen3TTSTalkerCodePredictorModel."""

    def __init__(self, model: Any, *, pack: bool = False) -> None:
        """`pack` as in Projection."""
        self._layers = tuple(_Layer(layer, pack) for layer in model.layers)
        self._norm = model.norm

    def run(self, x: Tensor, rotation: Rotation, attend: Attend) -> Tensor:
        """x [t, hidden] -> [t, hidden], not yet normed."""
        for index, layer in enumerate(self._layers):
            x = layer.run(x, rotation, index, attend)
        return x

    def norm(self, x: Tensor) -> Tensor:
        normed: Tensor = self._norm(x)
        return normed


class _Layer:
    """One of the package's decoder layers."""

    def __init__(self, layer: Any, pack: bool) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._before, self._between = layer.input_layernorm, layer.post_attention_layernorm
        self._query, self._key, self._value, self._output = (
            Projection(linear, pack=pack)
            for linear in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
        )
        self._query_norm, self._key_norm, self._head_dim = attention.q_norm, attention.k_norm, attention.head_dim
        self._gate, self._up, self._down = (
            Projection(linear, pack=pack) for linear in (mlp.gate_proj, mlp.up_proj, mlp.down_proj)
        )
        self._activation = mlp.act_fn

    def run(self, x: Tensor, rotation: Rotation, index: int, attend: Attend) -> Tensor:
        x = x + self._attention(self._before(x), rotation, index, attend)
        return x + self._mlp(self._between(x))

    def _attention(self, x: Tensor, rotation: Rotation, index: int, attend: Attend) -> Tensor:
        heads = (len(x), -1, self._head_dim)
        query = _rotate(self._query_norm(self._query(x).reshape(heads)), rotation)
        key = _rotate(self._key_norm(self._key(x).reshape(heads)), rotation)
        value = self._value(x).reshape(heads)
        return self._output(attend(index, query, key, value).flatten(1))

    def _mlp(self, x: Tensor) -> Tensor:
        return self._down(self._activation(self._gate(x)) * self._up(x))


def attend_group(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """One new token a row: query [n, heads, head_dim], keys and values [n, kv_heads, length, head_dim] -> as query.

    The heads that share a key take the place of a sequence, so that no key is repeated in memory.
    """
    grouped = query.reshape(len(query), keys.shape[1], -1, query.shape[-1])
    seen = torch.nn.functional.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
    return seen.flatten(1, 2)


def attend_causal(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The first t tokens of n rows: query [n, t, heads, head_dim], keys and values with kv_heads -> as query."""
    seen = torch.nn.functional.scaled_dot_product_attention(
        query.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), is_causal=True, enable_gqa=True
    )
    return seen.transpose(1, 2)


def _rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """x [t, heads, head_dim]"""
    cos, sin = rotation
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin
