"""A script read with the voices that a table gives its speakers."""

from collections.abc import Collection, Mapping
from typing import BinaryIO

from pydantic import Field

from koe.core.problem import Problem, shown
from koe.core.script import Utterance, parse_script
from koe.pipelines.plan import Deliveries, Delivery, Gap, Options, Plan, PlanItem, Planner
from koe.pipelines.plan_names import safe_name
from koe.pipelines.plan_source import read_text

_MOST_NAMED = 30
"""Speakers in one problem."""


class ScriptOptions(Options):
    speakers: Deliveries = Field(default_factory=dict)
    """By name, however it is capitalised; the empty name speaks what comes before the first speaker."""

    default: Delivery | None = None
    """For speakers without a row in the table; None: each of them is a problem."""

    gap: Gap = 0.4
    """Seconds between two utterances."""

    follow_directions: bool = False
    """Whether `Anna (whispering): ...` is given to the voice as `instruct`, which not every voice can follow."""

    separate: bool = False
    """A file for each utterance instead of one for all."""


def plan_script(source: BinaryIO, options: ScriptOptions, voices: Collection[str]) -> Plan:
    """Raises LimitExceeded, MalformedInput, NothingToSpeak where the file can't be read as a whole."""
    read = read_text(source)
    planner = Planner(voices, read.problems)
    table = {_key(name): how for name, how in options.speakers.items()}
    for name, how in options.speakers.items():
        planner.check_voice(how.voice, f"speaker {name}")
    if options.default:
        planner.check_voice(options.default.voice, "the default speaker")
    script = parse_script(read.text, options.speakers)
    planner.problems.extend(_unmapped(script.utterances, table, options))
    planner.problems.extend(_left_out(script.utterances, options))
    said = [each for each in script.utterances if planner.can_say(each.text, f"line {each.line}")]
    return planner.plan([_item(planner, each, table, options) for each in said])


def _item(planner: Planner, each: Utterance, table: Mapping[str, Delivery], options: ScriptOptions) -> PlanItem:
    how = table.get(_key(each.speaker)) or options.default or Delivery()
    if options.follow_directions and each.direction:
        how = how.model_copy(update={"instruct": each.direction})
    number = planner.totals.items + 1
    name = safe_name(each.speaker, "nobody")
    file = f"{number:04}-{name}" if options.separate else "script"
    return planner.item(each.text, how, file=file, group=each.speaker, pauses=(0.0, each.pause_after or options.gap))


def _unmapped(said: Collection[Utterance], table: Mapping[str, Delivery], options: ScriptOptions) -> list[Problem]:
    """One problem that names all speakers without a voice, each with its first line."""
    if options.default:
        return []
    first: dict[str, Utterance] = {}
    for each in said:
        if _key(each.speaker) not in table:
            first.setdefault(each.speaker, each)
    if not first:
        return []
    named = [f"{shown(name) if name else 'nobody'} (line {each.line})" for name, each in first.items()]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    where = f"line {next(iter(first.values())).line}"
    wrong = f"speakers without a voice: {', '.join(named[:_MOST_NAMED])}{more}"
    remedy = "give each one a voice, or choose a default voice; a line that is no speaker is to begin with a space"
    return [Problem(where, wrong, remedy, stops=True)]


def _left_out(said: Collection[Utterance], options: ScriptOptions) -> list[Problem]:
    directed = [each for each in said if each.direction]
    if options.follow_directions or not directed:
        return []
    first = directed[0]
    wrong = f"directions such as {shown(f'({first.direction})')} are left out ({len(directed)} in all)"
    return [Problem(f"line {first.line}", wrong, "switch on that directions are followed, if the voices can")]


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
