"""Every kind of production: what it reads, and what it is told."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from koe.core.errors import MalformedInput
from koe.pipelines.design_plan import DesignOptions, plan_design
from koe.pipelines.long_form import LongFormKind, LongFormOptions, plan_long_form
from koe.pipelines.npc_pack import NpcOptions, NpcPack
from koe.pipelines.plan import Options, Plan, PlanItem
from koe.pipelines.plan_source import read_text
from koe.pipelines.script_read import ScriptOptions, plan_script
from koe.pipelines.subtitle_dub import DubOptions, plan_dub
from koe.pipelines.variations import VariationOptions, plan_variations

MOST_ITEMS = 100_000
"""Of one job."""


class BookOptions(LongFormOptions):
    kind: LongFormKind = LongFormKind.TEXT
    """What the file is."""


@dataclass(frozen=True, slots=True)
class Planning:
    """One way to make items of a file."""

    options: type[Options]
    plan: Callable[[BinaryIO, Any, Collection[str]], Plan]
    """The dry run; the file is read through for it."""

    stream: Callable[[BinaryIO, Any, Collection[str]], Iterable[PlanItem]] | None = None
    """For what has too many items for a list."""

    def items(self, source: BinaryIO, options: Options, voices: Collection[str]) -> Iterator[PlanItem]:
        """Raises MalformedInput where the plan can't be carried out, and says why."""
        plan = self.plan(source, options, voices)
        if not plan.is_ready:
            raise MalformedInput("; ".join(str(problem) for problem in plan.problems if problem.stops))
        if plan.totals.items > MOST_ITEMS:
            raise MalformedInput(f"{plan.totals.items} items: a job has at most {MOST_ITEMS}, so split the file")
        if self.stream is None:
            yield from plan.items
            return
        source.seek(0)
        yield from self.stream(source, options, voices)


def _book(source: BinaryIO, options: BookOptions, voices: Collection[str]) -> Plan:
    return plan_long_form(source, options.kind, options, voices)


def _variations(source: BinaryIO, options: VariationOptions, voices: Collection[str]) -> Plan:
    return plan_variations(read_text(source).text, options, voices)


def _pack(source: BinaryIO, options: NpcOptions, voices: Collection[str]) -> Plan:
    return NpcPack(source, options, voices).plan()


KINDS: Mapping[str, Planning] = {
    "long": Planning(BookOptions, _book),
    "script": Planning(ScriptOptions, plan_script),
    "npc": Planning(NpcOptions, _pack, NpcPack),
    "subtitles": Planning(DubOptions, plan_dub),
    "variations": Planning(VariationOptions, _variations),
    "design": Planning(DesignOptions, plan_design),
}
"""By the word for them in commands, jobs and runs."""
