"""A description, spoken by several made-up voices, one of which becomes a voice of the house."""

import secrets
from collections.abc import Collection
from typing import Annotated, BinaryIO, Literal, Self

from pydantic import Field, model_validator

from koe.core.errors import MalformedInput
from koe.core.languages import at_home
from koe.core.problem import shown
from koe.core.samples import sample
from koe.pipelines.design_clone import LONGEST, MAX_CANDIDATES
from koe.pipelines.plan import Delivery, Language, Options, Plan, PlanItem, Planner, Seed
from koe.pipelines.plan_source import MIB, read_text
from koe.voices.fields import Id, Name, Text

_MOST_DESCRIPTION = 2000
"""Characters."""


class KeepOptions(Options):
    """The voice that it is to become."""

    name: Name
    id: Id | None = None
    """None: made of the name."""

    candidate: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] | Literal["best"] = "best"
    """best: the one that makes the best reference: with the least to complain of, then at the most usual pace."""


class DesignOptions(Options):
    language: Language = "en"
    """What the voice speaks best."""

    text: Annotated[Text, Field(min_length=1)] | None = None
    """What the candidates say: 3 to 10 seconds; None: two sentences of ours."""

    count: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] = 3
    seeds: Annotated[tuple[Seed, ...], Field(max_length=MAX_CANDIDATES)] = ()
    """Exactly these, instead of `count` ones."""

    keep: KeepOptions | None = None
    """None: the candidates wait as a design, and one of them can be kept later."""

    @model_validator(mode="after")
    def _has_the_candidate(self) -> Self:
        most = len(self.seeds) or self.count
        if self.keep is not None and self.keep.candidate != "best" and self.keep.candidate > most:
            raise ValueError(f"keep.candidate: there are {most} candidates, and no {self.keep.candidate}")
        return self

    @property
    def said(self) -> str:
        return (self.text or sample(self.language)).strip()

    @property
    def home_language(self) -> str:
        """With a region, as Home Assistant has it."""
        return at_home(self.language)


def plan_design(source: BinaryIO, options: DesignOptions, voices: Collection[str]) -> Plan:
    """Raises MalformedInput, LimitExceeded, NothingToSpeak where the description can't be read."""
    read = read_description(source)
    planner = Planner(voices)
    if options.keep and options.keep.id in voices:
        wrong = f"there is a voice {shown(str(options.keep.id))} already"
        planner.problem("keep.id", wrong, "choose another id, or leave it out", stops=True)
    said = options.said
    if not planner.can_say(said, "text"):
        return planner.plan([])
    items = [_item(planner, said, options, seed) for seed in _seeds(options)]
    if items[0].seconds > LONGEST:
        wrong = f"it takes about {items[0].seconds:.0f} s to say, and a reference has {LONGEST:g} at the most"
        planner.problem("text", wrong, "let them say less: 3 to 10 seconds are enough", stops=True)
    return planner.plan(items, title=read, language=options.home_language)


def read_description(source: BinaryIO) -> str:
    """Raises MalformedInput, LimitExceeded, NothingToSpeak."""
    description = " ".join(read_text(source, MIB).text.split())
    if len(description) > _MOST_DESCRIPTION:
        raise MalformedInput(f"the description has {len(description)} characters, and {_MOST_DESCRIPTION} are possible")
    if not any(map(str.isalnum, description)):
        raise MalformedInput("describe the voice in a few words, such as: a calm old sailor")
    return description


def _item(planner: Planner, text: str, options: DesignOptions, seed: int) -> PlanItem:
    number = planner.totals.items + 1
    how = Delivery(language=options.home_language, seed=seed)
    return planner.item(text, how, file=f"{number:02}-seed-{seed}", group=f"candidate {number}")


def _seeds(options: DesignOptions) -> list[int]:
    if len(set(options.seeds)) < len(options.seeds):
        raise MalformedInput("a seed is given twice: the same seed makes the same voice")
    return list(options.seeds) or [secrets.randbits(32) for _ in range(options.count)]
