"""Productions on machines that fail them: the disk is full, the engine dies."""

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from koe.core.errors import SettingsError
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.fake import FakeEngine, FakeStream, Faults
from koe.pipelines import jobs
from koe.storage.job import ItemState, Job, JobState
from koe.storage.outputs import Outputs
from tests.pipelines.test_production import Counting, House, house, manifest
from tests.support.house import PATIENCE
from tests.support.waiting import eventually

FIFTY = "".join(f"A: This is line {number}.\n" for number in range(50))
ANYBODY = {"default": {"voice": "fake-low"}}


class Failing(FakeEngine):
    """Its 17th stream dies in its third step."""

    opened = 0

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.opened += 1
        stream = super().open(voice, options)
        if self.opened == 17:
            step, steps = stream.step, iter((Faults(), Faults()))
            stream.step = lambda faults: step(next(steps, Faults(fail_at=2)))  # type: ignore[method-assign]
        return stream


class Gone(FakeEngine):
    """With its 17th stream, until it is started again."""

    opened = 0

    def open(self, voice: Voice, options: SpeechOptions) -> FakeStream:
        self.opened += 1
        if self.opened == 17:
            self._thread = None
            self._notify()
        return super().open(voice, options)


async def until(it: House, job: Job, state: JobState) -> Job:
    async with asyncio.timeout(PATIENCE):
        async for now in it.queue.watch(job.id):
            if now.state is state:
                return now
    raise AssertionError(f"the job ended before it was {state}")


async def test_an_item_in_which_the_engine_dies_costs_no_other(tmp_path: Path) -> None:
    async with house(tmp_path, Failing()) as it:
        job = await it.make("script", FIFTY, **ANYBODY)
        assert (job.state, job.progress.done, job.progress.failed) == (JobState.FINISHED, 49, 1)
        (failed,) = it.store.items(job.id, ItemState.FAILED)
        assert "on demand" in failed.error
        assert job.run is not None
        told = manifest(it.outputs.get(job.run))
        assert (len(told["items"]), told["failed"][0]["number"]) == (49, failed.number)
        # Tried again, it alone is spoken.
        await it.queue.retry(job.id)
        again = await it.ended(job)
        assert (again.state, again.progress.done) == (JobState.FINISHED, 50)
        assert again.run is not None
        assert len(manifest(it.outputs.get(again.run))["items"]) == 50


async def test_with_an_engine_that_is_gone_the_job_waits_and_then_does_only_the_rest(tmp_path: Path) -> None:
    engine = Gone()
    async with house(tmp_path, engine) as it:
        job = await it.begin("script", FIFTY, **ANYBODY)
        paused = await until(it, job, JobState.PAUSED)
        assert (paused.progress.failed, "not running" in paused.error) == (0, True)
        assert 10 <= paused.progress.done <= 17
        before = engine.opened
        await engine.start()
        await it.queue.resume(job.id)
        ended = await it.ended(job)
        assert (ended.state, ended.progress.done, ended.progress.failed) == (JobState.FINISHED, 50, 0)
        assert engine.opened == before + 50 - paused.progress.done


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_on_a_full_disk_the_job_waits_for_room(tmp_path: Path) -> None:
    text = "A: Yes.\n" * 3 + f"A: {'This line is a long one. ' * 350}\n"
    async with house(tmp_path) as it:
        with full_disk(400_000):
            job = await it.begin("script", text, **ANYBODY)
            paused = await until(it, job, JobState.PAUSED)
        assert "can't be written: File too large" in paused.error
        assert (paused.progress.done, paused.progress.failed) == (3, 0)
        await it.queue.resume(job.id)
        assert (await it.ended(job)).progress.done == 4


async def test_a_run_for_which_there_is_no_room_is_put_together_later(tmp_path: Path) -> None:
    """All items fit, but not the file with all of them."""
    async with house(tmp_path) as it:
        with full_disk(400_000):
            job = await it.begin("script", f"A: {'This is one. ' * 20}\n" * 3, **ANYBODY)
            paused = await until(it, job, JobState.PAUSED)
        assert (paused.progress.done, paused.run) == (3, None)
        assert "can't be written" in paused.error
        assert [path.name for path in (tmp_path / "outputs" / "runs").iterdir() if path.name[0] != "."] == []
        await it.queue.resume(job.id)
        ended = await it.ended(job)
        assert (ended.state, ended.run is not None) == (JobState.FINISHED, True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Outputs on a file system of 1 MiB; needs the right to mount one."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_disk_that_is_full_altogether_costs_nothing_that_was_made(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the jobs themselves can't be written down any more."""
    monkeypatch.setattr(jobs, "_RETRY_SECONDS", 0.1)
    text = f"A: {'This is one. ' * 15}\n" * 40
    async with house(small_disk.parent, Counting()) as it:
        job = await it.begin("script", text, **ANYBODY)
        await eventually(lambda: shutil.disk_usage(small_disk).free < 100_000)
        seen = await it.queue.job(job.id)
        assert (seen.progress.done < 40, seen.progress.failed) == (True, 0)
        larger = ["mount", "-o", "remount,size=100m", str(small_disk)]
        await asyncio.to_thread(subprocess.run, larger, check=True)
        async with asyncio.timeout(PATIENCE):
            async for now in it.queue.watch(job.id):
                if now.state is JobState.PAUSED:
                    await it.queue.resume(job.id)
        ended = await it.queue.job(job.id)
        assert (ended.state, ended.progress.done, ended.progress.failed) == (JobState.FINISHED, 40, 0)


async def test_a_second_server_on_the_same_outputs_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        second = Outputs(tmp_path / "outputs", patience=0.1)
        with pytest.raises(SettingsError, match=r"another Koe server works in .*--data-dir"):
            await asyncio.to_thread(second.serve)
        second.close()
        assert (await it.make("script", FIFTY, **ANYBODY)).state is JobState.FINISHED
    third = Outputs(tmp_path / "outputs", patience=0.1)
    await asyncio.to_thread(third.serve)
    await asyncio.to_thread(third.close)
