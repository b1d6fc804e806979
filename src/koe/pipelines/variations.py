"""One text, spoken with several seeds, to choose from."""

import secrets
from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from koe.core.errors import MalformedInput
from koe.pipelines.plan import Delivery, Options, Plan, PlanItem, Planner, Seed

MOST = 100


class VariationOptions(Options):
    how: Delivery = Delivery()
    """Its seed is the first one, where it has one."""

    count: Annotated[int, Field(ge=1, le=MOST)] = 5
    seeds: Annotated[tuple[Seed, ...], Field(max_length=MOST)] = ()
    """Exactly these, instead of `count` ones."""


def plan_variations(text: str, options: VariationOptions, voices: Collection[str]) -> Plan:
    """Every item names its seed, also one that was drawn. Raises MalformedInput where a seed is given twice."""
    planner = Planner(voices)
    planner.check_voice(options.how.voice, "")
    text = text.strip()
    if not planner.can_say(text, ""):
        return planner.plan([])
    return planner.plan([_item(planner, text, options.how, seed) for seed in _seeds(options)])


def _item(planner: Planner, text: str, how: Delivery, seed: int) -> PlanItem:
    number = planner.totals.items + 1
    return planner.item(text, how.model_copy(update={"seed": seed}), file=f"{number:03}-seed-{seed}")


def _seeds(options: VariationOptions) -> list[int]:
    if options.seeds:
        if len(set(options.seeds)) < len(options.seeds):
            raise MalformedInput("a seed is given twice: the same seed makes the same sound")
        return list(options.seeds)
    # Counted up from the first, so that it alone tells all of them.
    first = secrets.randbits(32) if options.how.seed is None else options.how.seed
    return [(first + step) % 2**63 for step in range(options.count)]
