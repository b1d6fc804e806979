"""Graphs beside whose matrices lies how this machine's kernels read them.

onnxruntime rearranges each matrix when it opens a graph and keeps that in memory, once for each session. Where it finds
the same in the graph's file, it maps that instead: sessions share it, and it is read from the disk again where memory
runs short. On another processor it finds nothing that is the same, and does as ever.
"""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from koe.engine.qwen.cpu.graph import SMALL
from koe.engine.qwen.cpu.session import FATAL

_log = logging.getLogger(__name__)

_KINDS = {"tensor(float)": np.float32, "tensor(int32)": np.int32, "tensor(int64)": np.int64}


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs that a graph is tried with; numbers that aren't whole are noise."""

    sizes: Mapping[str, int]
    """Of the dimensions that have a name."""

    integers: Mapping[str, int] = field(default_factory=dict)
    """The values of inputs that are whole numbers; of others: 0."""


def pack(file: Path, samples: Sequence[Sample]) -> bool:
    """Replace a graph, and the file of its weights, by themselves with what their matrices are rearranged to: takes
    twice as much of the disk.

    False: it would compute something else, and stays as it is. That happens to small matrices, for onnxruntime writes
    them to places in the file where its kernels can't read them.
    """
    folder = file.with_suffix(".packing")
    folder.mkdir()
    try:
        # It is written while the graph is opened.
        _open(file, write=folder / file.name)
        same = _same(_open(file), _open(folder / file.name), samples)
        if same:
            for each in folder.iterdir():
                each.replace(file.parent / each.name)
        else:
            _log.debug("%s can't be packed", file)
        return same
    finally:
        shutil.rmtree(folder)


def _open(graph: Path, write: Path | None = None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    if write is not None:
        # Not what suits only this processor.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(write)
        entries = {
            "session.optimized_model_external_initializers_file_name": write.with_suffix(".bin").name,
            "session.optimized_model_external_initializers_min_size_in_bytes": str(SMALL),
            "session.save_external_prepacked_constant_initializers": "1",
        }
        for name, value in entries.items():
            options.add_session_config_entry(name, value)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _same(one: Any, other: Any, samples: Sequence[Sample]) -> bool:
    """Whether two sessions compute the same."""
    noise = np.random.default_rng(0)
    for sample in samples:
        inputs: dict[str, Any] = {}
        for each in one.get_inputs():
            shape, kind = [sample.sizes.get(size, size) for size in each.shape], _KINDS[each.type]
            whole = sample.integers.get(each.name, 0)
            drawn = noise.standard_normal(shape, dtype=np.float32) if kind is np.float32 else np.full(shape, whole)
            inputs[each.name] = drawn.astype(kind)
        results = (session.run(None, inputs) for session in (one, other))
        if not all(np.array_equal(*pair) for pair in zip(*results, strict=True)):
            return False
    return True
