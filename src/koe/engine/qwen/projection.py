"""Matrix products as small batches need them: one read of the weights by all cores."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from koe.engine.qwen.device import free_memory

_FEW_ROWS = 7
_PACKED_ROWS = 4
"""Fewer rows than these take longer from packed weights: 2 rows 490 us, 4 rows 320 (3072 x 1024)."""


class Projection:
    """A linear layer, in the way that is fastest here; the same up to float32's rounding.

    On a CPU such a product takes as long as its weights take to arrive, and torch's own way leaves cores idle: one row
    is a product of one thread, a few rows are poorly split. Measured on 2 cores, 3072 x 1024 in float32: 1 row 830 us
    as F.linear, 260 here; 8 rows 1270 us as F.linear, 480 from weights that lie as oneDNN wants them.
    """

    def __init__(self, linear: nn.Linear, *, pack: bool = False) -> None:
        """`pack`: keep a copy of the weights for several rows at once; see `can_pack`."""
        self._weight, self._bias = linear.weight, linear.bias
        self._packed = _ops().mkldnn._reorder_linear_weight(linear.weight.detach(), 8) if pack else None

    def __call__(self, x: Tensor) -> Tensor:
        """x [n, in] -> [n, out]"""
        rows = x.shape[0]
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return F.linear(x, self._weight, self._bias)
        if rows > 1 and self._packed is not None:
            return self._from_packed(x)
        if rows > _FEW_ROWS:
            return F.linear(x, self._weight, self._bias)
        out = _one_row(self._weight, x) if rows == 1 else torch.mm(self._weight, x.t()).t()
        return out if self._bias is None else out + self._bias

    def _from_packed(self, x: Tensor) -> Tensor:
        rows = x.shape[0]
        if rows < _PACKED_ROWS:
            x = F.pad(x, (0, 0, 0, _PACKED_ROWS - rows))
        out: Tensor = _ops().mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")
        return out[:rows]


def can_pack(model: nn.Module) -> bool:
    """Whether a model's projections are faster with packed weights, and there is memory for twice such a copy."""
    weights = [module.weight for module in model.modules() if isinstance(module, nn.Linear)]
    if any(weight.device.type != "cpu" or weight.dtype != torch.float32 for weight in weights):
        return False
    # What torch.compile computes linear layers with; a torch built without oneDNN lacks it.
    available = bool(torch.backends.mkldnn.enabled) and hasattr(_ops().mkldnn, "_reorder_linear_weight")
    return available and 2 * sum(weight.nbytes for weight in weights) < free_memory("cpu")


def _ops() -> Any:
    return torch.ops


def _one_row(weight: Tensor, x: Tensor) -> Tensor:
    """The weights' rows shared out among the threads: a batch of products, one for each."""
    threads = torch.get_num_threads()
    if weight.shape[0] % threads:
        return F.linear(x, weight)
    shares = weight.view(threads, -1, weight.shape[1])
    return torch.bmm(shares, x.t().expand(threads, -1, -1)).view(1, -1)
