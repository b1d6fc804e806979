"""Python, libraries, folders, disk and GPU."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from koe.cli.checks import Finding, Mark

_GIB = 1024**3
_ENOUGH_DISK = 1 * _GIB
_GPU_QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader")
_GPU_SECONDS = 10


def python() -> Iterator[Finding]:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding(Mark.OK, "Python", found)


def libraries() -> Iterator[Finding]:
    missing = [name for name, version in _libraries().items() if version is None]
    present = ", ".join(f"{name} {version}" for name, version in _libraries().items() if version)
    if missing:
        remedy = "Install Koe again, with what it needs (pip install --upgrade koe)."
        yield Finding(Mark.PROBLEM, "Libraries", f"missing: {', '.join(missing)}", remedy)
    else:
        yield Finding(Mark.OK, "Libraries", present)


def data_folder(folder: Path) -> Iterator[Finding]:
    existing = _nearest_existing(folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        remedy = f"Give this user the right to write to {existing}, or name another folder with --data-dir."
        yield Finding(Mark.WARNING, "Data folder", f"{folder} can't be written to", remedy)
    else:
        later = "" if existing == folder else " (will be made when it is needed)"
        yield Finding(Mark.OK, "Data folder", f"{folder}{later}")


def disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest_existing(folder)).free
    found = f"{free / _GIB:.1f} GiB free"
    if free < _ENOUGH_DISK:
        yield Finding(Mark.WARNING, "Disk", found, "Make room: updates and voices need some.")
    else:
        yield Finding(Mark.OK, "Disk", found)


def gpu() -> Iterator[Finding]:
    """Never a problem: eSpeak needs none."""
    yield Finding(Mark.OK, "GPU", f"{_nvidia() or 'no NVIDIA GPU'}; {_torch()}; espeak needs none of it")


def _nvidia() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        result = subprocess.run([program, *_GPU_QUERY], capture_output=True, text=True, timeout=_GPU_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return "nvidia-smi is there but doesn't answer"
    return "; ".join(result.stdout.split("\n")).strip("; ") or None


def _torch() -> str:
    # Not imported: that takes seconds.
    if importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed"
    return f"PyTorch {_version('torch') or 'of unknown version'}"


def _libraries() -> dict[str, str | None]:
    """What the base installation requires, with the versions that are there."""
    required = [line for line in importlib.metadata.requires("koe") or () if "extra ==" not in line]
    names = sorted(re.split(r"[^A-Za-z0-9._-]", line)[0] for line in required)
    return {name: _version(name) for name in names}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _nearest_existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
