"""Where a model computes, and with how many bits."""

import ctypes
import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from koe.core.errors import EngineUnavailable

DeviceChoice = Literal["auto", "cuda", "mps", "cpu"]
DtypeChoice = Literal["auto", "float32", "bfloat16", "float16"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_CGROUP = Path("/sys/fs/cgroup")
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Device:
    name: str
    """As torch calls it: `cuda:0`, `mps` or `cpu`."""

    dtype: torch.dtype
    """Of the talker and the code predictor."""

    reason: str
    """Which it is and why, for one line of the log."""

    codec_dtype: torch.dtype = torch.float32
    """What the codec makes is heard as it is, and it has a tenth of the parameters."""

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]


def choose_device(device: DeviceChoice = "auto", dtype: DtypeChoice = "auto") -> Device:
    """The fastest that works here, or the one that is asked for.

    Raises EngineUnavailable where that one doesn't work, with the reason.
    """
    obstacles: list[str] = []
    for kind in ("cuda", "mps", "cpu") if device == "auto" else (device,):
        obstacle = _obstacle(kind)
        if obstacle is None:
            return _described(kind, dtype, "; ".join(obstacles))
        obstacles.append(obstacle)
    raise EngineUnavailable(f"engine.qwen.device is {device}, but {obstacles[0]}; set it to auto")


def free_memory(device: str) -> int:
    """Bytes that may still be taken on a device, about; by its name, as torch calls it."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_free_on_machine(), _free_in_container())


def taken_memory(device: Device) -> int | None:
    """Bytes that tensors hold on a GPU; None on a CPU, where nobody counts them."""
    if device.kind == "cuda":
        return torch.cuda.memory_allocated(device.name)
    return torch.mps.current_allocated_memory() if device.kind == "mps" else None


def release_memory(device: Device) -> None:
    """Give back what belonged to models that nobody holds any more."""
    gc.collect()
    _trim()
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()


def _trim() -> None:
    """Glibc keeps what was freed: 0.1 to 0.2 GB after a checkpoint has been loaded."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    words = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(word in str(error).lower() for word in words)


def _described(kind: str, dtype: DtypeChoice, why_no_better: str) -> Device:
    best, why = _best_dtype(kind)
    chosen = best if dtype == "auto" else _DTYPES[dtype]
    name = {"cuda": "cuda:0"}.get(kind, kind)
    how = why if dtype == "auto" else "as engine.qwen.dtype says"
    because = f" ({why_no_better})" if why_no_better else ""
    return Device(name, chosen, f"{_title(kind)}{because}, {str(chosen).removeprefix('torch.')}: {how}")


def _best_dtype(kind: str) -> tuple[torch.dtype, str]:
    if kind == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, "the GPU computes with it"
        return torch.float16, "the GPU is too old for bfloat16"
    if kind == "mps":
        if torch.backends.mps.is_macos_or_newer(14, 0):
            return torch.bfloat16, "the GPU computes with it"
        return torch.float16, "bfloat16 needs macOS 14"
    return torch.float32, "most CPUs are slower with less"


def _title(kind: str) -> str:
    if kind == "cuda":
        free, total = torch.cuda.mem_get_info(0)
        return f"{torch.cuda.get_device_name(0)} with {total / _GIB:.0f} GiB, {free / _GIB:.0f} free"
    return "Apple GPU" if kind == "mps" else f"CPU with {torch.get_num_threads()} threads"


def _obstacle(kind: str) -> str | None:
    if kind == "cuda":
        return _cuda_obstacle()
    return None if kind == "cpu" or torch.backends.mps.is_available() else "no Apple GPU was found"


def _cuda_obstacle() -> str | None:
    if not (torch.version.cuda or torch.version.hip):
        return "this PyTorch is built for the CPU"
    if not torch.cuda.is_available():
        return "no NVIDIA GPU with a driver was found"
    try:
        # A GPU older than this PyTorch supports is there, but it can't compute.
        (torch.ones(1, device="cuda:0") + 1).item()
    except RuntimeError as error:
        return f"the GPU doesn't compute: {str(error).splitlines()[0]}"
    return None


def _free_on_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 1 << 62


def _free_in_container() -> int:
    """What a container's limit leaves; the pages of files it has read are given up when they are needed."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return limit - used + int(statistics.get("inactive_file", 0)) + int(statistics.get("active_file", 0))
    except (OSError, ValueError):
        return 1 << 62
