"""Downloads that belong to the house: each goes on whoever listens, in a thread of its own.

download = downloads.begin("0.6B-Base")      joins the one that is under way
downloads.cancel(download.name)              what has come is kept
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from koe.core.errors import Busy, KoeError, RequestError
from koe.engine.qwen.download import download, need_hub, source
from koe.engine.qwen.hub import Hub
from koe.engine.qwen.store import Store, Unfinished

_log = logging.getLogger(__name__)

MOST = 2
"""At a time."""

_STOP_SECONDS = 2.0


class Cancelled(KoeError):
    """Somebody didn't want the download any more."""

    code = "cancelled"


class Download:
    def __init__(self, name: str, revision: str | None, store: Store) -> None:
        self.name, self.revision, self._store = name, revision, store
        self._cancelled = threading.Event()
        self.ended: asyncio.Task[None] | None = None

    async def over(self, seconds: float) -> bool:
        """Wait for its end, at the most so long; whether it has come. Raises what ended it."""
        assert self.ended is not None
        ended, _ = await asyncio.wait({self.ended}, timeout=seconds)
        if ended:
            self.ended.result()
        return bool(ended)

    def progress(self) -> Unfinished | None:
        """None before the hub has answered, and at the end. Blocks."""
        found = next((each for each in self._store.all_unfinished() if each.name == self.name), None)
        return found if found and found.total else None

    def cancel(self) -> None:
        """It ends with the next piece."""
        self._cancelled.set()

    def check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled(f"the download of {self.name} was cancelled; what has come is kept for the next one")


class Downloads:
    """To be used in the event loop."""

    def __init__(
        self, store: Store, whenever_done: Callable[[], Awaitable[None]], hub: Callable[[], Hub] = Hub
    ) -> None:
        """`whenever_done`: after each that went well, before its end is told."""
        self._store, self._whenever_done, self._hub = store, whenever_done, hub
        self._running: dict[str, Download] = {}

    @property
    def running(self) -> Mapping[str, Download]:
        """By the names of checkpoints."""
        return self._running

    def begin(self, name: str, revision: str | None = None) -> Download:
        """Raises RequestError for what is no name, EngineUnavailable without the extra, Busy where many are under way,
        Conflict where another revision is."""
        need_hub()
        folder_name = source(name)[1]
        self._store.path(folder_name)
        if running := self._running.get(folder_name):
            if revision not in (None, running.revision):
                which = running.revision or "its pinned or newest revision"
                raise Conflict(f"{folder_name} is being downloaded already, at {which}: cancel that first")
            return running
        if len(self._running) >= MOST:
            raise Busy(f"{' and '.join(self._running)} are being downloaded: try again later")
        begun = self._running[folder_name] = Download(folder_name, revision, self._store)
        begun.ended = asyncio.create_task(self._see_through(begun, name))
        # Whether anybody listens or not.
        begun.ended.add_done_callback(lambda task: task.cancelled() or task.exception())
        return begun

    async def stop(self) -> None:
        """Cancel all; what isn't over soon ends with the process."""
        tasks = [each.ended for each in self._running.values() if each.ended is not None]
        for each in self._running.values():
            each.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)

    async def _see_through(self, begun: Download, name: str) -> None:
        try:
            folder = await asyncio.wrap_future(self._in_thread(begun, name))
            _log.info("%s was downloaded to %s", begun.name, folder)
            await self._whenever_done()
        except KoeError as error:
            _log.warning("the download of %s ended: %s", begun.name, error.message)
            raise
        except Exception:
            _log.exception("the download of %s failed in an unexpected way", begun.name)
            raise
        finally:
            del self._running[begun.name]

    def _in_thread(self, begun: Download, name: str) -> "Future[Path]":
        result: Future[Path] = Future()

        def work() -> None:
            try:
                _silence_bars()
                path = download(
                    name, self._store, self._hub(), revision=begun.revision, tell=_log.info, check=begun.check
                )
                result.set_result(path)
            except BaseException as error:
                result.set_exception(error)

        # A daemon: a hub that says nothing must not keep the process from ending.
        threading.Thread(target=work, name=f"download {begun.name}", daemon=True).start()
        return result


class Conflict(RequestError):
    """Something else is being done with this checkpoint."""


def _silence_bars() -> None:
    """huggingface_hub draws them into the log."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # a public function of it

    disable_progress_bars("huggingface_hub.http_get")
