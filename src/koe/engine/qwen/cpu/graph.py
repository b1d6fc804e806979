"""ONNX graphs, node by node; their weights lie in files, which onnxruntime maps into memory."""

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from koe.engine.qwen.cpu.blocks import quantise

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""

_OPSET, _IR_VERSION = 21, 10
_PAGE = 4096
"""A weight in the file begins at a page, so that it can be mapped."""

SMALL = 1024
"""Bytes up to which a constant is kept in the graph itself."""

_INTEGERS = 4
"""accuracy_level of MatMulNBits: the activations are rounded to 8 bits as well, block by block; four times as fast."""

Floats = NDArray[np.float32]
Shape = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Of a constant outside of the graph; named as ONNX names it."""

    location: str
    """A file's name."""

    offset: int
    length: int


class Weights(Protocol):
    """Where the larger constants of a graph are."""

    @property
    def folder(self) -> Path: ...

    def place(self, values: NDArray[Any]) -> Place | None:
        """Of a constant's values, which may be written there now; None: in the graph itself."""
        ...


class WeightsFile:
    """A new file beside the graph; to be used as a context manager."""

    def __init__(self, file: Path) -> None:
        self._file, self.folder = file, file.parent

    def __enter__(self) -> Self:
        self._opened = self._file.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def place(self, values: NDArray[Any]) -> Place | None:
        if values.nbytes <= SMALL:
            return None
        self._opened.write(bytes(-self._opened.tell() % _PAGE))
        place = Place(self._file.name, self._opened.tell(), values.nbytes)
        self._opened.write(values.data)
        # A graph may be opened before this file is closed, and reads it by its own ways.
        self._opened.flush()
        return place


class Graph:
    def __init__(self, weights: Weights | None) -> None:
        """`weights`: None: all in the graph itself."""
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._names_outside: dict[str, str] = {}
        self._names = itertools.count(1)

    def input(self, name: str, shape: Shape, kind: Any = np.float32) -> str:
        self._inputs.append(_declared(name, shape, kind))
        return name

    def output(self, value: str, name: str, shape: Shape) -> None:
        """A float32 result, for those who run the graph, by this name."""
        self._names_outside[value] = name
        self._outputs.append(_declared(name, shape, np.float32))

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The one result of an operator; the input "" is left out."""
        return self.ops(kind, *inputs, count=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, count: int, domain: str = "", **attributes: Any) -> tuple[str, ...]:
        """The first `count` results of an operator."""
        results = tuple(self._name() for _ in range(count))
        self._nodes.append(helper.make_node(kind, inputs, results, domain=domain, **attributes))
        return results

    def constant(self, values: Any) -> str:
        """An array: float32, int32, int64 or uint8."""
        array = np.asarray(values, order="C")
        tensor = TensorProto(name=self._name(), data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        tensor.dims.extend(array.shape)
        place = self._weights.place(array) if self._weights is not None else None
        if place is None:
            tensor.raw_data = array.tobytes()
        else:
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in asdict(place).items():
                tensor.external_data.add(key=key, value=str(value))
        self._constants.append(tensor)
        return tensor.name

    def linear(self, x: str, weight: Floats, bits: int, bias: Floats | None = None) -> str:
        """x [..., in] times weight [out, in], kept with so many bits -> [..., out]."""
        if bits == 32:
            y = self.op("MatMul", x, self.constant(weight.T))
            return y if bias is None else self.op("Add", y, self.constant(bias))
        blocks = quantise(weight, bits)
        inputs = [x, self.constant(blocks.numbers), self.constant(blocks.scales.reshape(-1))]
        if bias is not None:
            inputs += ["", "", self.constant(bias)]
        size = {"K": blocks.columns, "N": len(weight), "bits": bits, "block_size": blocks.size}
        return self.op("MatMulNBits", *inputs, domain=MICROSOFT, **size, accuracy_level=_INTEGERS)

    def model(self, name: str) -> Any:
        """The whole as an onnx.ModelProto; nothing may be added afterwards."""
        for node in self._nodes:
            node.input[:] = [self._names_outside.get(value, value) for value in node.input]
            node.output[:] = [self._names_outside.get(value, value) for value in node.output]
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def choice(self, index: str, count: int, draw: Callable[["Graph", int], str]) -> str:
        """The result that `draw` gives for this number (int32, below `count`), and no other is computed.

        Asked for by halves, for each question costs some microseconds.
        """
        return self._choice(index, range(count), draw)

    def _choice(self, index: str, numbers: range, draw: Callable[["Graph", int], str]) -> str:
        if len(numbers) == 1:
            return draw(self, numbers[0])
        half = len(numbers) // 2
        condition = self.op("Less", index, self.constant(np.int32(numbers[half])))
        branches = {
            "then_branch": self._branch(lambda graph: graph._choice(index, numbers[:half], draw)),
            "else_branch": self._branch(lambda graph: graph._choice(index, numbers[half:], draw)),
        }
        return self.op("If", condition, **branches)

    def _branch(self, draw: Callable[["Graph"], str]) -> Any:
        branch = Graph(self._weights)
        branch._names = self._names
        result = helper.make_empty_tensor_value_info(draw(branch))
        return helper.make_graph(branch._nodes, result.name, [], [result], branch._constants)

    def _name(self) -> str:
        return f"v{next(self._names)}"


def _declared(name: str, shape: Shape, kind: Any) -> Any:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
