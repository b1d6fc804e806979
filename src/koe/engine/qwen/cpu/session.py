"""Running a graph on memory of torch's: nothing is copied on the way in or out."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from koe.engine.qwen.cpu.sharing import Part

_KINDS = {torch.float32: np.float32, torch.int32: np.int32, torch.int64: np.int64}

FATAL = 4
"""What is less comes as an exception."""

_WAITING = {"session.intra_op.spin_duration_us": "100", "session.force_spinning_stop": "1"}
"""Threads look out for their next operator for a moment instead of sleeping at once, and for none once the graph is
through: spinning on took the cores from the sampling and the codec between two runs. With two threads a frame's codes
of 0.6B take 46 ms asleep and 32 so at 4 bits; at 8 the difference can't be told from noise."""


class Session:
    """One graph, open once for each number of threads that may compute it; threads that run it have a binding each."""

    def __init__(self, graph: Path | bytes, cores: Part, folder: Path | None = None) -> None:
        """`graph`: a file, or an onnx.ModelProto's bytes; `folder`: of such a one's weights."""
        self._cores = cores
        counts = {cores.own, cores.all}
        with ThreadPoolExecutor(len(counts)) as pool:
            opened = pool.map(lambda threads: _session(graph, threads, folder), counts)
            self._sessions = dict(zip(counts, opened, strict=True))

    def width(self, output: str) -> int:
        """Of a result [n, width]."""
        found = next(each for each in next(iter(self._sessions.values())).get_outputs() if each.name == output)
        return int(found.shape[1])

    def binding(self) -> "Binding":
        return Binding({threads: each.io_binding() for threads, each in self._sessions.items()})

    def run(self, binding: "Binding") -> None:
        """Compute all outputs."""
        threads = self._cores.take()
        self._sessions[threads].run_with_iobinding(binding.bound[threads])


class Binding:
    """Which memory a graph reads and writes."""

    def __init__(self, bound: Mapping[int, Any]) -> None:
        """By the number of threads that compute."""
        self.bound = bound

    def input(self, name: str, tensor: Tensor) -> None:
        """`tensor` is contiguous, and lives until the last run."""
        for bound in self.bound.values():
            bound.bind_input(name, "cpu", 0, _KINDS[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())

    def output(self, name: str, tensor: Tensor) -> None:
        for bound in self.bound.values():
            bound.bind_output(name, "cpu", 0, _KINDS[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())


def _session(graph: Path | bytes, threads: int, folder: Path | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Room for all results of a graph at once saves no time here, and takes 100 MB.
    options.enable_mem_pattern = False
    options.log_severity_level = FATAL
    for name, value in _WAITING.items():
        options.add_session_config_entry(name, value)
    if folder is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def bind_memory(binding: Binding, keys: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """A transformer's keys and values, one tensor [n, kv_heads, m, head_dim] for each layer: read and added to."""
    for kind, tensors in (("key", keys), ("value", values)):
        for layer, tensor in enumerate(tensors):
            binding.input(f"past_{kind}_{layer}", tensor)
            binding.output(f"present_{kind}_{layer}", tensor)
