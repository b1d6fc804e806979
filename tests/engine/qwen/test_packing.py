"""Graphs packed for this machine's kernels compute what they did before."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from koe.engine.qwen.cpu.graph import Graph, WeightsFile  # noqa: E402
from koe.engine.qwen.cpu.packing import Sample, pack  # noqa: E402
from koe.engine.qwen.cpu.session import Session  # noqa: E402
from koe.engine.qwen.cpu.sharing import Part  # noqa: E402

SAMPLES = [Sample({"n": 2})]


def product(folder: Path, columns: int, rows: int, bits: int) -> Path:
    """A graph of one product with a matrix [rows, columns]."""
    file = folder / "product.onnx"
    with WeightsFile(file.with_suffix(".bin")) as weights:
        graph = Graph(weights)
        x = graph.input("x", ("n", columns))
        matrix = np.random.default_rng(1).standard_normal((rows, columns), dtype=np.float32)
        graph.output(graph.linear(x, matrix, bits), "y", ("n", rows))
        onnx.save(graph.model("product"), file)
    return file


def computed(file: Path, x: Any, rows: int) -> Any:
    session = Session(file, Part(1))
    binding, y = session.binding(), torch.empty(len(x), rows)
    binding.input("x", x)
    binding.output("y", y)
    session.run(binding)
    return y


@pytest.mark.parametrize(("columns", "rows"), [(1024, 2048), (2048, 1024), (64, 48)])
@pytest.mark.parametrize("bits", [32, 8, 4])
def test_the_result_stays_the_same(tmp_path: Path, columns: int, rows: int, bits: int) -> None:
    file, x = product(tmp_path, columns, rows, bits), torch.randn(1, columns)
    plain, size = computed(file, x, rows), file.with_suffix(".bin").stat().st_size
    packed = pack(file, SAMPLES)
    assert torch.equal(computed(file, x, rows), plain)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["product.bin", "product.onnx"]
    if columns * rows > 2**20:
        assert packed
        assert file.with_suffix(".bin").stat().st_size > 1.5 * size


def test_what_would_compute_something_else_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = product(tmp_path, 1024, 2048, 8)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    monkeypatch.setattr(np, "array_equal", lambda one, other: False)
    assert not pack(file, SAMPLES)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
