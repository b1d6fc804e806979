"""Sound that is fetched before somebody asks for it."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from koe.core.errors import EngineError, KoeError
from koe.core.pcm import duration
from koe.engine.remote.answer import Sound

_log = logging.getLogger(__name__)


class Ahead:
    """A task of its own takes from the source, so far ahead of its one listener. Whoever made it closes it."""

    def __init__(self, source: AsyncGenerator[Sound], lead_seconds: float) -> None:
        self.begun = asyncio.Event()
        """There is sound, or there will be none."""

        self._source, self._lead = source, lead_seconds
        self._waiting: deque[Sound] = deque()
        self._seconds = 0.0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False
        self._error: KoeError | None = None
        self._task = asyncio.create_task(self._fetch())

    async def sounds(self) -> AsyncGenerator[Sound]:
        while True:
            while self._waiting:
                sound = self._waiting.popleft()
                self._seconds -= duration(len(sound.pcm), sound.sample_rate)
                self._room.set()
                yield sound
            if self._ended:
                break
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None:
            raise self._error

    def end(self, error: KoeError) -> None:
        """At once, with that error; what waits is dropped."""
        self._waiting.clear()
        self._end(error)
        self._task.cancel()

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _fetch(self) -> None:
        try:
            async with aclosing(self._source) as sounds:
                async for sound in sounds:
                    self._put(sound)
                    while self._seconds >= self._lead:
                        self._room.clear()
                        await self._room.wait()
        except KoeError as error:
            self._end(error)
        except Exception as error:
            _log.exception("unexpected failure in the remote engine")
            self._end(EngineError(f"an unexpected failure in the remote engine: {type(error).__name__}"))
        else:
            self._end(None)

    def _put(self, sound: Sound) -> None:
        self._waiting.append(sound)
        self._seconds += duration(len(sound.pcm), sound.sample_rate)
        self.begun.set()
        self._changed.set()

    def _end(self, error: KoeError | None) -> None:
        if not self._ended:
            self._ended, self._error = True, error
        self.begun.set()
        self._changed.set()
