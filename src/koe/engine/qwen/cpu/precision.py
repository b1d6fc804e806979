"""With how many bits the weights are kept; loads nothing heavy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from koe.core.errors import EngineUnavailable
from koe.settings import QwenSettings

if TYPE_CHECKING:
    from koe.engine.qwen.device import Device

Precision = Literal["fp32", "int8", "int4"]
Quantised = Literal["int8", "int4"]


@dataclass(frozen=True, slots=True)
class Bits:
    """Of the weights, by part. 32: as they are."""

    talker: int
    """It decides on words and intonation, and what it loses in 28 layers adds up."""

    predictor: int
    """Its weights are read 15 times a frame: most of the time goes there."""

    heads: int
    """The last products, from whose results codes are drawn: what they lose is lost for good, and they are small."""


_BLOCKS = (128, 64, 32)
_FEWEST_BLOCKS = 8
"""In a row of a matrix."""

BITS: dict[Precision, Bits] = {"fp32": Bits(32, 32, 32), "int8": Bits(8, 8, 8), "int4": Bits(8, 4, 8)}
"""With 4 bits for the talker as well, its first choice is another in every second frame, with 8 in every fiftieth
(measured with noise for weights, which forgives less than speech does)."""


def chosen_precision(settings: QwenSettings, device: "Device") -> Precision:
    """auto: int8 on a CPU, unless the settings say how exactly it is to compute. Raises EngineUnavailable for what only
    a CPU can do."""
    if settings.precision == "auto":
        return "int8" if device.kind == "cpu" and settings.dtype == "auto" else "fp32"
    if settings.precision != "fp32" and device.kind != "cpu":
        raise EngineUnavailable(
            f"engine.qwen.precision is {settings.precision}, which only CPUs compute with; set it to auto"
        )
    return settings.precision


def block_size(columns: int) -> int:
    """How many of a matrix's weights [out, columns] share a scale.

    With 32 of them onnxruntime's MatMulNBits takes 1.4 times as long as with 128 at 8 bits, 1.5 times at 4 (one row,
    the 0.6B talker's matrices, AVX2), and is hardly truer: the cosine of the talker's scores is 0.9996 instead of
    0.9995. Narrow matrices are fast in any case.
    """
    return next((each for each in _BLOCKS if columns >= _FEWEST_BLOCKS * each), _BLOCKS[-1])
