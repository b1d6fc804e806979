"""Where `koe say` puts what it says: files, stdout, the loudspeaker."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from koe.audio.files import AudioWriter
from koe.cli.speaking import Output
from koe.core.errors import KoeError, UnsupportedAbility

_FFPLAY = ("-nodisp", "-autoexit", "-loglevel", "error")

# Raw 16-bit mono on stdin. pw-play is not among the first, as its options for raw input differ by version.
_STREAMING: Mapping[str, Callable[[int], Sequence[str]]] = {
    "paplay": lambda rate: ["--raw", f"--rate={rate}", "--format=s16le", "--channels=1"],
    "aplay": lambda rate: ["-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate), "-"],
    "pw-play": lambda rate: ["--raw", f"--rate={rate}", "--format=s16", "--channels=1", "-"],
    "ffplay": lambda rate: [*_FFPLAY, "-f", "s16le", "-ar", str(rate), "-i", "-"],
    "play": lambda rate: ["-q", "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", str(rate), "-"],
}

_WHOLE_FILES = "afplay"
"""macOS has it, and it can't read from a pipe."""


class FileOutput:
    """A file in the format of its name, or WAV on a stream. Nothing is left of a file after a failure."""

    def __init__(self, target: Path | BinaryIO) -> None:
        self._target = target
        self._open = contextlib.ExitStack()
        self._writer: AudioWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    async def write(self, pcm: bytes, sample_rate: int) -> None:
        if self._writer is None:
            self._writer = self._open.enter_context(AudioWriter(self._target, sample_rate))
        self._writer.write(pcm)


class PlayerOutput:
    """Plays while it is spoken, through a program that reads from a pipe."""

    def __init__(self, program: str, arguments: Callable[[int], Sequence[str]]) -> None:
        self._program, self._arguments = program, arguments
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if kind is None:
            await self._finish(self._process)
        elif self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def write(self, pcm: bytes, sample_rate: int) -> None:
        process = self._process or await self._start(sample_rate)
        assert process.stdin is not None
        process.stdin.write(pcm)
        try:
            await process.stdin.drain()
        except ConnectionError:
            await self._finish(process)
            raise KoeError(f"{self._program} stopped playing before the end") from None

    async def _start(self, sample_rate: int) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = (self._program, *self._arguments(sample_rate))
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stderr=pipe)
        return self._process

    async def _finish(self, process: asyncio.subprocess.Process) -> None:
        """Wait until all was heard. Raises KoeError with what the player complained of."""
        # Without any input, Python 3.11 would leave the pipe open.
        _, complaint = await process.communicate(b"")
        if process.returncode:
            reason = complaint.decode(errors="replace").strip() or f"it ended with {process.returncode}"
            raise KoeError(f"{self._program} can't play: {reason}")


class WholeFilePlayerOutput:
    """Plays at the end, through a program that only plays files."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._folder = tempfile.TemporaryDirectory(prefix="koe-")
        self._path = Path(self._folder.name) / "speech.wav"
        self._file = FileOutput(self._path)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._folder:
            await self._file.__aexit__(kind, error, trace)
            if kind is None:
                process = await asyncio.create_subprocess_exec(self._program, str(self._path))
                await process.wait()

    async def write(self, pcm: bytes, sample_rate: int) -> None:
        await self._file.write(pcm, sample_rate)


def player() -> Output:
    """The first audio player of this machine. Raises UnsupportedAbility that says what to do if there is none."""
    for name, arguments in _STREAMING.items():
        if program := shutil.which(name):
            return PlayerOutput(program, arguments)
    if program := shutil.which(_WHOLE_FILES):
        return WholeFilePlayerOutput(program)
    raise UnsupportedAbility(
        "no audio player was found. Write a file instead (--out hello.wav), or install one of "
        f"{', '.join(_STREAMING)} (on Debian and Ubuntu: sudo apt install alsa-utils)"
    )
