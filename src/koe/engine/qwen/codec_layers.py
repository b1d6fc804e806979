"""The codec decoder's convolutions, fed piece by piece: each carries what its next piece will need.

A layer takes `x [b, channels, n]` and the batch's memory, and returns exactly the samples that the package's layer
would give at these places of the whole sequence. Weights stay in the package's modules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

_FEW = 64
"""Up to so many output samples a convolution costs less as one product: between wide layers a quarter, on a CPU."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A layer's place in each stream's memory."""

    start: int
    shape: tuple[int, ...]

    def of(self, memory: Tensor) -> Tensor:
        """The slot in each row of memory [b, size]: a view [b, *shape], to be read and written."""
        flat = memory[:, self.start : self.start + prod(self.shape)]
        return flat.view(memory.shape[0], *self.shape)


class Floorplan:
    """Deals out the memory of a stream, a flat tensor of `size` numbers that begins as zeros."""

    def __init__(self) -> None:
        self.size = 0

    def reserve(self, *shape: int) -> Slot:
        slot = Slot(self.size, shape)
        self.size += prod(shape)
        return slot


class Layer(Protocol):
    def __call__(self, x: Tensor, memory: Tensor) -> Tensor:
        """x [b, channels, n] -> [b, channels', n * rate]; updates this layer's slot of memory."""
        ...

    def needs(self, n: int) -> int:
        """How many of the last inputs the last n outputs depend on."""
        ...


class CausalConv:
    """A Qwen3TTSTokenizerV2CausalConvNet of stride 1: its past inputs take the place of its zero padding."""

    def __init__(self, net: Any, plan: Floorplan) -> None:
        self._conv: nn.Conv1d = net.conv
        self._reach: int = net.padding
        self._history = plan.reserve(self._conv.in_channels, self._reach)

    def __call__(self, x: Tensor, memory: Tensor) -> Tensor:
        if self._reach:
            history = self._history.of(memory)
            x = torch.cat((history, x), dim=-1)
            history.copy_(x[..., -self._reach :])
        conv = self._conv
        if x.shape[-1] - self._reach <= _FEW and conv.groups == 1:
            return self._as_product(x)
        return F.conv1d(x, conv.weight, conv.bias, dilation=conv.dilation, groups=conv.groups)

    def _as_product(self, x: Tensor) -> Tensor:
        conv = self._conv
        windows = x.unfold(-1, self._reach + 1, 1)[..., :: conv.dilation[0]]
        return F.linear(windows.transpose(1, 2).flatten(2), conv.weight.flatten(1), conv.bias).transpose(1, 2)

    def needs(self, n: int) -> int:
        return n + self._reach


class Upsample:
    """A Qwen3TTSTokenizerV2CausalTransConvNet: its kernel is one or two strides long.

    One product gives what each input adds to its own stride and, with a kernel of two strides, to the following one.
    The last of those overlaps is carried. On a CPU three times as fast as torch's transposed convolution.
    """

    def __init__(self, net: Any, plan: Floorplan) -> None:
        self._conv: nn.ConvTranspose1d = net.conv
        self._stride: int = self._conv.stride[0]
        self._overlaps: bool = net.right_pad > 0
        self._overlap = plan.reserve(self._conv.out_channels, self._stride if self._overlaps else 0)

    def __call__(self, x: Tensor, memory: Tensor) -> Tensor:
        weight = self._conv.weight
        parts = torch.matmul(x.transpose(1, 2), weight.flatten(1)).view(*x.shape[::2], *weight.shape[1:])
        out = parts[..., : self._stride]
        if self._overlaps:
            overlap = self._overlap.of(memory)
            later = parts[..., self._stride :]
            out[:, 1:] += later[:, :-1]
            out[:, 0] += overlap
            overlap.copy_(later[:, -1])
        out = out.permute(0, 2, 1, 3).flatten(2)
        return out if self._conv.bias is None else out + self._conv.bias[:, None]

    def needs(self, n: int) -> int:
        return -(-n // self._stride) + 1


class ConvNeXt:
    """A Qwen3TTSTokenizerV2ConvNeXtBlock."""

    def __init__(self, block: Any, plan: Floorplan) -> None:
        self._block = block
        self._dwconv = CausalConv(block.dwconv, plan)

    def __call__(self, x: Tensor, memory: Tensor) -> Tensor:
        block = self._block
        y = block.norm(self._dwconv(x, memory).transpose(1, 2))
        y = block.gamma * block.pwconv2(block.act(block.pwconv1(y)))
        out: Tensor = x + y.transpose(1, 2)
        return out

    def needs(self, n: int) -> int:
        return self._dwconv.needs(n)


class Snake:
    """A SnakeBeta: x + sin(x e^alpha)^2 / e^beta, in four passes over x instead of seven."""

    def __init__(self, snake: Any) -> None:
        self._snake = snake

    def __call__(self, x: Tensor, memory: Tensor) -> Tensor:
        snake = self._snake
        y = (x * snake.alpha.exp()[:, None]).sin_().square_()
        return torch.addcmul(x, y, 1.0 / (snake.beta.exp() + snake.no_div_by_zero)[:, None])

    def needs(self, n: int) -> int:
        return n


class Residual:
    """A Qwen3TTSTokenizerV2DecoderDecoderResidualUnit."""

    def __init__(self, unit: Any, plan: Floorplan) -> None:
        self._layers: Sequence[Layer] = (
            Snake(unit.act1),
            CausalConv(unit.conv1, plan),
            Snake(unit.act2),
            CausalConv(unit.conv2, plan),
        )

    def __call__(self, x: Tensor, memory: Tensor) -> Tensor:
        return run(self._layers, x, memory) + x

    def needs(self, n: int) -> int:
        return inputs_needed(self._layers, n)


def run(layers: Sequence[Layer], x: Tensor, memory: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x, memory)
    return x


def inputs_needed(layers: Sequence[Layer], outputs: int) -> int:
    for layer in reversed(layers):
        outputs = layer.needs(outputs)
    return outputs
