"""The best of several takes, kept: a favourite run of its own, and if wished the seed of its voice from then on."""

import shutil
from pathlib import PurePath

from pydantic import BaseModel, ConfigDict, ValidationError

from koe.core.errors import MalformedInput, RequestError, UnknownRun, UnknownVoice, UnsupportedAbility
from koe.core.installation import command
from koe.pipelines.plan import Delivery
from koe.pipelines.production_output import MANIFEST
from koe.pipelines.speak import FORMATS, TASK, SpeechInput
from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from koe.storage.run import Run
from koe.voices import making
from koe.voices.store import VoiceStore


class _Take(BaseModel):
    """An item in a manifest."""

    model_config = ConfigDict(extra="ignore")

    file: str
    seconds: float
    text: str
    voice: str
    engine: str
    checkpoint: str | None = None
    seed: int | None = None
    how: Delivery = Delivery()

    def input(self) -> SpeechInput:
        """To do it again."""
        how = self.how
        return SpeechInput(
            text=self.text,
            voice=self.voice,
            language=how.language,
            style=how.style,
            instruct=how.instruct,
            seed=self.seed,
            speed=how.speed,
            effects=how.effects,
            format=next((each for each in FORMATS if self.file.endswith(f".{each}")), "flac"),
        )


class _Manifest(BaseModel):
    items: list[_Take]


def keep_take(outputs: Outputs, voices: VoiceStore, run: Run, file: str, *, as_default: bool = False) -> Run:
    """`file`: one of a production's, with a single item in it, such as that of one variation. `as_default`: its voice
    is to speak with its seed where no other is asked for. Blocks.

    Raises UnknownRun where there is no such file, UnsupportedAbility, MalformedInput, RequestError where the voice
    can't have a seed, and KoeError where the disk fails.
    """
    take, sound = _take(run, file), run.file(file)
    if as_default:
        _check_seed(voices, take)
    description = Description(
        text=take.text,
        voice=take.voice,
        engine=take.engine,
        checkpoint=take.checkpoint,
        seed=take.seed,
        language=take.how.language,
        elapsed=0.0,
        duration=take.seconds,
        sample_rate=run.meta.sample_rate,
    )
    with outputs.begin(TASK, take.input().model_dump(mode="json")) as draft:
        shutil.copyfile(sound, draft.file(f"audio{PurePath(file).suffix}"))
        kept = draft.finish(description)
    if as_default:
        making.edit(voices, take.voice, seed=take.seed)
    return outputs.mark(kept.id, favourite=True)


def _take(run: Run, file: str) -> _Take:
    if MANIFEST not in [each.name for each in run.meta.files]:
        raise UnsupportedAbility(f"the run {run.id} ({run.meta.task}) has no takes to choose from: keep it as it is")
    try:
        takes = _Manifest.model_validate_json(run.file(MANIFEST).read_bytes()).items
    except (OSError, ValidationError):
        raise MalformedInput(f"the {MANIFEST} of the run {run.id} is damaged") from None
    found = [take for take in takes if take.file == file]
    if not found:
        known = ", ".join(dict.fromkeys(take.file for take in takes[:20]))
        raise UnknownRun(f"the run {run.id} has no take {file[:100]!r}; it has {known}")
    if len(found) > 1:
        raise UnsupportedAbility(f"{file} holds {len(found)} items: only one that was made alone can be kept alone")
    return found[0]


def _check_seed(voices: VoiceStore, take: _Take) -> None:
    if take.seed is None:
        raise RequestError(f"{take.engine} speaks without seeds: {take.voice} says it the same way each time")
    try:
        voices.get(take.voice)
    except UnknownVoice:
        words = f'voices add "My {take.voice}" --base {take.voice} --seed {take.seed}'
        raise RequestError(
            f"{take.voice} is a built-in voice, which has no seed of its own: make a variation of it ({command(words)})"
        ) from None
    if voices.is_preset(take.voice):
        raise RequestError(f"{take.voice} is declared in config/voices.yaml: write `seed: {take.seed}` there")
