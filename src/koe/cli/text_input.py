"""Text for `koe say`: from the command line, from a file, or from stdin while it arrives."""

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from koe.core.errors import MalformedInput

_MOST_AT_ONCE = 65536


async def given(text: str) -> AsyncIterator[str]:
    yield text


async def from_file(path: Path) -> AsyncIterator[str]:
    """Raises OSError, MalformedInput."""
    yield await asyncio.to_thread(_read, path)


async def from_stdin() -> AsyncIterator[str]:
    """Each piece as soon as it is there: a line that is typed, what a program writes. Raises MalformedInput."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    try:
        async for data in _stdin_bytes():
            if text := decode(data):
                yield text
        decode(b"", True)
    except UnicodeDecodeError:
        raise MalformedInput("what came on stdin is not UTF-8 text") from None


async def lines(text: AsyncIterator[str]) -> AsyncIterator[str]:
    """The same text line by line, without lines that have nothing to say."""
    rest = ""
    async for piece in text:
        *complete, rest = (rest + piece).split("\n")
        for line in complete:
            if any(map(str.isalnum, line)):
                yield line
    if any(map(str.isalnum, rest)):
        yield rest


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path} is not UTF-8 text (byte {error.start})") from None


async def _stdin_bytes() -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue(1)

    def read() -> None:
        while data := os.read(sys.stdin.fileno(), _MOST_AT_ONCE):
            asyncio.run_coroutine_threadsafe(arrived.put(data), loop).result()
        asyncio.run_coroutine_threadsafe(arrived.put(b""), loop)

    # A thread, as not everything that stdin may be can be waited for; daemon, as nothing wakes it from a read.
    threading.Thread(target=read, daemon=True, name="stdin").start()
    while data := await arrived.get():
        yield data
