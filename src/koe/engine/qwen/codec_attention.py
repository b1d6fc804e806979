"""The codec decoder's transformer, fed piece by piece: it carries the keys and values that are still in sight."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from koe.engine.qwen.codec_layers import Floorplan


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a piece stands, and what its frames may see: the same for every layer."""

    cos: Tensor
    """[b, 1, t, head_dim]"""

    sin: Tensor

    mask: Tensor
    """[b, 1, t, window - 1 + t] bool: True where a frame of the piece attends to a carried or new one."""


class WindowedAttention:
    """A Qwen3TTSTokenizerV2DecoderAttention: frame q attends to the frames k with q - window < k <= q.

    So the window - 1 frames before a piece are carried, their keys already rotated. Frames before the stream's first
    are zeros that the mask hides.
    """

    def __init__(self, attention: Any, plan: Floorplan) -> None:
        self._attention = attention
        self._head_dim: int = attention.head_dim
        self._carried: int = attention.sliding_window - 1
        heads: int = attention.config.num_key_value_heads
        self._keys = plan.reserve(heads, self._carried, self._head_dim)
        self._values = plan.reserve(heads, self._carried, self._head_dim)

    def __call__(self, x: Tensor, sight: Sight, memory: Tensor) -> Tensor:
        """x [b, t, hidden] -> [b, t, hidden]; updates this layer's slots of memory."""
        attention = self._attention
        query = _rotate(self._heads(attention.q_norm, attention.q_proj(x)), sight)
        key = _rotate(self._heads(attention.k_norm, attention.k_proj(x)), sight)
        value = self._heads(nn.Identity(), attention.v_proj(x))
        seen = F.scaled_dot_product_attention(
            query,
            self._window(self._keys.of(memory), key),
            self._window(self._values.of(memory), value),
            attn_mask=sight.mask,
            scale=attention.scaling,
            enable_gqa=attention.num_key_value_groups > 1,
        )
        out: Tensor = attention.o_proj(seen.transpose(1, 2).flatten(2))
        return out

    def _heads(self, norm: nn.Module, x: Tensor) -> Tensor:
        heads: Tensor = norm(x.view(*x.shape[:-1], -1, self._head_dim)).transpose(1, 2)
        return heads

    def _window(self, carried: Tensor, new: Tensor) -> Tensor:
        whole = torch.cat((carried, new), dim=2)
        carried.copy_(whole[:, :, -self._carried :])
        return whole


class WindowedTransformer:
    """A Qwen3TTSTokenizerV2DecoderTransformerModel."""

    def __init__(self, model: Any, plan: Floorplan) -> None:
        self._model = model
        self._attentions = [WindowedAttention(layer.self_attn, plan) for layer in model.layers]

    def __call__(self, x: Tensor, positions: Tensor, memory: Tensor) -> Tensor:
        """x [b, t, latent], positions [b] of its first frames -> [b, t, latent]; updates these layers' slots."""
        model = self._model
        x = model.input_proj(x)
        sight = look(model, positions, x.shape[1], x)
        for layer, attention in zip(model.layers, self._attentions, strict=True):
            x = x + layer.self_attn_layer_scale(attention(layer.input_layernorm(x), sight, memory))
            x = x + layer.mlp_layer_scale(layer.mlp(layer.post_attention_layernorm(x)))
        out: Tensor = model.output_proj(model.norm(x))
        return out


def look(transformer: Any, positions: Tensor, frames: int, like: Tensor) -> Sight:
    """Of a piece of so many frames, the first at positions [b]; in the precision of `like`."""
    window: int = transformer.window_size
    step = torch.arange(frames, device=positions.device)
    cos, sin = transformer.rotary_emb(like, positions[:, None] + step)
    age = (window - 1 + step)[:, None] - torch.arange(window - 1 + frames, device=positions.device)
    lived = age <= (positions[:, None] + step)[..., None]
    mask = (age >= 0) & (age < window) & lived
    return Sight(cos[:, None], sin[:, None], mask[:, None])


def _rotate(x: Tensor, sight: Sight) -> Tensor:
    """As the package's apply_rotary_pos_emb: x [b, heads, t, head_dim]."""
    a, b = x.chunk(2, dim=-1)
    return x * sight.cos + torch.cat((-b, a), dim=-1) * sight.sin
