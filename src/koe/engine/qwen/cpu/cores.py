"""How many threads a model gains from on this machine."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

_MOST = 8
"""Memory has been read as fast as it can be long before, and what is left to compute is little."""

_FAST = 0.75
"""Of the largest capacity: what is below is an efficiency core, for which the others would wait."""

_SYSTEM = Path("/sys/devices/system/cpu")
_CGROUP = Path("/sys/fs/cgroup")


def threads(system: Path = _SYSTEM, cgroup: Path = _CGROUP) -> int:
    """One for each core that this process may use, counting no hyper-thread and no efficiency core, within the limit of
    its container."""
    allowed = _allowed()
    cores = len({_core(system, cpu) for cpu in _fast(system, allowed)})
    return max(1, min(cores, _quota(cgroup), _MOST))


def shares(together: int) -> tuple[int, int]:
    """Of so many threads: for the frames, and for their sound, which is made beside them; 0: there is none for it."""
    return together - together // 2, together // 2


def wait_quietly() -> None:
    """To be called before torch is imported: its threads sleep while they wait for each other, instead of spinning.

    Where other programs want the cores as well, spinning threads wait for one that isn't even running: measured with
    two threads on two busy cores, small operations took 35 times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    import psutil

    return set(range(psutil.cpu_count(logical=False) or 1))


def _fast(system: Path, cpus: Iterable[int]) -> list[int]:
    """Those as fast as the fastest, about. Arm says so by capacity; elsewhere by the highest frequency."""
    for file in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        speeds = {cpu: _number(system / f"cpu{cpu}" / file) for cpu in cpus}
        known = [speed for speed in speeds.values() if speed]
        if known:
            return [cpu for cpu, speed in speeds.items() if not speed or speed >= _FAST * max(known)]
    return list(cpus)


def _core(system: Path, cpu: int) -> tuple[int | None, int]:
    """The same for hyper-threads of a core."""
    topology = system / f"cpu{cpu}" / "topology"
    core = _number(topology / "core_id")
    return (None, cpu) if core is None else (_number(topology / "physical_package_id"), core)


def _quota(cgroup: Path) -> int:
    """Whole cores that a container may use: half of one more is not worth a thread."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return max(1, math.floor(int(quota) / int(period) + 0.5))
    except (OSError, ValueError):
        return _MOST


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
