"""Plans carried out as jobs: every item is spoken to a file of its own, and what was made is put together to a run.

outputs/jobs/<job id>/
  source            the file that it is made of
  items/000000.flac ...
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from koe.core.errors import EngineError, EngineUnavailable, MalformedInput
from koe.core.installation import command
from koe.engine import Priority
from koe.pipelines.again import Again, seeds_again
from koe.pipelines.kinds import Planning
from koe.pipelines.plan import Options, PlanItem
from koe.pipelines.production_output import Made, OutputOptions, put_together
from koe.pipelines.speak import write_speech
from koe.pipelines.threads import to_its_end
from koe.speech import Speaker, SpeechRequest
from koe.storage.job import Item, ItemState, Job, Values
from koe.storage.jobs import SOURCE, JobStore
from koe.storage.outputs import Outputs

_ITEM = TypeAdapter(PlanItem)
_MADE = TypeAdapter(Made)

Spoken = Sequence[tuple[PlanItem, Made]]


def items_folder(store: JobStore, job_id: str) -> Path:
    """Of what was spoken so far."""
    return store.folder(job_id) / "items"


class Production:
    """A kind of job."""

    most_seconds: ClassVar[float] = inf
    """Of an item; what is longer is cut off."""

    def __init__(self, planning: Planning, speaker: Speaker, store: JobStore, outputs: Outputs, *, task: str) -> None:
        """`task`: the word for its runs."""
        self._planning, self._speaker, self._store, self._outputs = planning, speaker, store, outputs
        self._task = task

    def plan(self, job: Job) -> Iterator[tuple[int, Values]]:
        options, _ = self._options(job.request)
        seed_of = self._seeds(job)
        voices = {voice.id for voice in self._speaker.voices()}
        with (self._store.folder(job.id) / SOURCE).open("rb") as source:
            for number, item in enumerate(self._planning.items(source, options, voices)):
                how = item.how.model_copy(update={"seed": seed_of(number, item.how.seed)})
                yield len(item.text), _ITEM.dump_python(replace(item, how=how), mode="json")

    async def make(self, job: Job, item: Item) -> Values:
        planned = _ITEM.validate_python(item.spec)
        utterance = self._speaker.open(await asyncio.to_thread(self._request, job, planned))
        wanted, stats = planned.how.voice, utterance.stats
        async with aclosing(utterance):
            if wanted is not None and stats.voice != wanted:
                raise EngineUnavailable(f"the voice {wanted} can't speak now: the log and {command('doctor')} tell why")
            utterance.feed(planned.text)
            utterance.finish()
            folder = items_folder(self._store, job.id)
            folder.mkdir(exist_ok=True)
            file = folder / f"{item.number:06}.flac"
            await write_speech(utterance, file, self.most_seconds)
        if stats.fallback is not None:
            # A voice that changes in the middle of a book is worse than none.
            await to_its_end(file.unlink)
            raise EngineUnavailable(stats.fallback)
        made = Made(
            file=file.name,
            voice=stats.voice,
            engine=stats.engine,
            checkpoint=stats.checkpoint,
            seed=stats.seed,
            seconds=stats.audio_seconds,
            sample_rate=utterance.sample_rate,
        )
        return asdict(made)

    async def finish(self, job: Job) -> str | None:
        return await to_its_end(self._finish, job)

    def _finish(self, job: Job) -> str:
        _, output = self._options(job.request)
        folder = items_folder(self._store, job.id)
        spoken = [
            (_ITEM.validate_python(item.spec), _MADE.validate_python(item.result))
            for item in self._store.every_item(job.id, ItemState.DONE)
        ]
        if not spoken:
            (first,) = self._store.items(job.id, ItemState.FAILED, limit=1)
            raise EngineError(f"no item could be spoken; the first one: {first.error}")
        failed = list(self._store.every_item(job.id, ItemState.FAILED))
        also = self._become(job, spoken)
        with self._outputs.begin(self._task, {"title": job.title, **job.request}) as draft:
            description = put_together(job, spoken, failed, folder, draft, output, also)
            shutil.copyfile(self._store.folder(job.id) / SOURCE, draft.file(SOURCE))
            run = draft.finish(description)
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)
        return run.id

    def _request(self, job: Job, item: PlanItem) -> SpeechRequest:
        """Called in a thread."""
        how = item.how
        return SpeechRequest(
            voice=how.voice,
            language=how.language,
            style=how.style,
            instruct=how.instruct,
            seed=how.seed,
            speed=how.speed,
            effects=how.effects,
            wait=True,
            priority=Priority.BATCH,
        )

    def _become(self, job: Job, spoken: Spoken) -> Mapping[str, object]:
        """What else is made of it, as its manifest is to tell it; may be done again after a crash. Raises KoeError."""
        return {}

    def _seeds(self, job: Job) -> Callable[[int, int | None], int | None]:
        """(an item's number, its seed as planned) -> the one to be used."""
        given = job.request.get("again")
        return seeds_again(Again.model_validate(given), self._outputs) if given else lambda _, seed: seed

    def _options(self, request: Values) -> tuple[Options, OutputOptions]:
        """Raises MalformedInput: they were checked when the job was made, by an older Koe perhaps."""
        try:
            return (
                self._planning.options.model_validate(request.get("options", {})),
                OutputOptions.model_validate(request.get("output", {})),
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise MalformedInput(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
