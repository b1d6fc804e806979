"""One queue for everything that takes long: its jobs survive a restart and give way to rooms.

queue = JobQueue(store, {"script": script_kind}, side_by_side=4, max_jobs=20)
await queue.start()
job = await queue.submit("script", "A play", request)
async for job in queue.watch(job.id): ...
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from koe.core.errors import Busy, DiskFailed, EngineUnavailable, KoeError, RequestError, ShuttingDown
from koe.pipelines.threads import to_its_end
from koe.storage.job import Item, ItemState, Job, JobState, Values
from koe.storage.jobs import JobStore

_log = logging.getLogger(__name__)

_OPEN = tuple(state for state in JobState if not state.ended)
_ONCE_A_SECOND = 1.0
_RETRY_SECONDS = 10.0


class Kind(Protocol):
    """What a kind of job does; its methods may be called again after a crash, for the same job and the same item."""

    def plan(self, job: Job) -> Iterable[tuple[int, Values]]:
        """Sizes and specifications of its items; called in a thread. Raises RequestError."""
        ...

    async def make(self, job: Job, item: Item) -> Values:
        """Whatever it makes must be on disk when it returns, in whole. Raises KoeError: EngineUnavailable or DiskFailed
        where the other items would fail by the same."""
        ...

    async def finish(self, job: Job) -> str | None:
        """Put together what was made; the id of the run that it became. Raises KoeError."""
        ...


class JobQueue:
    """The jobs of one outputs folder; one is worked on at a time, its items side by side."""

    def __init__(
        self, store: JobStore, kinds: Mapping[str, Kind], *, side_by_side: int, max_jobs: int, others: bool = True
    ) -> None:
        """`side_by_side`: items at the same time; `max_jobs`: that haven't ended; `others`: whether also jobs are done
        that nobody has submitted or resumed here: those that an earlier process left."""
        self._store, self._kinds = store, kinds
        self._side_by_side, self._max_jobs = side_by_side, max_jobs
        self._others, self._mine = others, set[str]()
        self._task: asyncio.Task[None] | None = None
        self._work: asyncio.Task[None] | None = None
        """On the job that is running, and which that is."""

        self._running = ""
        self._choosing = asyncio.Lock()
        """A job that is just being taken up changes its state only afterwards."""

        self._changed = asyncio.Condition()
        self._poked = asyncio.Event()

    async def start(self) -> None:
        """Go on where an earlier process stopped."""
        await asyncio.to_thread(self._recover)
        self._task = asyncio.create_task(self._run(), name="jobs")

    async def stop(self) -> None:
        """Items under way are dropped, and done by the next process."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._tell()

    async def submit(self, kind: str, title: str, request: Values, source: Path | None = None) -> Job:
        """`source`: a file that becomes the job's own. Raises Busy where the queue is full, RequestError where there is
        no such kind."""
        if kind not in self._kinds:
            raise RequestError(f"there is no kind of job {kind[:100]!r}; there are: {', '.join(self._kinds)}")
        async with self._choosing:
            waiting = len(await asyncio.to_thread(self._store.jobs, _OPEN))
            if waiting >= self._max_jobs:
                raise Busy(f"{waiting} jobs are waiting or running already: try again when one of them has ended")
            job = await asyncio.to_thread(self._store.create, kind, title, request, source)
            self._mine.add(job.id)
        await self._tell()
        return job

    async def job(self, job_id: str) -> Job:
        """Raises RequestError where there is none."""
        return await asyncio.to_thread(self._store.job, job_id)

    async def jobs(self) -> list[Job]:
        """The newest first."""
        return await asyncio.to_thread(lambda: self._store.jobs(newest_first=True))

    async def items(self, job_id: str, state: ItemState | None = None, *, after: int = -1, limit: int) -> list[Item]:
        return await asyncio.to_thread(lambda: self._store.items(job_id, state, after=after, limit=limit))

    async def pause(self, job_id: str) -> Job:
        """What is under way is dropped. Raises RequestError where it has ended."""
        return await self._set(job_id, JobState.PAUSED, from_states=_OPEN)

    async def resume(self, job_id: str) -> Job:
        """Also one that an earlier process left. Raises RequestError where it isn't paused."""
        self._mine.add(job_id)
        waiting = (JobState.PAUSED, JobState.QUEUED, JobState.PLANNING)
        return await self._set(job_id, JobState.QUEUED, from_states=waiting)

    async def cancel(self, job_id: str) -> Job:
        """What was made is kept until the job is removed. Raises RequestError where it has ended."""
        return await self._set(job_id, JobState.CANCELLED, from_states=(*_OPEN, JobState.CANCELLED))

    async def retry(self, job_id: str) -> Job:
        """Try again what failed, or was never tried because of a cancellation. Raises RequestError where it goes on."""
        job = await self.job(job_id)
        if not job.state.ended:
            raise RequestError(f"the job {job_id} is {job.state}: only one that has ended can be tried again")
        if job.run is not None and job.progress.done == job.progress.items:
            raise RequestError(f"every item of the job {job_id} was made: there is nothing to try again")
        self._mine.add(job_id)
        await asyncio.to_thread(self._store.retry, job_id)
        return await self._set(job_id, JobState.QUEUED, from_states=(job.state,))

    async def remove(self, job_id: str) -> None:
        """With what it made, but not the run that it became. One that is under way is cancelled first."""
        self._mine.discard(job_id)
        job = await self.job(job_id)
        if not job.state.ended:
            await self.cancel(job_id)
        await asyncio.to_thread(self._store.remove, job_id)
        await self._tell()

    async def watch(self, job_id: str) -> AsyncIterator[Job]:
        """The job now, and whenever it has changed, until it has ended; slow listeners miss what lay between.

        Raises RequestError where there is none, also when it is removed."""
        seen: Job | None = None
        while True:
            job = await self.job(job_id)
            if job != seen:
                seen = job
                yield job
            if job.state.ended or self._task is None:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ONCE_A_SECOND), self._changed:
                    await self._changed.wait()

    def _recover(self) -> None:
        self._store.tidy()
        self._requeue()

    def _requeue(self) -> None:
        for job in self._store.jobs([JobState.RUNNING]):
            self._store.set_state(job.id, JobState.QUEUED)

    async def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                if not await self._do_next():
                    await self._poked.wait()
            except sqlite3.Error:
                # A full disk, say: what was running is taken up again when there is room.
                _log.exception("the jobs can't be read or written now: trying again in %g s", _RETRY_SECONDS)
                await asyncio.sleep(_RETRY_SECONDS)
                with contextlib.suppress(sqlite3.Error):
                    await asyncio.to_thread(self._requeue)

    async def _do_next(self) -> bool:
        """The job whose turn it is, to its end; False where none waits."""
        async with self._choosing:
            job = await asyncio.to_thread(self._next)
            if job is None:
                return False
            self._running = job.id
            self._work = work = asyncio.create_task(self._work_on(job), name=f"job {job.id}")
        try:
            await asyncio.wait([work])
        finally:
            work.cancel()
            await asyncio.wait([work])
            self._running = ""
        await self._tell()
        if not work.cancelled():
            work.result()
        return True

    def _next(self) -> Job | None:
        waiting = self._store.jobs([JobState.PLANNING, JobState.QUEUED])
        return next((job for job in waiting if self._others or job.id in self._mine), None)

    async def _work_on(self, job: Job) -> None:
        kind = self._kinds.get(job.kind)
        try:
            if kind is None:
                raise RequestError(f"this Koe knows no jobs of the kind {job.kind!r}")
            if job.state is JobState.PLANNING:
                await self._plan(kind, job)
            await self._mark(job, JobState.RUNNING)
            await self._make_items(kind, job)
            run = await kind.finish(await self.job(job.id))
            await self._mark(job, JobState.FINISHED, run=run)
        except ShuttingDown:
            await self._mark(job, JobState.QUEUED)
        except (EngineUnavailable, DiskFailed) as error:
            # Every item would fail by it: better to wait until somebody has mended it.
            _log.warning("job %s is paused: %s", job.id, error.message)
            await self._mark(job, JobState.PAUSED, error=error.message)
        except KoeError as error:
            _log.warning("job %s failed: %s", job.id, error.message)
            await self._mark(job, JobState.FAILED, error=error.message)
        except OSError as error:
            _log.warning("job %s is paused: %s", job.id, error)
            await self._mark(job, JobState.PAUSED, error=f"its files can't be written: {error.strerror or error}")
        except sqlite3.Error:
            raise
        except Exception:
            _log.exception("job %s failed", job.id)
            await self._mark(job, JobState.FAILED, error="a fault in Koe, which the log tells more of")

    async def _plan(self, kind: Kind, job: Job) -> None:
        given_up = threading.Event()

        def items() -> Iterator[tuple[int, Values]]:
            for each in kind.plan(job):
                if given_up.is_set():
                    return
                yield each

        def write_down() -> None:
            self._store.clear(job.id)
            self._store.add(job.id, items())

        await to_its_end(write_down, on_cancel=given_up.set)
        if not (await self.job(job.id)).progress.items:
            raise RequestError("there is nothing to speak in it")

    async def _make_items(self, kind: Kind, job: Job) -> None:
        async with aclosing(self._waiting_items(job)) as waiting:
            taking = asyncio.Lock()

            async def work() -> None:
                while True:
                    async with taking:
                        item = await anext(waiting, None)
                    if item is None:
                        return
                    await self._make(kind, job, item)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(self._side_by_side):
                        group.create_task(work())
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from None

    async def _waiting_items(self, job: Job) -> AsyncGenerator[Item]:
        after = -1
        while some := await self.items(job.id, ItemState.WAITING, after=after, limit=100):
            for item in some:
                yield item
            after = some[-1].number

    async def _make(self, kind: Kind, job: Job, item: Item) -> None:
        begin = time.monotonic()
        try:
            result = await kind.make(job, item)
        except (EngineUnavailable, DiskFailed, ShuttingDown):
            raise
        except KoeError as error:
            _log.info("item %d of job %s failed: %s", item.number, job.id, error.message)
            message = error.message
            await to_its_end(lambda: self._store.failed(item, message, self._share(begin)))
        else:
            await to_its_end(lambda: self._store.done(item, result, self._share(begin)))
        await self._tell()

    def _share(self, begin: float) -> float:
        """Of the time that passed: others were made beside it."""
        return (time.monotonic() - begin) / self._side_by_side

    async def _mark(self, job: Job, state: JobState, *, error: str = "", run: str | None = None) -> None:
        await to_its_end(lambda: self._store.set_state(job.id, state, error=error, run=run))
        await self._tell()

    async def _set(self, job_id: str, state: JobState, *, from_states: Collection[JobState]) -> Job:
        async with self._choosing:
            return await self._set_alone(job_id, state, from_states)

    async def _set_alone(self, job_id: str, state: JobState, from_states: Collection[JobState]) -> Job:
        job = await self.job(job_id)
        if job.state in from_states and self._running == job_id and self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
            # It may have ended just before.
            job = await self.job(job_id)
        if job.state not in from_states:
            raise RequestError(f"the job {job_id} is {job.state}: that can't be done with it now")
        if state is JobState.QUEUED and not job.progress.size_tried:
            # Its planning may have been broken off.
            state = JobState.PLANNING
        await self._mark(job, state)
        return await self.job(job_id)

    async def _tell(self) -> None:
        self._poked.set()
        async with self._changed:
            self._changed.notify_all()
