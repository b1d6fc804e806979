"""The measuring process, seen from the server: one at a time, with a deadline, and everybody else goes before it.

bench = Bench(data_dir)
bench.start(("0.6B", "1.7B"))     bench.running tells how far it is
await bench.cancel()
"""

import asyncio
import contextlib
import logging
import shutil
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from koe import disk
from koe.core.errors import Busy, DeadlineExceeded, EngineError, EngineUnavailable, KoeError
from koe.engine.qwen.cpu.figures import PRECISIONS, SIZES, Benchmark, Figures, Told, last
from koe.engine.qwen.cpu.precision import Quantised
from koe.engine.qwen.engine import need_installed
from koe.engine.qwen.published import Size

_log = logging.getLogger(__name__)

DEADLINE = 1200.0
"""Seconds for all of it: ten times what a machine takes that can speak to rooms."""

# -P: nothing is imported from the folder that the server happens to be started in.
_WORKER = (sys.executable, "-P", "-m", "koe.engine.qwen.cpu.bench_worker")

_PREFIX = ".bench-"
_NEEDED = 5_500_000_000
"""Bytes on the disk, for as long as it takes: 4.3 GB at 1.7B while its talker is packed, and what should stay free."""

_ABANDONED = 6 * 3600.0
"""Seconds after which nobody measures in a folder any more."""

_MOST_LINE = 10_000


class Measuring(Busy):
    """One measurement is under way already."""


@dataclass(slots=True)
class Running:
    begun: datetime
    count: int
    """Of what is measured in all."""

    figures: list[Figures] = field(default_factory=list)
    """What has been found by now."""

    now: tuple[Size, Quantised] | None = None


class Bench:
    """To be used in the event loop."""

    def __init__(self, data_dir: Path, *, worker: Sequence[str] = _WORKER, deadline: float = DEADLINE) -> None:
        """`worker`: the command that measures."""
        self._data_dir, self._worker, self._deadline = data_dir, worker, deadline
        self._task: asyncio.Task[None] | None = None
        self.running: Running | None = None
        self.failure: KoeError | None = None
        """Why there is no result of the last one; None as well where somebody cancelled it."""

    @property
    def obstacle(self) -> str:
        """Why nothing can be measured here, and what to do; empty where it can."""
        try:
            need_installed()
        except EngineUnavailable as error:
            return error.message
        return ""

    def last(self) -> Benchmark | None:
        """Blocks."""
        return last(self._data_dir)

    def start(self, sizes: Sequence[Size] = SIZES) -> None:
        """Raises Measuring, EngineUnavailable."""
        if self.running is not None:
            raise Measuring("this machine is being measured already: wait until it is done, or cancel that")
        need_installed()
        self.failure = None
        self.running = Running(datetime.now(UTC), len(sizes) * len(PRECISIONS))
        self._task = asyncio.create_task(self._run(self.running, sizes))

    async def cancel(self) -> bool:
        """Whether there was something to cancel. What was measured before stays the last result."""
        if self._task is None or self._task.done():
            return False
        self._task.cancel()
        await asyncio.wait([self._task])
        return True

    async def _run(self, running: Running, sizes: Sequence[Size]) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                await self._measure(running, sizes)
        except TimeoutError:
            self.failure = DeadlineExceeded(
                f"it took longer than {self._deadline / 60:.0f} minutes: this machine is too slow, or too busy"
            )
        except KoeError as error:
            self.failure = error
        except Exception:
            _log.exception("measuring failed in an unexpected way")
            self.failure = EngineError("measuring failed in an unexpected way: the log says more")
        finally:
            self.running = None
        if self.failure is not None:
            _log.warning("this machine could not be measured: %s", self.failure.message)

    async def _measure(self, running: Running, sizes: Sequence[Size]) -> None:
        _log.info("measuring what Qwen3-TTS would do on this machine")
        async with self._folder() as folder, self._process(folder, sizes) as process:
            while len(running.figures) < running.count:
                told = await _line(process)
                if told.failure is not None:
                    raise EngineUnavailable(told.failure)
                if told.figures is not None:
                    running.figures.append(told.figures)
                if told.size is not None and told.precision is not None:
                    running.now = told.size, told.precision
        await asyncio.to_thread(Benchmark.now(running.figures).keep, self._data_dir)
        _log.info("measured what Qwen3-TTS would do on this machine")

    @asynccontextmanager
    async def _folder(self) -> AsyncGenerator[Path]:
        """Removed by this process, for the other one may be killed."""
        with disk.told(self._data_dir):
            await asyncio.to_thread(_make_room, self._data_dir)
            # Here and not in a thread: whoever cancels leaves no folder behind.
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._data_dir))
        try:
            yield folder
        finally:
            # To its end, also where the server is stopping.
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    @asynccontextmanager
    async def _process(self, folder: Path, sizes: Sequence[Size]) -> AsyncGenerator[Process]:
        process = await asyncio.create_subprocess_exec(
            *self._worker, str(folder), *sizes, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, limit=_MOST_LINE
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _line(process: Process) -> Told:
    assert process.stdout is not None
    # ValueError: a line beyond all bounds.
    with contextlib.suppress(ValidationError, ValueError):
        if line := await process.stdout.readline():
            return Told.model_validate_json(line)
    raise EngineUnavailable(
        "the process that measures ended before its work was done: most likely this machine has too little memory"
    )


def _make_room(data_dir: Path) -> None:
    """Raises EngineUnavailable where the disk is too full."""
    data_dir.mkdir(parents=True, exist_ok=True)
    for left in data_dir.glob(f"{_PREFIX}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    free = shutil.disk_usage(data_dir).free
    if free < _NEEDED:
        raise EngineUnavailable(
            f"measuring needs {_NEEDED / 1e9:.1f} GB on the disk for some minutes, and {free / 1e9:.1f} are free in "
            f"{data_dir}: make room there"
        )
