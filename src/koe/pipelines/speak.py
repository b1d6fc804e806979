"""One text, spoken to a finished run."""

import asyncio
import secrets
from contextlib import aclosing
from math import inf
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from koe import disk
from koe.audio.files import AudioWriter
from koe.core.effects import Chain
from koe.core.errors import MalformedInput
from koe.core.profile import Sampling
from koe.core.text.parts import TextFormat
from koe.engine import Priority
from koe.pipelines.threads import to_its_end
from koe.speech import Speaker, SpeechRequest, SpeechStats, Utterance
from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from koe.storage.run import Run

TASK = "speech"

Format = Literal["wav", "flac", "ogg", "mp3"]
FORMATS: tuple[Format, ...] = get_args(Format)


class SpeechInput(BaseModel):
    """A request as its run keeps it in input.json; its fields are those of SpeechRequest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, Field(min_length=1)]
    voice: str | None = None
    language: str | None = None
    style: str | None = None
    text_format: TextFormat = "text"
    sample_rate: Annotated[int, Field(ge=8000, le=48000)] | None = None
    instruct: str | None = None
    description: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    sampling: Sampling | None = None
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None
    effects: Chain | None = None
    format: Format = "wav"
    """Of the run's sound."""

    @classmethod
    def of(cls, request: SpeechRequest, text: str, format: Format) -> Self:
        """What can be done again of it: a clip that was sent along can't."""
        return cls(text=text, format=format, **{name: getattr(request, name) for name in _OF_REQUEST})

    def request(self, priority: Priority) -> SpeechRequest:
        return SpeechRequest(**{name: getattr(self, name) for name in _OF_REQUEST}, wait=True, priority=priority)


_OF_REQUEST = SpeechInput.model_fields.keys() - {"text", "format"}


class SpeechProducer:
    """Makes runs of the task `speech`."""

    def __init__(self, speaker: Speaker, outputs: Outputs) -> None:
        self._speaker, self._outputs = speaker, outputs

    async def speak(self, wanted: SpeechInput, priority: Priority = Priority.BATCH) -> Run:
        """Whoever gives up waiting gives up the run. Raises what the Speaker raises, and KoeError where the disk
        fails."""
        utterance = self._speaker.open(wanted.request(priority))
        async with aclosing(utterance):
            utterance.feed(wanted.text)
            utterance.finish()
            draft = await to_its_end(self._outputs.begin, TASK, wanted.model_dump(mode="json"))
            try:
                await write_speech(utterance, draft.file(f"audio.{wanted.format}"))
                return await to_its_end(draft.finish, description_of(wanted, utterance.stats, utterance.sample_rate))
            finally:
                await to_its_end(draft.discard)

    async def again(self, run: Run, seed: int | None) -> Run:
        """The same input, with this seed unless it is None. Raises MalformedInput where the input was damaged, and the
        same as `speak`."""
        given = await asyncio.to_thread(run.input)
        try:
            wanted = SpeechInput.model_validate(given if seed is None else given | {"seed": seed})
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"]))
            raise MalformedInput(f"the run {run.id} can't be done again: {place} of its input isn't right") from None
        return await self.speak(wanted)


def seed_again(run: Run, seed: int | Literal["same", "new"]) -> int | None:
    """The one to be used; None for an engine without."""
    if seed == "same":
        return run.meta.seed
    return secrets.randbits(32) if seed == "new" else seed


async def write_speech(utterance: Utterance, file: Path, most_seconds: float = inf) -> None:
    """Into a file of the format that its name ends with; what is longer is cut off. Raises what the utterance raises,
    and KoeError where the disk fails."""
    with disk.told(file.parent.parent):
        # There is a first piece: nothing to speak is an error of its own.
        first = await anext(aiter(utterance))
        writer = AudioWriter(file, utterance.sample_rate)
        try:
            await to_its_end(writer.write, first)
            async for pcm in utterance:
                await to_its_end(writer.write, pcm)
                if utterance.stats.audio_seconds >= most_seconds:
                    break
        except BaseException as error:
            await to_its_end(writer.__exit__, type(error), error, error.__traceback__)
            raise
        await to_its_end(writer.__exit__, None, None, None)


def description_of(wanted: SpeechInput, stats: SpeechStats, sample_rate: int) -> Description:
    return Description(
        text=wanted.text,
        voice=stats.voice,
        engine=stats.engine,
        checkpoint=stats.checkpoint,
        seed=stats.seed,
        sampling=wanted.sampling,
        language=wanted.language,
        fallback=stats.fallback,
        first_audio=stats.first_audio,
        elapsed=stats.elapsed,
        duration=stats.audio_seconds,
        sample_rate=sample_rate,
    )
