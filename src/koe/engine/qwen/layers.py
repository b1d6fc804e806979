"""What the talker and the code predictor have in common: the package's decoder layers, over tokens laid flat."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.projection import project

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

    def __init__(self, model: Any) -> None:
        self._layers = tuple(model.layers)
        self._norm = model.norm

    def run(self, x: Tensor, rotation: Rotation, attend: Attend) -> Tensor:
        """x [t, hidden] -> [t, hidden], not yet normed."""
        for index, layer in enumerate(self._layers):
            x = x + _attention(layer.self_attn, layer.input_layernorm(x), rotation, index, attend)
            x = x + _mlp(layer.mlp, layer.post_attention_layernorm(x))
        return x

    def norm(self, x: Tensor) -> Tensor:
        normed: Tensor = self._norm(x)
        return normed


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


def _attention(attention: Any, x: Tensor, rotation: Rotation, index: int, attend: Attend) -> Tensor:
    heads = (len(x), -1, attention.head_dim)
    query = _rotate(attention.q_norm(project(attention.q_proj, x).reshape(heads)), rotation)
    key = _rotate(attention.k_norm(project(attention.k_proj, x).reshape(heads)), rotation)
    value = project(attention.v_proj, x).reshape(heads)
    return project(attention.o_proj, attend(index, query, key, value).flatten(1))


def _mlp(mlp: Any, x: Tensor) -> Tensor:
    return project(mlp.down_proj, mlp.act_fn(project(mlp.gate_proj, x)) * project(mlp.up_proj, x))


def _rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """x [t, heads, head_dim]"""
    cos, sin = rotation
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin
