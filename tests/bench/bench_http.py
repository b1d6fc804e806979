"""How soon an HTTP client hears Koe with espeak, for one client and for many, and what Koe adds to the engine.

A real server in a process of its own, clients on loopback in this one; each request opens its own connection. First
PCM: from before the connect to the first byte behind the WAV's header (over the WebSocket: to the first binary message;
of the compressed formats: to the first byte). All 50 clients may speak at once: nobody waits for a turn.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from koe.adapters.http import busy, speech, websocket
from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from tests.bench.bench_wyoming import SENTENCE, VOICE, engine_alone, one_by_one, percentile
from tests.bench.hardware import hardware
from tests.support.http_house import http_house

CLIENTS = 50
WAV_HEADER = 44

Times = dict[str, list[float]]


async def first_byte(port: int, format: str = "wav") -> float:
    """Seconds to the first byte of sound; the rest of the speech is read as well."""
    body = json.dumps({"input": SENTENCE, "voice": VOICE, "response_format": format}).encode()
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer + await reader.read())
    await reader.readuntil(b"\r\n")
    await reader.readexactly(WAV_HEADER + 1 if format == "wav" else 1)
    first = time.perf_counter() - start
    rest = await reader.read()
    if not rest.endswith(b"0\r\n\r\n"):
        raise RuntimeError("the answer broke off")
    writer.close()
    return first


async def first_message(socket: aiohttp.ClientWebSocketResponse) -> float:
    start, first = time.perf_counter(), None
    await socket.send_json({"type": "start", "input": SENTENCE, "voice": VOICE})
    while True:
        message = await socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            first = first or time.perf_counter() - start
        elif json.loads(message.data)["type"] == "end":
            break
    assert first is not None
    return first


async def over_websocket(port: int, count: int) -> list[float]:
    async with aiohttp.ClientSession() as client, client.ws_connect(f"http://127.0.0.1:{port}/ws/speech") as socket:
        return await one_by_one(lambda: first_message(socket), count)


async def at_once(measure: Callable[[], Awaitable[float]], rounds: int) -> list[float]:
    times: list[float] = []
    for _ in range(rounds):
        times += await asyncio.gather(*(measure() for _ in range(CLIENTS)))
    return times


async def engine_at_once(rounds: int) -> list[float]:
    """The engine alone, asked by as many in one process."""
    engine = EspeakEngine()
    await engine.start()
    voice = next(voice for voice in engine.voices() if voice.id == VOICE)

    async def speak() -> float:
        start, first = time.perf_counter(), None
        stream = engine.open(voice, SpeechOptions())
        stream.feed(SENTENCE)
        stream.finish()
        async for _ in stream:
            first = first or time.perf_counter() - start
        assert first is not None
        return first

    try:
        return await at_once(speak, rounds)
    finally:
        await engine.stop()


async def measure(count: int, rounds: int) -> Times:
    alone, alone_at_once = await engine_alone(count), await engine_at_once(rounds)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bench_http", "--serve"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        await one_by_one(lambda: first_byte(port), 20)
        return {
            "the engine alone, in process": alone,
            f"the engine alone, {CLIENTS} streams at once": alone_at_once,
            "1 client, wav": await one_by_one(lambda: first_byte(port), count),
            "1 client, pcm (24 kHz)": await one_by_one(lambda: first_byte(port, "pcm"), count),
            "1 client, mp3": await one_by_one(lambda: first_byte(port, "mp3"), count),
            "1 client, opus": await one_by_one(lambda: first_byte(port, "opus"), count),
            "1 client, WebSocket": await over_websocket(port, count),
            f"{CLIENTS} clients at once, wav": await at_once(lambda: first_byte(port), rounds),
        }
    finally:
        server.terminate()
        await server.wait()


async def serve() -> None:
    endpoints = (*speech.ENDPOINTS, *websocket.ENDPOINTS)
    with tempfile.TemporaryDirectory() as folder:
        async with http_house(
            Path(folder),
            endpoints,
            EspeakEngine(),
            prepare=busy.install,
            max_speaking=2 * CLIENTS,
            requests_per_minute=1_000_000,
        ) as house:
            print(house.port, flush=True)
            await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="requests one by one")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of clients at once")
    parser.add_argument("--serve", action="store_true", help="be the server that is measured")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    results = asyncio.run(measure(options.count, options.rounds))
    table = Table("first PCM, ms", "median", "95 %", "worst", "requests", caption=hardware())
    for name, times in results.items():
        figures = (statistics.median(times), percentile(times, 0.95), max(times))
        table.add_row(name, *(f"{1000 * figure:.2f}" for figure in figures), str(len(times)))
    console = Console(width=100)
    console.print(table)
    added = statistics.median(results["1 client, wav"]) - statistics.median(results["the engine alone, in process"])
    console.print(f"Koe adds {1000 * added:.2f} ms to the engine's first PCM (median): connection, text, protocol.")


if __name__ == "__main__":
    main()
