"""The queue: in order, side by side, stopped and taken up again at any point."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from koe.core.errors import Busy, EngineError, EngineUnavailable, KoeError, RequestError
from koe.pipelines.jobs import JobQueue
from koe.storage.job import Item, ItemState, Job, JobState, Values
from koe.storage.jobs import JobStore
from tests.support.house import PATIENCE
from tests.support.waiting import eventually


class Counting:
    """Its items are the numbers up to the request's; making one writes a file."""

    def __init__(self, store: JobStore) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: dict[int, KoeError] = {}
        self.made: list[int] = []
        self.at_once = 0
        self.close_after: int | None = None
        self.finished: list[str] = []
        self._store = store

    def plan(self, job: Job) -> Iterable[tuple[int, Values]]:
        count = job.request["count"]
        assert isinstance(count, int)
        if count < 0:
            raise RequestError("there are no fewer than no items")
        for number in range(count):
            yield 10, {"number": number}

    async def make(self, job: Job, item: Item) -> Values:
        self.at_once += 1
        try:
            await self.gate.wait()
            if item.number in self.failures:
                raise self.failures[item.number]
            (self._store.folder(job.id) / str(item.number)).write_text("made")
            self.made.append(item.number)
            if len(self.made) == self.close_after:
                self.gate.clear()
            return {"file": str(item.number)}
        finally:
            self.at_once -= 1

    async def finish(self, job: Job) -> str | None:
        self.finished.append(job.id)
        return f"run-{job.id}"


@asynccontextmanager
async def house(folder: Path, max_jobs: int = 10) -> AsyncIterator[tuple[JobQueue, Counting]]:
    store = JobStore(folder)
    counting = Counting(store)
    queue = JobQueue(store, {"count": counting}, side_by_side=3, max_jobs=max_jobs)
    await queue.start()
    try:
        yield queue, counting
    finally:
        await queue.stop()
        store.close()


async def ended(queue: JobQueue, job_id: str) -> Job:
    async with asyncio.timeout(PATIENCE):
        async for job in queue.watch(job_id):
            last = job
    return last


async def until(queue: JobQueue, job_id: str, holds: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(PATIENCE):
        async for job in queue.watch(job_id):
            if holds(job):
                return job
    raise AssertionError("the job has ended before")


async def test_jobs_are_done_in_their_order_and_items_side_by_side(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        counting.gate.clear()
        jobs = [await queue.submit("count", f"Number {n}", {"count": 7}) for n in range(3)]
        await eventually(lambda: counting.at_once == 3)
        counting.gate.set()
        for job in jobs:
            done = await ended(queue, job.id)
            assert (done.state, done.progress.done, done.run) == (JobState.FINISHED, 7, f"run-{job.id}")
            assert done.seconds_left == 0
        assert counting.finished == [job.id for job in jobs]
        assert [job.title for job in await queue.jobs()] == ["Number 2", "Number 1", "Number 0"]


async def test_a_failed_item_costs_no_other_and_can_be_tried_again(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        counting.failures = {17: EngineError("the engine fell over")}
        job = await ended(queue, (await queue.submit("count", "", {"count": 50})).id)
        assert (job.state, job.progress.done, job.progress.failed) == (JobState.FINISHED, 49, 1)
        (failed,) = await queue.items(job.id, ItemState.FAILED, limit=100)
        assert (failed.number, failed.error) == (17, "the engine fell over")
        counting.failures, counting.made = {}, []
        await queue.retry(job.id)
        assert (await ended(queue, job.id)).progress.done == 50
        assert counting.made == [17]


async def test_an_engine_that_is_gone_pauses_the_job(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        counting.failures = {5: EngineUnavailable("no checkpoint is here")}
        job = await queue.submit("count", "", {"count": 20})
        paused = await until(queue, job.id, lambda job: job.state is JobState.PAUSED)
        assert (paused.error, paused.progress.failed) == ("no checkpoint is here", 0)
        counting.failures = {}
        await queue.resume(job.id)
        done = await ended(queue, job.id)
        assert (done.state, done.error, done.progress.done) == (JobState.FINISHED, "", 20)
        assert sorted(counting.made) == list(range(20))


async def test_a_paused_job_lets_others_pass_and_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        counting.gate.clear()
        first = await queue.submit("count", "", {"count": 5})
        await eventually(lambda: counting.at_once == 3)
        assert (await queue.pause(first.id)).state is JobState.PAUSED
        assert counting.at_once == 0
        counting.gate.set()
        second = await queue.submit("count", "", {"count": 2})
        assert (await ended(queue, second.id)).state is JobState.FINISHED
        assert (await queue.job(first.id)).progress.done == 0
        await queue.resume(first.id)
        assert (await ended(queue, first.id)).progress.done == 5


async def test_a_cancelled_job_ends_at_once_and_keeps_what_was_made(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        job = await queue.submit("count", "", {"count": 5})
        done = await ended(queue, job.id)
        with pytest.raises(RequestError, match="is finished"):
            await queue.cancel(job.id)
        counting.gate.clear()
        other = await queue.submit("count", "", {"count": 5})
        await eventually(lambda: counting.at_once == 3)
        assert (await queue.cancel(other.id)).state is JobState.CANCELLED
        assert (await queue.job(job.id)) == done
        counting.gate.set()
        await queue.retry(other.id)
        assert (await ended(queue, other.id)).progress.done == 5


async def test_the_next_process_does_only_what_was_left(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        counting.close_after = 10
        job = await queue.submit("count", "", {"count": 30})
        await until(queue, job.id, lambda job: job.progress.done == 10)
    before = set(counting.made)
    assert len(before) == 10
    times = {number: (tmp_path / job.id / str(number)).stat().st_mtime_ns for number in before}
    async with house(tmp_path) as (queue, counting):
        done = await ended(queue, job.id)
        assert (done.state, done.progress.done) == (JobState.FINISHED, 30)
        assert sorted(counting.made) == sorted(set(range(30)) - before)
        assert times == {number: (tmp_path / job.id / str(number)).stat().st_mtime_ns for number in before}


async def test_a_job_whose_planning_was_cut_off_is_planned_anew(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = store.create("count", "", {"count": 3})
    store.add(job.id, [(10, {"number": 0})])
    store.close()
    async with house(tmp_path) as (queue, counting):
        assert (await ended(queue, job.id)).progress.items == 3
        assert sorted(counting.made) == [0, 1, 2]


@pytest.mark.parametrize(("count", "words"), [(0, "nothing to speak"), (-1, "no fewer than no items")])
async def test_what_can_not_be_planned_fails_with_the_reason(tmp_path: Path, count: int, words: str) -> None:
    async with house(tmp_path) as (queue, _):
        job = await ended(queue, (await queue.submit("count", "", {"count": count})).id)
        assert job.state is JobState.FAILED
        assert words in job.error


async def test_a_full_queue_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path, max_jobs=2) as (queue, counting):
        counting.gate.clear()
        jobs = [await queue.submit("count", "", {"count": 1}) for _ in range(2)]
        with pytest.raises(Busy, match="2 jobs"):
            await queue.submit("count", "", {"count": 1})
        with pytest.raises(RequestError, match="there are: count"):
            await queue.submit("dance", "", {})
        await queue.remove(jobs[0].id)
        assert await queue.submit("count", "", {"count": 1})


async def test_a_job_may_be_removed_while_it_runs(tmp_path: Path) -> None:
    async with house(tmp_path) as (queue, counting):
        counting.gate.clear()
        job = await queue.submit("count", "", {"count": 5})
        await eventually(lambda: counting.at_once == 3)
        await queue.remove(job.id)
        assert counting.at_once == 0
        assert not (tmp_path / job.id).exists()
        with pytest.raises(RequestError, match="there is no job"):
            await ended(queue, job.id)
