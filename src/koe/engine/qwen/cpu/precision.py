"""With how many bits the weights are kept; loads nothing heavy."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "int8", "int4"]
Quantised = Literal["int8", "int4"]


@dataclass(frozen=True, slots=True)
class Bits:
    """Of the weights of a model, by part. 32: as they are."""

    layers: int

    heads: int
    """The last products, from whose results codes are drawn: what they lose is lost for good, and they are small."""


BITS: dict[Precision, Bits] = {"fp32": Bits(32, 32), "int8": Bits(8, 8), "int4": Bits(4, 8)}
