"""Plans carried out as jobs: every item is spoken to a file of its own, and what was made is put together to a run."""

import shutil
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from koe.core.errors import EngineError, EngineUnavailable, MalformedInput
from koe.engine import Priority
from koe.pipelines.kinds import Planning
from koe.pipelines.plan import Options, PlanItem
from koe.pipelines.production_output import Made, OutputOptions, put_together
from koe.pipelines.speak import write_speech
from koe.pipelines.threads import to_its_end
from koe.speech import Speaker, SpeechRequest
from koe.storage.jobs import SOURCE, Item, ItemState, Job, JobStore, Values
from koe.storage.outputs import Outputs

_ITEM = TypeAdapter(PlanItem)
_MADE = TypeAdapter(Made)
_ITEMS = "items"
"""The folder of what was spoken, in the job's."""


class Production:
    """A kind of job."""

    def __init__(self, planning: Planning, speaker: Speaker, store: JobStore, outputs: Outputs, *, task: str) -> None:
        """`task`: the word for its runs."""
        self._planning, self._speaker, self._store, self._outputs = planning, speaker, store, outputs
        self._task = task

    def plan(self, job: Job) -> Iterator[tuple[int, Values]]:
        options, _ = self._options(job.request)
        voices = {voice.id for voice in self._speaker.voices()}
        with (self._store.folder(job.id) / SOURCE).open("rb") as source:
            for item in self._planning.items(source, options, voices):
                yield len(item.text), _ITEM.dump_python(item, mode="json")

    async def make(self, job: Job, item: Item) -> Values:
        planned = _ITEM.validate_python(item.spec)
        utterance = self._speaker.open(_request(planned))
        wanted, stats = planned.how.voice, utterance.stats
        async with aclosing(utterance):
            if wanted is not None and stats.voice != wanted:
                raise EngineUnavailable(f"the voice {wanted} can't speak now: the log and koe doctor tell why")
            utterance.feed(planned.text)
            utterance.finish()
            folder = self._store.folder(job.id) / _ITEMS
            folder.mkdir(exist_ok=True)
            file = folder / f"{item.number:06}.flac"
            await write_speech(utterance, file)
        if stats.fallback is not None:
            # A voice that changes in the middle of a book is worse than none.
            await to_its_end(file.unlink)
            raise EngineUnavailable(stats.fallback)
        made = Made(
            file=file.name,
            voice=stats.voice,
            engine=stats.engine,
            seed=stats.seed,
            seconds=stats.audio_seconds,
            sample_rate=utterance.sample_rate,
        )
        return asdict(made)

    async def finish(self, job: Job) -> str | None:
        return await to_its_end(self._finish, job)

    def _finish(self, job: Job) -> str:
        _, output = self._options(job.request)
        folder = self._store.folder(job.id) / _ITEMS
        spoken = [
            (_ITEM.validate_python(item.spec), _MADE.validate_python(item.result))
            for item in self._store.every_item(job.id, ItemState.DONE)
        ]
        if not spoken:
            (first,) = self._store.items(job.id, ItemState.FAILED, limit=1)
            raise EngineError(f"no item could be spoken; the first one: {first.error}")
        with self._outputs.begin(self._task, job.request) as draft:
            failed = list(self._store.every_item(job.id, ItemState.FAILED))
            run = draft.finish(put_together(job, spoken, failed, folder, draft, output))
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)
        return run.id

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


def _request(item: PlanItem) -> SpeechRequest:
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
