"""A finished production done again: a job of the same file and the same options, with the same seeds or others.

Kinds whose options name seeds (variations, designs) are given those. For the others the job says whose seeds it wants,
and finds them in that run's manifest when its items are planned: there may be a hundred thousand.
"""

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from koe import disk
from koe.core.errors import MalformedInput, UnsupportedAbility
from koe.pipelines.jobs import JobQueue
from koe.pipelines.kinds import KINDS
from koe.pipelines.plan import Seed
from koe.pipelines.production_output import MANIFEST
from koe.pipelines.threads import to_its_end
from koe.storage.job import Job, Values
from koe.storage.jobs import SOURCE, JobStore
from koe.storage.outputs import Outputs
from koe.storage.run import Run

Seeds = Seed | Literal["same", "new"]
"""same: those that were really used; new: others are drawn; a number: that one, and where there are several variations
of one text, those that follow it."""


class Again(BaseModel):
    """Which run is done again, in the request of a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    seed: Seeds


class _Said(BaseModel):
    """An item in a manifest."""

    number: int
    seed: int | None = None


class _Manifest(BaseModel):
    items: list[_Said]

    @property
    def seeds(self) -> dict[int, int]:
        """By the number of the item; none for an engine without."""
        return {each.number: each.seed for each in self.items if each.seed is not None}


async def do_again(queue: JobQueue, store: JobStore, run: Run, seed: Seeds) -> Job:
    """Raises UnsupportedAbility where it is no production, UnknownRun where its files are gone, MalformedInput where
    they were damaged, Busy."""
    with store.upload() as source:
        title, request = await to_its_end(_prepared, run, seed, source)
        return await queue.submit(run.meta.task, title, request, source)


def check_repeatable(run: Run) -> None:
    """Raises UnsupportedAbility where it is no production, or one that an older Koe made."""
    if run.meta.task not in KINDS:
        raise UnsupportedAbility(f"a run of the task {run.meta.task} can't be done again")
    if SOURCE not in [file.name for file in run.meta.files]:
        words = f"the run {run.id} can't be done again: an older Koe made it, which didn't keep what it is made of"
        raise UnsupportedAbility(words)


def damaged_input(run: Run, error: ValidationError) -> MalformedInput:
    """What a run was made of isn't what such a run can be made of."""
    place = ".".join(map(str, error.errors()[0]["loc"]))
    return MalformedInput(f"the run {run.id} can't be done again: {place} of its input isn't right")


def seeds_again(again: Again, outputs: Outputs) -> Callable[[int, int | None], int | None]:
    """(an item's number, its seed as planned) -> the one to be used. Raises UnknownRun."""
    match again.seed:
        case "same":
            seeds = seeds_of(outputs.get(again.run))
            return lambda number, seed: seeds.get(number) if seed is None else seed
        case "new":
            return lambda number, seed: None
        case given:
            return lambda number, seed: given


def _prepared(run: Run, seed: Seeds, source: Path) -> tuple[str, Values]:
    """The title and the request of the job; what it is made of is copied to `source`."""
    check_repeatable(run)
    with disk.told(source.parent):
        shutil.copyfile(run.file(SOURCE), source)
    given = run.input()
    request: dict[str, Any] = {"options": given.get("options", {}), "output": given.get("output", {})}
    try:
        options: Any = KINDS[run.meta.task].options.model_validate(request["options"])
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise MalformedInput(f"the run {run.id} can't be done again: {place} of its options isn't right") from None
    if not hasattr(options, "seeds"):
        request["again"] = {"run": run.id, "seed": seed}
    elif listed := _listed(run, seed, len(options.seeds) or options.count):
        request["options"] = {**request["options"], "seeds": listed}
    return str(given.get("title", ""))[:200], request


def _listed(run: Run, seed: Seeds, count: int) -> list[int]:
    """Of all its items; none where an engine without seeds has spoken it."""
    if seed == "same":
        return [used for _, used in sorted(seeds_of(run).items())]
    first = secrets.randbits(32) if seed == "new" else seed
    return [(first + step) % 2**63 for step in range(count)]


def seeds_of(run: Run) -> dict[int, int]:
    """By the number of the item; none for an engine without. Raises MalformedInput."""
    try:
        return _Manifest.model_validate_json(run.file(MANIFEST).read_bytes()).seeds
    except (OSError, ValidationError):
        raise MalformedInput(f"the run {run.id} doesn't tell its seeds: its {MANIFEST} is damaged") from None
