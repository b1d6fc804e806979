"""PCM on its way from the thread that makes it to the task that takes it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from koe.core.errors import KoeError

MAX_TAKE_BYTES = 16384
"""What one iteration hands over at the most: small chunks that waited are joined up to this size."""


class PcmPipe:
    """One producing thread, one consuming task.

    The producer calls `put` and `end`; it learns from `put` that nobody listens any more, and from `buffered`
    how far it is ahead. The consumer iterates and calls `close`, which drops what is left.
    """

    def __init__(self, on_room: Callable[[], None] | None = None) -> None:
        """To be called in the consumer's event loop. `on_room` is called there after each take and at the close:
        a producer that had paused may go on, or let go."""
        self._on_room = on_room
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._ended = False
        self._closed = False
        self._error: KoeError | None = None
        self._ready = asyncio.Event()

    @property
    def buffered(self) -> int:
        """Bytes made and not yet taken."""
        return self._buffered

    @property
    def closed(self) -> bool:
        """Whether the consumer has left."""
        return self._closed

    def put(self, pcm: bytes) -> bool:
        """Hand over a chunk; False once the consumer has left."""
        with self._lock:
            if self._closed:
                return False
            was_empty = not self._chunks
            self._chunks.append(pcm)
            self._buffered += len(pcm)
        if was_empty:
            self._wake()
        return True

    def end(self, error: KoeError | None = None) -> None:
        """No more chunks come; with an error, the consumer gets it after what was put before."""
        with self._lock:
            if self._ended:
                return
            self._ended, self._error = True, error
        self._wake()

    def close(self) -> None:
        """The consumer leaves."""
        with self._lock:
            self._closed = True
            self._chunks.clear()
            self._buffered = 0
        self._ready.set()
        self._tell_producer()

    def __aiter__(self) -> "PcmPipe":
        return self

    async def __anext__(self) -> bytes:
        while True:
            with self._lock:
                taken = self._take()
                if taken:
                    break
                if self._ended or self._closed:
                    self._stop()
                self._ready.clear()
            await self._ready.wait()
        self._tell_producer()
        return taken

    def _stop(self) -> NoReturn:
        if self._error is not None and not self._closed:
            raise self._error
        raise StopAsyncIteration

    def _take(self) -> bytes:
        size = 0
        taken: list[bytes] = []
        while self._chunks and (not taken or size + len(self._chunks[0]) <= MAX_TAKE_BYTES):
            taken.append(self._chunks.popleft())
            size += len(taken[-1])
        self._buffered -= size
        return b"".join(taken)

    def _tell_producer(self) -> None:
        if self._on_room is not None:
            self._on_room()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:
            # The loop closed under us: nobody is left to wake, and the producer must see that.
            self._closed = True
