"""The package's decoder layers as a graph: for the talker and the code predictor alike.

inputs    x [n, s, d]          s new positions of n streams
          seen int32 [n]       each stream's last position
          longest int32        the largest of them, plus 1
          cos, sin [p, head_dim / 2]
          past_key_0 ...       [n, kv_heads, m, head_dim] for each layer, and past_value_0 ...
outputs   present_key_0 ...    the same memory: the new keys and values are written into it
          and what is made of the last position's hidden state
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from koe.engine.qwen.cpu.graph import MICROSOFT, Floats, Graph

Source = Callable[[str], Tensor | None]
"""A checkpoint's weight by its name; None where there is none."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a transformer's memory."""

    layers: int
    kv_heads: int
    head_dim: int

    @classmethod
    def of(cls, config: Any) -> "Sizes":
        """`config`: a Qwen3TTSTalkerConfig or Qwen3TTSTalkerCodePredictorConfig."""
        return cls(config.num_hidden_layers, config.num_key_value_heads, config.head_dim)


class Transformer:
    """Draws the layers and the last norm of a Qwen3TTSTalkerModel or Qwen3TTSTalkerCodePredictorModel."""

    def __init__(self, graph: Graph, source: Source, prefix: str, config: Any, bits: int) -> None:
        """`prefix`: of the weights' names, such as `talker.model.`; `bits`: of the layers' weights."""
        self._graph, self._source, self._prefix, self._config, self._bits = graph, source, prefix, config, bits
        self._sizes = Sizes.of(config)

    def draw(self, x: str) -> str:
        """x [n, s, d] -> the last position's hidden state, normed: [n, d]."""
        graph = self._graph
        graph.input("seen", ("n",), np.int32)
        graph.input("longest", (), np.int32)
        for name in ("cos", "sin"):
            graph.input(name, ("p", self._sizes.head_dim // 2))
        norms = [f"layers.{index}.input_layernorm" for index in range(self._sizes.layers)] + ["norm"]
        normed = self._norm(x, norms[0])
        for index in range(self._sizes.layers):
            layer = f"layers.{index}."
            x, normed = self._add(x, self._attention(index, normed), f"{layer}post_attention_layernorm")
            x, normed = self._add(x, self._mlp(f"{layer}mlp.", normed), norms[index + 1])
        return graph.op("Gather", normed, graph.constant(np.int64(-1)), axis=1)

    def _attention(self, index: int, x: str) -> str:
        """[n, s, d] -> [n, s, d]; queries, keys and values come out of one product."""
        graph, sizes, heads = self._graph, self._sizes, int(self._config.num_attention_heads)
        layer = f"layers.{index}.self_attn."
        widths = [each * sizes.head_dim for each in (heads, sizes.kv_heads, sizes.kv_heads)]
        joined = self._linear(x, f"{layer}q_proj", f"{layer}k_proj", f"{layer}v_proj")
        query, key, value = graph.ops("Split", joined, graph.constant(np.array(widths)), count=3, axis=-1)
        shape = ("n", sizes.kv_heads, "m", sizes.head_dim)
        past = [graph.input(f"past_{each}_{index}", shape) for each in ("key", "value")]
        inputs = [
            self._head_norm(query, heads, f"{layer}q_norm"),
            self._head_norm(key, sizes.kv_heads, f"{layer}k_norm"),
            *(value, *past, "seen", "longest", "cos", "sin"),
        ]
        numbers: dict[str, Any] = {"num_heads": heads, "kv_num_heads": sizes.kv_heads, "do_rotary": 1}
        seen, *present = graph.ops("GroupQueryAttention", *inputs, count=3, domain=MICROSOFT, **numbers)
        for each, result in zip(("key", "value"), present, strict=True):
            graph.output(result, f"present_{each}_{index}", shape)
        return self._linear(seen, f"{layer}o_proj")

    def _head_norm(self, x: str, heads: int, name: str) -> str:
        """Each head by itself: [n, s, heads * head_dim] -> the same."""
        graph, head_dim = self._graph, self._sizes.head_dim
        apart = graph.op("Reshape", x, graph.constant(np.array([0, 0, heads, head_dim])))
        return graph.op("Reshape", self._norm(apart, name), graph.constant(np.array([0, 0, heads * head_dim])))

    def _mlp(self, name: str, x: str) -> str:
        """[n, s, d] -> [n, s, d]"""
        graph = self._graph
        gate, up = graph.ops(
            "Split", self._linear(x, f"{name}gate_proj", f"{name}up_proj"), count=2, axis=-1, num_outputs=2
        )
        # With alpha 1 this is SiLU.
        active = graph.op("QuickGelu", gate, domain=MICROSOFT, alpha=1.0)
        return self._linear(graph.op("Mul", active, up), f"{name}down_proj")

    def _norm(self, x: str, name: str) -> str:
        """RMSNorm over the last dimension."""
        weight = self._graph.constant(weight_of(self._source, f"{self._prefix}{name}.weight"))
        epsilon = float(self._config.rms_norm_eps)
        return self._graph.op("SimplifiedLayerNormalization", x, weight, axis=-1, epsilon=epsilon)

    def _add(self, x: str, y: str, name: str) -> tuple[str, str]:
        """Their sum, and that normed, in one pass."""
        weight = self._graph.constant(weight_of(self._source, f"{self._prefix}{name}.weight"))
        inputs, epsilon = (x, y, weight), float(self._config.rms_norm_eps)
        normed, _, _, total = self._graph.ops(
            "SkipSimplifiedLayerNormalization", *inputs, count=4, domain=MICROSOFT, epsilon=epsilon
        )
        return total, normed

    def _linear(self, x: str, *names: str) -> str:
        """The results of linear layers, one after the other."""
        return linear(self._graph, self._source, x, *(f"{self._prefix}{name}" for name in names), bits=self._bits)


def linear(graph: Graph, source: Source, x: str, *names: str, bits: int) -> str:
    """The results of linear layers, one after the other, from one product: x [..., in] -> [..., sum of outs]."""
    weight = np.concatenate([weight_of(source, f"{name}.weight") for name in names])
    biases = [source(f"{name}.bias") for name in names]
    given = [each for each in biases if each is not None]
    bias = np.concatenate([each.float().numpy() for each in given]) if given else None
    return graph.linear(x, weight, bits, bias)


def weight_of(source: Source, name: str) -> Floats:
    tensor = source(name)
    if tensor is None:
        raise ValueError(f"the checkpoint has no {name}")
    if not tensor.isfinite().all():
        raise ValueError(f"{name} holds what is no number")
    array: Floats = tensor.float().numpy()
    return array
