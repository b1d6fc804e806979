"""Discovery on a LAN of its own: the cases run in a network namespace, so that nothing reaches the real network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "namespace"
NAMESPACE = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c"]
# Two ends of a cable in one network: what is sent by multicast is heard by everybody on this machine.
LAN = """
set -e
ip link set lo up
ip link add koe0 type veth peer name koe1
ip address add 10.77.0.1/24 dev koe0
ip address add fd77::1/64 dev koe0 nodad
ip link set koe0 up
ip link set koe1 up
exec "$@"
"""


def _namespace_refusal() -> str | None:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "needs Linux with util-linux and iproute2"
    tried = subprocess.run([*NAMESPACE, LAN, "sh", "true"], capture_output=True, text=True, timeout=30, check=False)
    return None if tried.returncode == 0 else f"this system grants no network namespace: {tried.stderr.strip()}"


@pytest.mark.timeout(180)
def test_in_a_network_of_its_own() -> None:
    if (refusal := _namespace_refusal()) is not None:
        pytest.skip(refusal)
    pytest_in_it = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(CASES / "cases_discovery.py")]
    ran = subprocess.run(
        [*NAMESPACE, LAN, "sh", *pytest_in_it], capture_output=True, text=True, timeout=170, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
