"""Productions as part of the house, of a server or of a command."""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass

from koe.core.errors import KoeError
from koe.pipelines.design_clone import Designer
from koe.pipelines.jobs import JobQueue
from koe.pipelines.productions import productions
from koe.settings import Loaded
from koe.speech import Speaker
from koe.storage.jobs import JobStore
from koe.storage.outputs import Outputs
from koe.voices.store import VoiceStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenJobs:
    queue: JobQueue
    store: JobStore

    async def stop(self) -> None:
        """What is under way is dropped; jobs can still be looked at."""
        await self.queue.stop()

    async def close(self) -> None:
        await asyncio.to_thread(self.store.close)


def open_store(loaded: Loaded) -> JobStore:
    """Raises KoeError where it can't be opened."""
    folder = loaded.data_dir / "outputs" / "jobs"
    try:
        return JobStore(folder)
    except (OSError, sqlite3.Error) as error:
        raise KoeError(f"the jobs in {folder} can't be opened: {error}") from error


async def start_jobs(
    loaded: Loaded, speaker: Speaker, outputs: Outputs, voices: VoiceStore, *, others: bool = True
) -> OpenJobs:
    """Go on with those that were left; the outputs are this process's own. `others`: whether also jobs are done that
    nobody here has submitted or resumed. Raises KoeError where they can't be opened."""
    settings = loaded.settings.jobs
    store = await asyncio.to_thread(open_store, loaded)
    kinds = productions(speaker, store, outputs, Designer(loaded.data_dir), voices)
    queue = JobQueue(store, kinds, side_by_side=settings.side_by_side, max_jobs=settings.max_waiting, others=others)
    try:
        await queue.start()
    except BaseException as error:
        store.close()
        if isinstance(error, sqlite3.Error | OSError | ValueError):
            # ValueError: a state or a request that no Koe wrote.
            raise KoeError(f"the jobs in {loaded.data_dir / 'outputs' / 'jobs'} are damaged: {error}") from error
        raise
    return OpenJobs(queue, store)


async def start_jobs_if_possible(
    loaded: Loaded, speaker: Speaker, outputs: Outputs, voices: VoiceStore
) -> OpenJobs | None:
    """None where they are damaged: the house speaks on without them, and the log says why."""
    try:
        return await start_jobs(loaded, speaker, outputs, voices)
    except KoeError as error:
        _log.error("there are no jobs now: %s", error.message)
        return None
