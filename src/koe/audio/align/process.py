"""The aligning process, seen from the server: one at a time, with a deadline, and gone when nobody waits for it."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from pydantic import ValidationError

from koe.audio.align.passage import Aligned, Failure, Passage
from koe.core.errors import (
    Busy,
    DeadlineExceeded,
    EngineError,
    EngineUnavailable,
    InvalidSsml,
    KoeError,
    LimitExceeded,
    MalformedInput,
    UnsupportedAbility,
)
from koe.core.installation import command

_FAILURES = {
    kind.code: kind
    for kind in (EngineError, EngineUnavailable, InvalidSsml, LimitExceeded, MalformedInput, UnsupportedAbility)
}
_MOST_WAITING = 4
_LINE_BYTES = 256 * 1024 * 1024
"""Of an answer: a hundred for each character of the longest passage."""

_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Aligner:
    def __init__(self, whisper: str | None = None, *, deadline: float | None = None) -> None:
        """`whisper`: see Passage. `deadline`: seconds for one call of `align`, with the wait for its turn; None: it may
        take as long as it takes."""
        self._whisper, self._deadline = whisper, deadline
        self._turn, self._waiting = asyncio.Lock(), 0

    async def align(
        self, passages: Iterable[Passage], done: Callable[[int], object] = lambda _count: None
    ) -> list[Aligned]:
        """`done` is told how many there are by now. Whoever gives up waiting ends the process. Raises EngineUnavailable
        and UnsupportedAbility that say what to install, Busy, DeadlineExceeded, and what is wrong with a passage."""
        if self._waiting >= _MOST_WAITING:
            raise Busy(f"the words of {self._waiting} runs are being timed or wait for it: try again later")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._deadline), self._turn, self._process() as process:
                aligned: list[Aligned] = []
                for passage in passages:
                    aligned.append(await _asked(process, passage.model_copy(update={"whisper": self._whisper})))
                    done(len(aligned))
                return aligned
        except TimeoutError:
            raise DeadlineExceeded(
                f"the words were not timed within {self._deadline:g} seconds: the command line has no such limit "
                f"({command('history words ID')})"
            ) from None
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _process(self) -> AsyncGenerator[Process]:
        # -P: nothing is imported from the folder that the server happens to be started in.
        arguments = ("-P", "-m", "koe.audio.align", *(("--whisper",) if self._whisper else ()))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_LINE_BYTES,
            env=os.environ | _ONE_THREAD,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _asked(process: Process, passage: Passage) -> Aligned:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(passage.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
    except (ConnectionError, ValueError):
        # ValueError: a line beyond all bounds.
        line = b""
    if not line.endswith(b"\n"):
        raise EngineError("the process that times words ended before its work was done: try again")
    with contextlib.suppress(ValidationError):
        return Aligned.model_validate_json(line)
    failure = Failure.model_validate_json(line)
    raise _FAILURES.get(failure.code, KoeError)(failure.message)
