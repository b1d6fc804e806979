"""Speaking one text: from wherever it comes, by whoever speaks it, to wherever it is heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import typer

from koe.cli.state import load_settings
from koe.core.errors import SettingsError

if TYPE_CHECKING:
    from koe.core.voice import Voice
    from koe.speech import SpeechRequest, SpeechStats


class AnyUtterance(Protocol):
    """`koe.speech.Utterance`, here or on a server."""

    @property
    def stats(self) -> SpeechStats: ...
    @property
    def sample_rate(self) -> int: ...
    def feed(self, text: str) -> None: ...
    def finish(self) -> None: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class AnySpeaker(Protocol):
    def voices(self) -> list[Voice]: ...
    def open(self, request: SpeechRequest, /) -> AnyUtterance: ...


class Output(Protocol):
    """Where speech is heard or kept; leaving it by an exception drops what can be dropped."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
    async def write(self, pcm: bytes, sample_rate: int) -> None: ...


@contextlib.asynccontextmanager
async def open_any(context: typer.Context, server: str | None) -> AsyncIterator[AnySpeaker]:
    """A speaker in this process, or the server's. Raises SettingsError, EngineUnavailable."""
    if context.obj.debug:
        from koe import logs

        logs.configure("debug", "human")
    if server is None:
        from koe.app import open_speaker

        async with open_speaker(load_settings(context)) as here:
            yield here
    else:
        from koe.adapters.wyoming_client import connect

        async with connect(_checked(server)) as there:
            yield there


@contextlib.asynccontextmanager
async def open_keeping(context: typer.Context) -> AsyncIterator[AnySpeaker]:
    """A speaker in this process; requests that say so are kept as runs, of whose folders one is told. Raises
    EngineUnavailable, KoeError where the disk fails."""
    from koe.app import open_speaker, outputs_of
    from koe.pipelines.keeper import Keeper

    loaded = load_settings(context)
    outputs = outputs_of(loaded)
    try:
        await asyncio.to_thread(outputs.visit)
        async with open_speaker(loaded) as speaker:
            keeper = Keeper(outputs, on_kept=lambda run: typer.echo(f"kept: {run.folder}", err=True))
            speaker.keep_with(keeper.hear)
            try:
                yield speaker
            finally:
                await asyncio.to_thread(keeper.close)
    finally:
        outputs.close()


async def speak(
    speaker: AnySpeaker,
    request: SpeechRequest,
    text: AsyncIterator[str],
    outputs: Sequence[Output],
    on_progress: Callable[[SpeechStats], None],
) -> SpeechStats:
    """Speak the text while it arrives. A failure of the text ends the speech at once."""
    utterance = speaker.open(request)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_feed(utterance, text))
            tasks.create_task(_hear(utterance, outputs, on_progress))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return utterance.stats


async def _feed(utterance: AnyUtterance, text: AsyncIterator[str]) -> None:
    async for piece in text:
        utterance.feed(piece)
    utterance.finish()


async def _hear(utterance: AnyUtterance, outputs: Sequence[Output], on_progress: Callable[[SpeechStats], None]) -> None:
    try:
        async for pcm in utterance:
            for output in outputs:
                await output.write(pcm, utterance.sample_rate)
            on_progress(utterance.stats)
    finally:
        await utterance.aclose()


def _checked(server: str) -> str:
    from koe.settings import ListenAddress

    try:
        if ListenAddress.parse(server).every_address:
            raise ValueError("name one server, such as tcp://192.168.1.5:10210")
    except ValueError as error:
        raise SettingsError(f"--server: {error}") from None
    return server
