"""What a room notices of a job: first PCM at a Wyoming client, idle and while a script of 50 lines is being spoken.

A real server in a process of its own; espeak-ng, and Qwen3-TTS with a tiny checkpoint of random weights. The ratio is
what counts: both are measured in the same run, one request after the other.
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from tests.bench.hardware import hardware
from tests.support.checkpoints import make_checkpoint

LINE = "The old house stood at the end of the road, and nobody had lived in it for more than 20 years."
SENTENCE = "The washing machine is finished."
VOICES = {"espeak-ng": "espeak-en-us", "Qwen3-TTS, tiny": "qwen-ryan"}
LINES = 50


async def first_pcm(port: int, voice: str) -> float:
    """Seconds from before the connect; the rest of the speech isn't waited for."""
    data = json.dumps({"text": SENTENCE, "voice": {"name": voice}}).encode()
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(json.dumps({"type": "synthesize", "data_length": len(data)}).encode() + b"\n" + data)
    while (header := json.loads(await reader.readline()))["type"] != "audio-chunk":
        await reader.readexactly(header.get("data_length") or 0)
        if header["type"] in ("error", "audio-stop"):
            raise RuntimeError(header)
    await reader.readexactly(header.get("data_length") or 0)
    await reader.readexactly(1)
    took = time.perf_counter() - start
    writer.close()
    return took


async def submit(session: aiohttp.ClientSession, voice: str) -> str:
    text = "".join(f"Teller: {LINE} {number}.\n" for number in range(LINES))
    body = {"kind": "script", "title": "A story", "text": text, "options": {"default": {"voice": voice, "seed": 1}}}
    async with session.post("/api/jobs", json=body) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def state(session: aiohttp.ClientSession, job: str) -> str:
    async with session.get(f"/api/jobs/{job}") as answer:
        return str((await answer.json())["state"])


async def while_busy(session: aiohttp.ClientSession, port: int, voice: str, count: int) -> tuple[list[float], int]:
    """Times, and of how many jobs; one job after the other until there are enough."""
    times: list[float] = []
    jobs = 0
    while len(times) < count:
        job = await submit(session, voice)
        jobs += 1
        while len(times) < count and await state(session, job) in ("planning", "queued", "running"):
            took = await first_pcm(port, voice)
            if await state(session, job) == "running":
                times.append(took)
        async with session.delete(f"/api/jobs/{job}") as answer:
            assert answer.status in (200, 204)
    return times, jobs


async def measure(count: int) -> list[tuple[str, list[float], list[float]]]:
    ports = free_ports()
    with tempfile.TemporaryDirectory() as folder:
        make_checkpoint(Path(folder) / "models" / "tiny", size="tiny", kind="custom_voice")
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "koe", "--data-dir", folder, "serve", "--no-discovery", "--log-level", "error"),
            *("--listen", f"tcp://127.0.0.1:{ports[0]}", "--set", f"http.listen=tcp://127.0.0.1:{ports[1]}"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{ports[1]}") as session:
                await wait_until_ready(session)
                rows = []
                for name, voice in VOICES.items():
                    for _ in range(10):
                        await first_pcm(ports[0], voice)
                    idle = [await first_pcm(ports[0], voice) for _ in range(count)]
                    busy, _ = await while_busy(session, ports[0], voice, count)
                    rows.append((name, idle, busy))
                return rows
        finally:
            server.terminate()
            await server.wait()


def free_ports() -> list[int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return [int(each.getsockname()[1]) for each in (one, other)]


async def wait_until_ready(session: aiohttp.ClientSession) -> None:
    """Until Qwen3-TTS is loaded, too."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get("/api/models/tiny") as answer:
                    if (await answer.json()).get("state") == "loaded":
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="requests measured, idle and busy")
    arguments = parser.parse_args()
    rows = asyncio.run(measure(arguments.count))
    table = Table(title=f"First PCM, ms, while {LINES} lines are being spoken\n{hardware()}")
    for title in ("engine", "idle: median", "95 %", "with a job: median", "95 %", "ratio of medians"):
        table.add_column(title, justify="right" if title != "engine" else "left")
    for name, idle, busy in rows:
        figures = [1000 * each for times in (idle, busy) for each in (statistics.median(times), percentile(times))]
        ratio = statistics.median(busy) / statistics.median(idle)
        table.add_row(name, *(f"{each:.2f}" for each in figures), f"{ratio:.2f}")
    Console(width=110).print(table)


def percentile(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
