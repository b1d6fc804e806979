"""The jobs of this machine's data folder, carried out in this process."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koe.adapters.http.jobs.bodies import ItemAnswer, JobAnswer, JobEntry
from koe.core.installation import command
from koe.pipelines.again import Seeds, do_again
from koe.pipelines.jobs import JobQueue
from koe.pipelines.kinds import KINDS
from koe.pipelines.plan import DryRun
from koe.storage.job import ItemState
from koe.storage.jobs import SOURCE, JobStore
from koe.storage.meta import INPUT

if TYPE_CHECKING:
    from koe.settings import Loaded
    from koe.speech import Speaker
    from koe.storage.outputs import Outputs


class Here:
    """`koe.cli.jobs.place.Jobs`, in this process."""

    remote = ""

    def __init__(self, store: JobStore, queue: JobQueue, outputs: Outputs) -> None:
        self._store, self._queue, self._outputs = store, queue, outputs

    async def jobs(self) -> list[JobEntry]:
        return [JobEntry.of(job) for job in await self._queue.jobs()]

    async def job(self, job_id: str) -> JobAnswer:
        return JobAnswer.of(await self._queue.job(job_id))

    async def failed(self, job_id: str, limit: int) -> list[ItemAnswer]:
        return [ItemAnswer.of(item) for item in await self._queue.items(job_id, ItemState.FAILED, limit=limit)]

    async def change(self, verb: str, job_id: str) -> JobAnswer:
        return JobAnswer.of(await getattr(self._queue, verb)(job_id))

    async def remove(self, job_id: str) -> None:
        await self._queue.remove(job_id)

    async def submit(self, file: Path, kind: str, title: str, request: Mapping[str, Any]) -> JobAnswer:
        with self._store.upload() as copy:
            shutil.copyfile(file, copy)
            return JobAnswer.of(await self._queue.submit(kind, title, request, copy))

    async def again(self, run_id: str, seed: Seeds) -> JobAnswer:
        return JobAnswer.of(await do_again(self._queue, self._store, self._outputs.get(run_id), seed))

    async def before(self) -> int:
        return 0

    async def watch(self, job_id: str) -> AsyncGenerator[JobEntry]:
        async for job in self._queue.watch(job_id):
            yield JobEntry.of(job)

    async def fetch(self, run_id: str, folder: Path) -> list[Path]:
        run = self._outputs.get(run_id)
        fetched = []
        for name in (file.name for file in run.meta.files if file.name not in (INPUT, SOURCE)):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run.file(name), target)
            fetched.append(target)
        return fetched

    async def place(self, run_id: str) -> str:
        return str(self._outputs.get(run_id).folder)

    async def leave(self, job_id: str) -> str:
        """So that neither a server nor another command goes on with it unasked."""
        if not (await self._queue.job(job_id)).state.ended:
            await self._queue.pause(job_id)
        return f"What was made is kept. Go on with it: {command(f'jobs resume {job_id}')}"


@asynccontextmanager
async def looking(loaded: Loaded) -> AsyncIterator[Here]:
    """Without speaking, also beside a server. Raises KoeError."""
    from koe.app import outputs_of
    from koe.app.jobs import open_store

    store, outputs = open_store(loaded), outputs_of(loaded)
    try:
        yield Here(store, JobQueue(store, {}, side_by_side=1, max_jobs=1), outputs)
    finally:
        store.close()
        outputs.close()


@asynccontextmanager
async def working(loaded: Loaded, outputs: Outputs) -> AsyncIterator[Here]:
    """`outputs` are this process's own. Raises KoeError."""
    from koe.app import open_speaker, voice_store
    from koe.app.jobs import start_jobs

    async with AsyncExitStack() as stack:
        voices = voice_store(loaded)
        speaker = await stack.enter_async_context(open_speaker(loaded, store=voices))
        # A command does what it was told to: what others have left waits for a server, or for koe jobs resume.
        jobs = await start_jobs(loaded, speaker, outputs, voices, others=False)
        stack.push_async_callback(jobs.close)
        stack.push_async_callback(jobs.stop)
        yield Here(jobs.store, jobs.queue, outputs)


def dry_run(speaker: Speaker, file: Path, kind: str, options: Mapping[str, Any]) -> DryRun:
    """Raises KoeError where the file can't be read as a whole."""
    planning = KINDS[kind]
    with file.open("rb") as source:
        voices = {voice.id for voice in speaker.voices()}
        return DryRun.of(planning.plan(source, planning.options.model_validate(options), voices))
