"""Graphs of layers that are fed piece by piece: what streams remember goes in as `memory` and comes out as `kept`.

Both are [b, size]; a layer's part is what came just before this piece: of a convolution the inputs that it still
reaches, of a transposed one what overlaps into the next stride, of an attention the keys and values in sight.
"""

from typing import Any

import numpy as np
from torch import Tensor, nn

from koe.engine.qwen.codec_layers import Floorplan
from koe.engine.qwen.cpu.graph import MICROSOFT, Graph, Weights

_END = 2**62
"""As the end of a slice: all there is."""

_MEMORY = "memory"
"""The input: how large it is is known once all is drawn."""


class Drawing:
    """One such graph."""

    def __init__(self, weights: Weights | None) -> None:
        self.graph = Graph(weights)
        self._plan = Floorplan()
        self._kept: list[str] = []

    def model(self, result: str, name: str) -> Any:
        """An onnx.ModelProto that computes this result, as `result`, and what is kept."""
        self.graph.output(result, "result", ("b", "n", "m"))
        self.graph.output(self.graph.op("Concat", *self._kept, axis=1), "kept", ("b", self._plan.size))
        self.graph.input(_MEMORY, ("b", self._plan.size))
        return self.graph.model(name)

    def numbers(self, *values: int) -> str:
        return self.graph.constant(np.array(values, dtype=np.int64))

    def scalar(self, value: int) -> str:
        return self.graph.constant(np.int64(value))

    def tensor(self, values: Tensor) -> str:
        return self.graph.constant(values.detach().numpy())

    def cut(self, x: str, begin: int, end: int, axis: int) -> str:
        return self.graph.op("Slice", x, self.numbers(begin), self.numbers(end), self.numbers(axis))

    def turned(self, x: str) -> str:
        """[b, n, m] -> [b, m, n]"""
        return self.graph.op("Transpose", x, perm=[0, 2, 1])

    def reshaped(self, x: str, *shape: int) -> str:
        """0: as it is, -1: the rest."""
        return self.graph.op("Reshape", x, self.numbers(*shape))

    def behind_past(self, x: str, past: int, axis: int, *shape: int) -> str:
        """x behind the `past` places before it along this axis; the last of them are kept for the next piece.

        `shape`: of what is kept, but for the streams.
        """
        slot = self._plan.reserve(*shape)
        before = self.reshaped(self.cut(_MEMORY, slot.start, self._plan.size, 1), 0, *shape)
        both = self.graph.op("Concat", before, x, axis=axis)
        self._kept.append(self.reshaped(self.cut(both, -past, _END, axis), 0, -1))
        return both

    def linear(self, x: str, layer: nn.Linear) -> str:
        y = self.graph.op("FusedMatMul", x, self.tensor(layer.weight), domain=MICROSOFT, transB=1)
        return y if layer.bias is None else self.graph.op("Add", y, self.tensor(layer.bias))

    def conv(self, x: str, conv: nn.Conv1d) -> str:
        """x [b, in, n] without padding."""
        inputs = [x, self.tensor(conv.weight), *([] if conv.bias is None else [self.tensor(conv.bias)])]
        attributes: dict[str, Any] = {
            "kernel_shape": list(conv.kernel_size),
            "dilations": list(conv.dilation),
            "group": conv.groups,
        }
        return self.graph.op("Conv", *inputs, **attributes)

    def causal_conv(self, x: str, net: Any) -> str:
        """A Qwen3TTSTokenizerV2CausalConvNet of stride 1."""
        if net.padding:
            x = self.behind_past(x, net.padding, 2, net.conv.in_channels, net.padding)
        return self.conv(x, net.conv)
