"""`koe serve` as a process of its own, which can be stopped and started again at the same address."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wyoming.client import AsyncClient
from wyoming.tts import Synthesize, SynthesizeVoice

from tests.support.house import PATIENCE, Heard, hear

_SETTINGS = {
    "engine.default": "espeak",
    "engine.fake.enabled": "true",
    "engine.qwen.device": "cpu",
    "engine.qwen.dtype": "float32",
    "engine.qwen.warm_up": "false",
    "engine.qwen.loaded": "3",
    "http.requests_per_minute": "100000",
}


@dataclass
class KoeServer:
    data_dir: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    wyoming_port: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or free_port()
        self.wyoming_port = self.wyoming_port or free_port()
        listening = {
            "http.listen": f'["tcp://127.0.0.1:{self.port}"]',
            "wyoming.listen": f"tcp://127.0.0.1:{self.wyoming_port}",
        }
        given = [f"--set={name}={value}" for name, value in (_SETTINGS | listening | dict(self.settings)).items()]
        # For models this small, a second thread costs more than it computes.
        own = {
            "KOE_DATA_DIR": str(self.data_dir),
            "HOME": str(self.data_dir),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
        }
        passed = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        with (self.data_dir / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "koe", "serve", "--no-discovery", *given],
                env=passed | own | dict(self.environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        told = ""
        while "Ctrl+C" not in told:
            line = self.process.stdout.readline()
            assert line, f"koe serve ended: {told}{(self.data_dir / 'log').read_text()[-3000:]}"
            told += line
        assert re.search(rf"127\.0\.0\.1:{self.port}\b", told), told

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)

    @property
    def token(self) -> str:
        return (self.data_dir / "config" / "token").read_text().strip()


@contextmanager
def koe_server(
    data_dir: Path,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    port: int = 0,
) -> Iterator[KoeServer]:
    """Running from here to the end of the block. `data_dir`: a tmp_path, with what is to be there already."""
    server = KoeServer(data_dir, settings or {}, environment or {}, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def said_over_wyoming(koe: KoeServer, text: str, voice: str, patience: float = 60.0) -> Heard:
    """In a thread of its own: the browser's driver has the loop of this one. `patience`: seconds, for a model that is
    loaded first."""

    async def say() -> Heard:
        async with AsyncClient.from_uri(f"tcp://127.0.0.1:{koe.wyoming_port}") as client:
            await client.write_event(Synthesize(text, voice=SynthesizeVoice(name=voice)).event())
            async with asyncio.timeout(patience):
                return await hear(client)

    heard: list[Heard] = []
    thread = threading.Thread(target=lambda: heard.append(asyncio.run(say())))
    thread.start()
    thread.join()
    return heard[0]
