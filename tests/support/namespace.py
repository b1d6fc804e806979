"""A network of its own for tests: a network namespace, from which nothing reaches the real one.

@pytest.mark.timeout(180)
def test_in_a_network_of_its_own() -> None:
    run_tests_in_namespace(__file__, timeout=170)

async def on_the_lan_everyone_is_found() -> None: ...
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

HERE = "10.77.0.1"
"""This machine on the LAN."""

# Two ends of a cable in one network: what is sent by multicast is heard by everybody on this machine.
LAN = f"""
set -e
ip link set lo up
ip link add koe0 type veth peer name koe1
ip address add {HERE}/24 dev koe0
ip address add fd77::1/64 dev koe0 nodad
ip link set koe0 up
ip link set koe1 up
exec "$@"
"""

NO_NETWORK = 'exec "$@"'

_ENTER = ("unshare", "--map-root-user", "--net", "--mount", "sh", "-c")
_NOTHING: Mapping[str, str] = {}


def run_tests_in_namespace(
    file: str | Path,
    functions: str = "on_the_lan_*",
    *,
    network: str = LAN,
    environ: Mapping[str, str] = _NOTHING,
    timeout: float,
) -> None:
    """Those functions of the file; `network` and the others are as for `run_in_namespace`."""
    pytest_there = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", f"python_functions={functions}"]
    ran = run_in_namespace([*pytest_there, str(file)], network=network, environ=environ, timeout=timeout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def run_in_namespace(
    command: Sequence[str], *, network: str = LAN, environ: Mapping[str, str] = _NOTHING, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Skips the test where the system grants no namespace. `network`: a shell script that makes it, and then executes
    its arguments; `environ`: variables more, for it as well; `timeout`: seconds."""
    if (refusal := _refusal()) is not None:
        pytest.skip(refusal)
    return subprocess.run(
        [*_ENTER, network, "sh", *command],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _refusal() -> str | None:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "needs Linux with util-linux and iproute2"
    tried = subprocess.run([*_ENTER, LAN, "sh", "true"], capture_output=True, text=True, timeout=30, check=False)
    return None if tried.returncode == 0 else f"this system grants no network namespace: {tried.stderr.strip()}"
