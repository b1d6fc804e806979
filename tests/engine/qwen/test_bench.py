"""Measuring this machine beside a house that goes on: one at a time, bounded, and leaving nothing behind."""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from koe.core.errors import KoeError, RequestError
from koe.engine.qwen.cpu.bench_process import Bench, Measuring
from koe.engine.qwen.cpu.figures import Benchmark, last, read
from koe.engine.qwen.engine import is_installed
from tests.support.bench import FIGURES, MODEST_WORKER, WORKER, telling
from tests.support.house import PATIENCE

pytestmark = pytest.mark.skipif(not is_installed(), reason="the extra `qwen` is not installed")


async def until(bench: Bench, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3 * PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


def goes_first(process: int) -> bool:
    """Where memory runs out."""
    return Path(f"/proc/{process}/oom_score_adj").read_text().strip() == "1000"


def left(data_dir: Path) -> list[str]:
    return [path.name for path in data_dir.iterdir() if path.name.startswith(".bench-")]


async def test_it_measures_all_that_was_asked_for_and_keeps_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, worker=WORKER)
    assert bench.last() is None and bench.running is None
    bench.start(["0.6B"])
    assert bench.running is not None
    await until(bench, lambda: bench.running is None)
    assert bench.failure is None
    found = bench.last()
    assert found is not None
    assert [(each.size, each.precision) for each in found.figures] == [("0.6B", "int8"), ("0.6B", "int4")]
    assert datetime.now(UTC) - found.at < timedelta(minutes=5)
    assert Bench(tmp_path).last() == found
    assert not left(tmp_path)


async def test_while_it_measures_there_is_no_second_one_and_everybody_else_goes_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, worker=MODEST_WORKER)
    bench.start()
    await until(bench, lambda: bench.running is not None and bench.running.now is not None)
    with pytest.raises(Measuring, match="already"):
        bench.start()
    (process,) = [each for each in psutil.Process().children() if "bench_worker" in " ".join(each.cmdline())]
    assert process.nice() == 19
    if sys.platform == "linux":
        assert goes_first(process.pid)
    assert await bench.cancel()
    assert not process.is_running() and bench.running is None
    assert not left(tmp_path)
    assert bench.last() is None and bench.failure is None
    assert not await bench.cancel()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (('{"failure": "it is too hot here"}',), "too hot"),
        (("no JSON",), "too little memory"),
        (('{"figures": {"size": "7B"}}',), "too little memory"),
        (("x" * 20_000,), "too little memory"),
    ],
)
async def test_what_fails_is_told_and_the_last_result_stays(tmp_path: Path, lines: tuple[str, ...], words: str) -> None:
    before = Benchmark.now([FIGURES])
    before.keep(tmp_path)
    bench = Bench(tmp_path, worker=telling(*lines))
    bench.start()
    await until(bench, lambda: bench.running is None)
    assert isinstance(bench.failure, KoeError) and words in bench.failure.message
    assert bench.last() == before
    assert not left(tmp_path)


async def test_it_ends_at_its_deadline(tmp_path: Path) -> None:
    bench = Bench(tmp_path, worker=telling(), deadline=0.5)
    bench.start()
    await until(bench, lambda: bench.running is None)
    assert bench.failure is not None and "too slow, or too busy" in bench.failure.message
    assert not left(tmp_path)


async def test_what_a_crash_left_is_removed(tmp_path: Path) -> None:
    (old := tmp_path / ".bench-old").mkdir()
    (new := tmp_path / ".bench-new").mkdir()
    os.utime(old, (0, 0))
    bench = Bench(tmp_path, worker=telling('{"failure": "enough"}'))
    bench.start()
    await until(bench, lambda: bench.running is None)
    assert not old.exists() and new.exists()


@pytest.mark.parametrize(
    ("real_time", "together", "rooms", "verdict", "advice"),
    [
        (0.5, 2.4, 2, "keeps-up", "keeps up"),
        (0.9, 0.9, 1, "keeps-up", "keeps up"),
        (0.2, 9.0, 4, "keeps-up", "keeps up"),
        (1.5, 0.7, 0, "begins-later", "0.5 s later"),
        (1.5, 1.2, 0, "begins-later", "0.5 s later"),
        (2.5, 0.4, 0, "too-slow", "productions only"),
    ],
)
def test_the_figures_are_put_into_words(
    real_time: float, together: float, rooms: int, verdict: str, advice: str
) -> None:
    figures = FIGURES.model_copy(update={"real_time": real_time, "together": together})
    assert (figures.rooms, figures.verdict) == (rooms, verdict)
    assert advice in figures.advice


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"figures": []}', b" " * 200_000, b"\xff"])
def test_a_file_that_holds_something_else_is_no_result(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "models" / "bench.json"
    path.parent.mkdir()
    path.write_bytes(content)
    assert last(tmp_path) is None
    with pytest.raises(RequestError, match="no results of koe bench"):
        read(path)
