"""Matrices in blocks of few bits, as onnxruntime's MatMulNBits reads them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koe.engine.qwen.cpu.precision import block_size

_SHRINKS = np.linspace(0.75, 1.0, 11, dtype=np.float32)
"""Of a block's scale: a smaller one cuts its largest weight off and is finer for all others."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix [out, in]: weight = (number - 2 ** (bits - 1)) * scale."""

    bits: int

    size: int
    """Weights that share a scale."""

    numbers: NDArray[np.uint8]
    """[out, blocks, size * bits / 8]; of two 4-bit numbers in a byte the lower comes first."""

    scales: Floats
    """[out, blocks]"""

    columns: int
    """`in`: the last block may be filled up with zeros."""


def quantise(weight: Floats, bits: int) -> Blocks:
    """weight [out, in] in blocks of 8 or 4 bits."""
    rows, columns = weight.shape
    size = block_size(columns)
    filled = np.pad(weight, ((0, 0), (0, -columns % size))) if columns % size else weight
    blocks = filled.reshape(rows, -1, size)
    scales = _finest(blocks, bits) if bits == 4 else _widest(blocks, bits)
    numbers = (_numbers(blocks, scales, bits) + 2 ** (bits - 1)).astype(np.uint8)
    if bits == 4:
        numbers = numbers[..., ::2] | numbers[..., 1::2] << 4
    return Blocks(bits, size, np.ascontiguousarray(numbers), scales, columns)


def _widest(blocks: Floats, bits: int) -> Floats:
    """The scale at which a block's largest weight is the lowest number, which reaches one further than the highest."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)[..., 0]
    return np.asarray(largest / -(2 ** (bits - 1)), dtype=np.float32)


def _finest(blocks: Floats, bits: int) -> Floats:
    """The scale that loses least, of some that are smaller than the widest."""
    widest = _widest(blocks, bits)
    best, least = widest, np.full(widest.shape, np.inf, dtype=np.float32)
    for shrink in _SHRINKS:
        scales = widest * shrink
        loss = np.square(_numbers(blocks, scales, bits) * scales[..., None] - blocks).sum(-1)
        better = loss < least
        best, least = np.where(better, scales, best), np.where(better, loss, least)
    return best


def _numbers(blocks: Floats, scales: Floats, bits: int) -> Floats:
    """Whole, from -(2 ** (bits - 1)) to 2 ** (bits - 1) - 1."""
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    half: Any = 2 ** (bits - 1)
    return np.clip(np.rint(blocks * inverse[..., None]), -half, half - 1)
