"""How soon a Wyoming client hears Koe with espeak, for one client and for many, and what Koe adds to the engine.

A real server in a process of its own, clients on loopback in this one; each request opens its own connection, as Home
Assistant does. First PCM: from before the connect to the first byte of the first audio-chunk's payload.
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from tests.bench.hardware import hardware

SENTENCE = "The washing machine is finished."
LONG = "It is 21.5 degrees in the living room, and the window in the kitchen has been open for 20 minutes. " * 5
VOICE = "espeak-en-us"


def request(text: str) -> bytes:
    data = json.dumps({"text": text, "voice": {"name": VOICE}}).encode()
    return json.dumps({"type": "synthesize", "data_length": len(data)}).encode() + b"\n" + data


async def first_pcm(port: int, text: str) -> float:
    """Seconds to the first PCM byte; the rest of the speech is read as well."""
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(text))
    first = None
    while True:
        header = json.loads(await reader.readline())
        await reader.readexactly(header.get("data_length") or 0)
        if header["type"] == "audio-chunk":
            payload = header["payload_length"]
            await reader.readexactly(1)
            first = first or time.perf_counter() - start
            await reader.readexactly(payload - 1)
        elif header["type"] == "audio-stop":
            break
        elif header["type"] == "error":
            raise RuntimeError(header)
    writer.close()
    assert first is not None
    return first


async def describe(port: int) -> float:
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"type": "describe"}\n')
    header = json.loads(await reader.readline())
    await reader.readexactly(header["data_length"])
    writer.close()
    return time.perf_counter() - start


async def one_by_one(measure: Callable[[], Awaitable[float]], count: int) -> list[float]:
    return [await measure() for _ in range(count)]


async def at_once(port: int, clients: int, rounds: int) -> list[float]:
    times: list[float] = []
    for _ in range(rounds):
        times += await asyncio.gather(*(first_pcm(port, SENTENCE) for _ in range(clients)))
    return times


async def describe_under_load(port: int, count: int) -> list[float]:
    async def keep_speaking() -> None:
        while True:
            await first_pcm(port, LONG)

    load = [asyncio.create_task(keep_speaking()) for _ in range(20)]
    await asyncio.sleep(0.2)
    times = await one_by_one(lambda: describe(port), count)
    for task in load:
        task.cancel()
    await asyncio.gather(*load, return_exceptions=True)
    return times


async def engine_alone(count: int) -> list[float]:
    engine = EspeakEngine()
    await engine.start()
    voice = next(voice for voice in engine.voices() if voice.id == VOICE)
    times = []
    for _ in range(count + 10):
        start = time.perf_counter()
        stream = engine.open(voice, SpeechOptions())
        stream.feed(SENTENCE)
        stream.finish()
        chunks = aiter(stream)
        await anext(chunks)
        times.append(time.perf_counter() - start)
        async for _ in chunks:
            pass
    await engine.stop()
    return times[10:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def wait_until_up(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await first_pcm(port, SENTENCE)
                return
            except OSError:
                await asyncio.sleep(0.05)


async def measure(count: int, rounds: int) -> dict[str, list[float]]:
    alone = await engine_alone(count)
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "koe", "serve", "--listen", f"tcp://127.0.0.1:{port}", "--no-discovery"),
        *("--log-level", "warning"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await wait_until_up(port)
        await one_by_one(lambda: first_pcm(port, SENTENCE), 20)
        return {
            "the engine alone, in process": alone,
            "1 client": await one_by_one(lambda: first_pcm(port, SENTENCE), count),
            "10 clients at once": await at_once(port, 10, rounds),
            "50 clients at once": await at_once(port, 50, rounds),
            "describe, 20 requests running": await describe_under_load(port, count),
        }
    finally:
        server.terminate()
        await server.wait()


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="requests one by one")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of clients at once")
    options = parser.parse_args()
    results = asyncio.run(measure(options.count, options.rounds))
    table = Table("first PCM, ms", "median", "95 %", "worst", "requests", caption=hardware())
    for name, times in results.items():
        figures = (statistics.median(times), percentile(times, 0.95), max(times))
        table.add_row(name, *(f"{1000 * figure:.2f}" for figure in figures), str(len(times)))
    console = Console(width=100)
    console.print(table)
    added = statistics.median(results["1 client"]) - statistics.median(results["the engine alone, in process"])
    console.print(f"Koe adds {1000 * added:.2f} ms to the engine's first PCM (median): connection, text, protocol.")


if __name__ == "__main__":
    main()
