"""How much later a Wyoming client hears a voice of another Koe than that Koe's own clients do, with espeak.

Two real servers in processes of their own: the second speaks with espeak, the first has the second as its only speech
server. Clients on loopback in this process; each request opens its own connection, as Home Assistant does. First PCM:
from before the connect to the first byte of the first audio-chunk's payload. Asked in turns, so that both meet the same
machine.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.bench_wyoming import SENTENCE, VOICE, free_port, percentile
from tests.bench.hardware import hardware

REMOTE = f"remote-{VOICE}"
PIECES = ("The washing ", "machine is ", "finished. ", "It took ", "two hours.")


def event(type: str, **data: object) -> bytes:
    encoded = json.dumps(data).encode()
    return json.dumps({"type": type, "data_length": len(encoded)}).encode() + b"\n" + encoded


def whole(voice: str) -> bytes:
    return event("synthesize", text=SENTENCE, voice={"name": voice})


def live(voice: str) -> bytes:
    """A text in pieces, which all are there at once: what counts is the way, not the writing."""
    chunks = b"".join(event("synthesize-chunk", text=piece) for piece in PIECES)
    return event("synthesize-start", voice={"name": voice}) + chunks + event("synthesize-stop")


async def first_pcm(port: int, request: bytes) -> float:
    """Seconds to the first PCM byte; the rest of the speech is read as well."""
    start, first = time.perf_counter(), None
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    last = "synthesize-stopped" if b"synthesize-stop" in request else "audio-stop"
    while True:
        header = json.loads(await reader.readline())
        await reader.readexactly(header.get("data_length") or 0)
        payload = header.get("payload_length") or 0
        if header["type"] == "audio-chunk":
            await reader.readexactly(1)
            first, payload = first or time.perf_counter() - start, payload - 1
        await reader.readexactly(payload)
        if header["type"] == "error":
            raise RuntimeError(header)
        if header["type"] == last:
            break
    writer.close()
    assert first is not None
    return first


@asynccontextmanager
async def koe(folder: Path, *settings: str) -> AsyncIterator[int]:
    """A server of its own; its Wyoming port."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "koe", "--data-dir", str(folder), "serve", "--no-discovery", "--log-level", "warning"),
        *("--listen", f"tcp://127.0.0.1:{port}", *(part for each in settings for part in ("--set", each))),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while server.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def measure(count: int) -> dict[str, tuple[list[float], list[float]]]:
    """The second Koe's own clients, and those of the first."""
    results: dict[str, tuple[list[float], list[float]]] = {"a whole text": ([], []), "live text": ([], [])}
    http = free_port()
    address = f"http.listen=tcp://127.0.0.1:{http}"
    servers = f"engine.remote.servers=http://127.0.0.1:{http}"
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "first", Path(folder) / "second"
        quick = "http.requests_per_minute=1000000"
        async with (
            koe(other, "engine.default=espeak", address, quick) as second,
            koe(one, "http.enabled=false", "engine.default=remote", servers) as first,
        ):
            for turn in range(-10, count):
                for request, (own, over) in zip((whole, live), results.values(), strict=True):
                    times = await first_pcm(second, request(VOICE)), await first_pcm(first, request(REMOTE))
                    if turn >= 0:
                        own.append(times[0])
                        over.append(times[1])
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="requests of each kind")
    options = parser.parse_args()
    table = Table("first PCM, ms", "median", "95 %", "worst", "requests", caption=hardware())
    words = []
    for kind, (own, over) in asyncio.run(measure(options.count)).items():
        for who, times in (("its own client", own), ("over another Koe", over)):
            figures = (statistics.median(times), percentile(times, 0.95), max(times))
            table.add_row(f"{kind}, {who}", *(f"{1000 * figure:.2f}" for figure in figures), str(len(times)))
        later = statistics.median(over) - statistics.median(own)
        ratio = statistics.median(over) / statistics.median(own)
        words.append(f"{kind}: {1000 * later:.2f} ms later, {ratio:.1f} times as long (medians)")
    console = Console(width=100)
    console.print(table)
    console.print("\n".join(words))


if __name__ == "__main__":
    main()
