"""Running a graph on memory of torch's: nothing is copied on the way in or out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor

_KINDS = {torch.float32: np.float32, torch.int32: np.int32}


class Session:
    """One graph, its weights mapped or packed in memory; belongs to one thread."""

    def __init__(self, file: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Waiting threads that spin take the cores from the codec, and from every other program.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self._how = onnxruntime.RunOptions()
        self._how.only_execute_path_to_fetches = True

    def binding(self) -> "Binding":
        return Binding(self._session.io_binding())

    def run(self, binding: "Binding") -> None:
        """Compute the bound outputs, and nothing that they don't need."""
        self._session.run_with_iobinding(binding.bound, self._how)


class Binding:
    """Which memory a graph reads and writes."""

    def __init__(self, bound: Any) -> None:
        self.bound = bound

    def input(self, name: str, tensor: Tensor) -> None:
        """`tensor` is contiguous, and lives until the last run."""
        self.bound.bind_input(name, "cpu", 0, _KINDS[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())

    def output(self, name: str, tensor: Tensor) -> None:
        self.bound.bind_output(name, "cpu", 0, _KINDS[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())

    def forget_outputs(self) -> None:
        self.bound.clear_binding_outputs()


def bind_memory(binding: Binding, keys: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """A transformer's keys and values, one tensor [n, kv_heads, m, head_dim] for each layer: read and added to."""
    for kind, tensors in (("key", keys), ("value", values)):
        for layer, tensor in enumerate(tensors):
            binding.input(f"past_{kind}_{layer}", tensor)
            binding.output(f"present_{kind}_{layer}", tensor)
