"""What a measurement of this machine has found, and where the last one is kept; loads nothing heavy."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from koe import disk
from koe.core.errors import RequestError
from koe.engine.qwen.cpu.cores import threads
from koe.engine.qwen.cpu.precision import Quantised
from koe.engine.qwen.published import Size

SIZES: tuple[Size, ...] = ("0.6B", "1.7B")
PRECISIONS: tuple[Quantised, ...] = ("int8", "int4")
ROOMS = 4
"""At once; more are not tried."""

_MOST_BYTES = 100_000

Verdict = Literal["keeps-up", "begins-later", "too-slow"]


class Measured(BaseModel):
    """Of one checkpoint size at one precision; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    size: Size
    precision: Quantised

    first_audio: float = Field(ge=0, examples=[0.24])
    """From the text to the first sound."""

    real_time: float = Field(gt=0, examples=[0.72])
    """Work for a second of sound, of one stream; below 1 it keeps up."""

    talker: float = Field(ge=0, examples=[0.018])
    """Of a frame's work, which has 0.08 s to keep up."""

    predictor: float = Field(ge=0, examples=[0.031])
    codec: float = Field(ge=0, examples=[0.009])

    together: float = Field(ge=0, examples=[2.1])
    """Seconds of sound a second, of four streams at once."""


class Figures(Measured):
    """What was measured, and what it means."""

    @property
    def rooms(self) -> int:
        """So many can be spoken to at once without a pause."""
        return 0 if self.real_time > 1 else max(1, min(ROOMS, math.floor(self.together)))

    @property
    def verdict(self) -> Verdict:
        if self.real_time <= 1:
            return "keeps-up"
        return "begins-later" if self.real_time <= 2 else "too-slow"

    @property
    def advice(self) -> str:
        match self.verdict:
            case "keeps-up":
                return "keeps up"
            case "begins-later":
                return f"speech begins {self.real_time - 1:.1f} s later for each second of it"
            case "too-slow":
                return "too slow for rooms; for productions only"


class Told(BaseModel):
    """A line of the measuring process: what it measures now, what it has found, or why it can't."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Size | None = None
    precision: Quantised | None = None
    figures: Figures | None = None
    failure: str | None = None


class Benchmark(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    at: AwareDatetime
    threads: int = Field(ge=1)
    figures: tuple[Figures, ...] = Field(min_length=1, max_length=len(SIZES) * len(PRECISIONS))

    @classmethod
    def now(cls, figures: Sequence[Figures]) -> Self:
        return cls(at=datetime.now(UTC), threads=threads(), figures=tuple(figures))

    def save(self, path: Path) -> None:
        """Raises OSError."""
        disk.write(path, (self.model_dump_json(indent=2) + "\n").encode())

    def keep(self, data_dir: Path) -> None:
        """As the last one of this machine. Raises DiskFailed."""
        path = _kept(data_dir)
        with disk.told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.save(path)


def last(data_dir: Path) -> Benchmark | None:
    """None where there was none, or its file is damaged: then it is measured again."""
    try:
        return read(_kept(data_dir))
    except (OSError, RequestError):
        return None


def read(path: Path) -> Benchmark:
    """Raises OSError, RequestError where it holds something else."""
    try:
        if path.stat().st_size <= _MOST_BYTES:
            return Benchmark.model_validate_json(path.read_bytes())
    except ValidationError:
        pass
    raise RequestError(f"{path} holds no results of koe bench; koe bench --save {path} writes some")


def _kept(data_dir: Path) -> Path:
    return data_dir / "models" / "bench.json"
