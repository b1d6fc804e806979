"""A real satellite: the package wyoming-satellite as published, in a process of its own, whose player writes to a file.

It pins libraries older than Koe's, so it has a folder of its own.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.house import PATIENCE

REQUIREMENT = "wyoming-satellite==1.0.0"
PACKAGE = "KOE_TEST_SATELLITE"
"""Variable with its folder, for tests in a network without a registry."""


def package(cache: Path) -> Path:
    """Its folder, where it is installed once."""
    if given := os.environ.get(PACKAGE):
        return Path(given)
    folder = cache / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not (folder / "wyoming_satellite").is_dir():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        ran = subprocess.run([*pip, "--target", str(folder), REQUIREMENT], capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            pytest.skip(f"{REQUIREMENT} can't be installed: {ran.stderr[-500:]}")
    return folder


@dataclass
class Satellite:
    uri: str
    played: Path

    @property
    def heard(self) -> bytes:
        return self.played.read_bytes() if self.played.exists() else b""


@asynccontextmanager
async def satellite(package: Path, folder: Path, name: str, host: str | None = None) -> AsyncIterator[Satellite]:
    """`host`: of the network where it announces itself; None: on loopback, where it doesn't."""
    address, port = host or "127.0.0.1", _free_port(host or "127.0.0.1")
    uri, played = f"tcp://{address}:{port}", folder / f"{name}.raw"
    zeroconf = ("--zeroconf-host", host, "--zeroconf-name", name) if host is not None else ("--no-zeroconf",)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wyoming_satellite", "--name", name, "--area", "Upstairs", "--uri", uri, *zeroconf),
        *("--mic-command", "sleep 1000", "--snd-command", f"sh -c 'cat >> {played}'"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package)},
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await _answers(address, port)
        yield Satellite(uri, played)
    finally:
        # Its microphone as well.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _answers(host: str, port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
