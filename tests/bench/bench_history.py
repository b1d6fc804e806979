"""How soon runs are found among many, and how long the history takes to be made anew from their folders.

Each text has a sentence of common words, one of rare ones and one in Chinese; the folders lie in the system's temporary
folder. A search asks for the first page of 50 and looks whether their folders are there, as a client's request does.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from koe.storage.history import Query
from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from tests.bench.bench_wyoming import percentile
from tests.bench.hardware import hardware

COMMON = "The washing machine is done and the kitchen window is still open, so please close it before it rains."
SYLLABLES = "ka ro mi sen tal vor ne lu bra dis gon fa pel qui sto".split()  # noqa: SIM905
CHARACTERS = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"
VOICES = ("anna", "bert", "carla", "dora")

SEARCHES = {
    "no words": Query(),
    "a common word": Query("kitchen"),
    "two common words": Query("window rains"),
    "a rare word": Query("kasenmivor"),
    "two characters of Chinese": Query("玄荒"),
    "one common character": Query("云"),
    "words that are nowhere": Query("umbrella of nobody"),
    "a voice of four": Query(voice="carla"),
    "a voice that is nowhere": Query(voice="nobody"),
    "words, voice, language, time": Query("kitchen", voice="bert", language="en"),
}


def text(draw: random.Random) -> str:
    rare = " ".join("".join(draw.choices(SYLLABLES, k=4)) for _ in range(15))
    return f"{COMMON} {rare}. {''.join(draw.choices(CHARACTERS, k=30))}。"


def fill(folder: Path, count: int) -> float:
    """Seconds for each run that is kept."""
    draw, outputs = random.Random(1), Outputs(folder)
    start = time.perf_counter()
    for number in range(count):
        words = text(draw)
        with outputs.begin("speech", {"text": words}) as draft:
            draft.file("audio.wav").write_bytes(bytes(1000))
            draft.finish(
                Description(
                    text=words,
                    voice=VOICES[number % 4],
                    engine="fake",
                    language="en-GB",
                    elapsed=1.0,
                    duration=2.0,
                    sample_rate=24000,
                )
            )
    outputs.close()
    return (time.perf_counter() - start) / count


def rebuilt(folder: Path) -> float:
    """Seconds until every run is found again without a history."""
    for path in folder.glob("history.sqlite*"):
        path.unlink()
    start = time.perf_counter()
    outputs = Outputs(folder)
    outputs.visit()
    outputs.close()
    return time.perf_counter() - start


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=50, help="of each search")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keeping, anew = fill(folder, options.runs), rebuilt(folder)
        outputs = Outputs(folder)
        table = Table(
            f"search among {options.runs}, ms", "found", "median", "95 %", "worst", caption=hardware(), min_width=80
        )
        for title, query in SEARCHES.items():
            times = timed(lambda: outputs.search(query), options.rounds)  # noqa: B023
            found = len(outputs.search(query, limit=options.runs).entries)
            figures = statistics.median(times), percentile(times, 0.95), max(times)
            table.add_row(title, str(found), *(f"{figure:.1f}" for figure in figures))
        size = (folder / "history.sqlite").stat().st_size / 2**20
        outputs.close()
    console = Console(width=100)
    console.print(table)
    console.print(
        f"Made anew from the folders in {anew:.1f} s; {size:.1f} MiB. Keeping a run takes {1000 * keeping:.1f} ms."
    )


if __name__ == "__main__":
    main()
