"""Subtitles spoken at their times."""

from collections.abc import Collection, Mapping
from typing import Annotated, BinaryIO

from pydantic import Field

from koe.core.subtitles import Cue
from koe.pipelines import plan_estimate
from koe.pipelines.plan import Deliveries, Delivery, Options, Plan, PlanItem, Planner
from koe.pipelines.subtitle_file import read_subtitles


class DubOptions(Options):
    how: Delivery = Delivery()

    voices: Deliveries = Field(default_factory=dict)
    """How the speakers of WebVTT (`<v Anna>`) speak, by name; the others as `how`."""

    hurry: Annotated[float, Field(ge=1, le=2, allow_inf_nan=False)] = 1.25
    """How much faster than by itself a voice may speak to be done in time, without a problem being told."""


def plan_dub(source: BinaryIO, options: DubOptions, voices: Collection[str]) -> Plan:
    """Every item has its times, in their order, and goes into one file.

    Raises LimitExceeded, MalformedInput, NothingToSpeak where the file can't be read as a whole.
    """
    subtitles = read_subtitles(source)
    planner = Planner(voices, subtitles.problems)
    planner.check_voice(options.how.voice, "")
    table = {_key(name): how for name, how in options.voices.items()}
    for name, how in options.voices.items():
        planner.check_voice(how.voice, f"speaker {name}")
    said = [cue for cue in subtitles.cues if planner.can_say(cue.text, cue.where)]
    planner.default_speakers = _unmapped(said, table)
    return planner.plan([_item(planner, cue, table.get(_key(cue.speaker), options.how), options) for cue in said])


def _item(planner: Planner, cue: Cue, how: Delivery, options: DubOptions) -> PlanItem:
    room, needed = cue.end - cue.start, plan_estimate.seconds(cue.text, how.language, how.speed)
    if 0 < room * options.hurry < needed:
        wrong = f"about {needed:.1f} s of speech have {room:.1f} s"
        planner.problem(cue.where, wrong, "shorten the text or give it more time, or it is cut or goes on too long")
    return planner.item(cue.text, how, file="dub", group=cue.speaker, times=(cue.start, cue.end))


def _unmapped(cues: Collection[Cue], table: Mapping[str, Delivery]) -> list[str]:
    """The speakers without a voice of their own, each once, as they are written first."""
    named: dict[str, str] = {}
    for cue in cues:
        if cue.speaker and _key(cue.speaker) not in table:
            named.setdefault(_key(cue.speaker), cue.speaker)
    return list(named.values())


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
