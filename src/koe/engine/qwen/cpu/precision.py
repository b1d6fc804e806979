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


_BLOCKS = (256, 128, 64, 32)
_FEWEST_BLOCKS = 4
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

    The more, the fewer products with scales: a frame's codes of 0.6B, one thread, take 70 ms with 128 and 63 with 256
    at 8 bits, 46 and 35 at 4; with 32 onnxruntime's MatMulNBits takes 1.7 times as long as with 256 (AMD EPYC with
    AVX-512). What they lose is little: the cosine of the talker's scores is 0.9996, 0.9995 and 0.9993 with 32, 128 and
    256. Narrow matrices are fast in any case.
    """
    return next((each for each in _BLOCKS if columns >= _FEWEST_BLOCKS * each), _BLOCKS[-1])
