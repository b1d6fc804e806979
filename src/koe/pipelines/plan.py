"""What a production will speak, known before anything is spoken: the same plan is shown as a dry run and carried out.

Whoever reads a file tells what is wrong in it as problems of the plan, and goes on. Only where a file as a whole can't
be read, KoeErrors are raised.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from koe.core.effects import Chain
from koe.core.languages import canonical
from koe.core.problem import Problem, shown
from koe.pipelines import plan_estimate
from koe.pipelines.plan_names import Unique

MOST_CHARACTERS = 10_000
"""Of one item: ten minutes of speech."""

MOST_PROBLEMS = 200
"""That are kept; the others are counted."""

Language = Annotated[str, Field(max_length=100), AfterValidator(canonical)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Gap = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
"""Seconds of silence."""


class Options(BaseModel):
    """What crosses a wire: unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Delivery(Options):
    """Who speaks, and how. None: as the voice does by itself."""

    voice: Annotated[str, Field(max_length=200)] | None = None
    """Its id; None: the house's own."""

    language: Language | None = None
    """None: the voice's, or detected where it has several."""

    style: Annotated[str, Field(max_length=100)] | None = None
    instruct: Annotated[str, Field(max_length=4096)] | None = None
    seed: Seed | None = None
    speed: Annotated[float, Field(ge=0.25, le=4, allow_inf_nan=False)] | None = None
    """1.2 is faster by a fifth."""

    effects: Chain | None = None
    """Instead of the voice's own."""

    gain: Annotated[float, Field(ge=-40, le=20, allow_inf_nan=False)] = 0.0
    """dB."""


Deliveries = Annotated[dict[Annotated[str, Field(max_length=200)], Delivery], Field(max_length=10_000)]
"""By the name of who speaks, however it is capitalised."""


@dataclass(frozen=True, slots=True)
class PlanItem:
    id: str
    """The same for the same words spoken in the same way, wherever they stand: what is made already needn't be made
    again when something else of the file was changed. A second item of the same kind has its number behind it."""

    text: str
    how: Delivery
    file: str
    """Where the sound goes, with `/` between folders and without an ending. Items of the same file become one sound,
    in their order."""

    group: str = ""
    """For people: the chapter, the speaker or the character."""

    pause_before: float = 0.0
    pause_after: float = 0.0
    """Seconds."""

    start: float | None = None
    end: float | None = None
    """Seconds from the beginning of the file, where the time is given; None: behind the one before."""

    @property
    def seconds(self) -> float:
        """Of its speech, estimated."""
        return plan_estimate.seconds(self.text, self.how.language, self.how.speed)


@dataclass(slots=True)
class Totals:
    items: int = 0
    characters: int = 0
    seconds: float = 0.0
    """Of speech, estimated; without pauses."""

    def count(self, item: PlanItem) -> None:
        self.items += 1
        self.characters += len(item.text)
        self.seconds += item.seconds


class Problems:
    """In the order in which they were found, the first of them kept."""

    def __init__(self, found: Iterable[Problem] = (), most: int = MOST_PROBLEMS) -> None:
        self.kept: list[Problem] = []
        self.count = 0
        self.stops = False
        self._most = most
        self.extend(found)

    def add(self, problem: Problem) -> None:
        self.count += 1
        self.stops = self.stops or problem.stops
        if len(self.kept) < self._most:
            self.kept.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)


@dataclass(frozen=True, slots=True)
class Plan:
    items: tuple[PlanItem, ...]
    """All of them, in order; of a pack, which is read as it is spoken, the first."""

    totals: Totals
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    """With those that were not kept."""

    is_ready: bool = False
    """Whether it can be carried out: there is something to speak, and no problem that stops it."""

    title: str = ""
    language: str | None = None
    """That the file says it is in."""

    default_speakers: tuple[str, ...] = ()
    """The first of those who have no voice of their own: the default voice speaks for them."""


class Planner:
    """Makes items; knows the voices of the house, and what was wrong so far."""

    def __init__(self, voices: Collection[str], problems: Iterable[Problem] = ()) -> None:
        self.problems = Problems(problems)
        self.totals = Totals()
        self.default_speakers: Sequence[str] = ()
        """As Plan has them."""

        self._voices = frozenset(voices)
        self._unknown: set[str] = set()
        self._ids = Unique()

    def item(
        self,
        text: str,
        how: Delivery,
        *,
        file: str,
        group: str = "",
        pauses: tuple[float, float] = (0.0, 0.0),
        times: tuple[float, float] | None = None,
    ) -> PlanItem:
        """The next one. `pauses`: before and after it; `times`: its start and end, all in seconds."""
        start, end = times or (None, None)
        item_id = self._ids.take(_digest(text, how), self.totals.items + 1)
        item = PlanItem(item_id, text, how, file, group, *pauses, start, end)
        self.totals.count(item)
        return item

    def can_say(self, text: str, where: str) -> bool:
        """Whether it is text for one item; else that is a problem."""
        if not any(map(str.isalnum, text)):
            self.problem(where, f"there is nothing to say in {shown(text)}", "it is left out")
        elif len(text) > MOST_CHARACTERS:
            wrong = f"the text has {len(text)} characters, and at most {MOST_CHARACTERS} are spoken in one go"
            self.problem(where, wrong, "split it: it is left out")
        else:
            return True
        return False

    def check_voice(self, voice: str | None, where: str) -> None:
        """Tells of an unknown one once."""
        # What is remembered is bounded, as are the problems.
        if voice is None or voice in self._voices or voice in self._unknown or len(self._unknown) >= MOST_PROBLEMS:
            return
        self._unknown.add(voice)
        # Cut, because the search takes long where the word is long.
        near = difflib.get_close_matches(voice[:100].casefold(), sorted(self._voices), n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else "choose one from the list of voices"
        self.problem(where, f"there is no voice {shown(voice)} in this house", remedy, stops=True)

    def problem(self, where: str, wrong: str, right: str, *, stops: bool = False) -> None:
        self.problems.add(Problem(where, wrong, right, stops))

    def plan(self, items: Iterable[PlanItem], *, title: str = "", language: str | None = None) -> Plan:
        listed = tuple(items)
        if not self.totals.items:
            self.problem("", "there is nothing to speak", "see what was left out, and why", stops=True)
        found = self.problems
        return Plan(
            listed,
            self.totals,
            problems=tuple(found.kept),
            problem_count=found.count,
            is_ready=not found.stops,
            title=title,
            language=language,
            default_speakers=tuple(self.default_speakers[:MOST_PROBLEMS]),
        )


class DryRun(BaseModel):
    """A plan as JSON."""

    is_ready: bool
    title: str
    language: str | None
    totals: Totals
    seconds_source: str = plan_estimate.SOURCE
    """Where the estimated seconds come from."""

    problems: list[Problem]
    problem_count: int
    default_speakers: list[str]
    """Those who have no voice of their own: the default voice speaks for them."""

    items: list[PlanItem]
    """The first of them."""

    @classmethod
    def of(cls, plan: Plan, most_items: int = 1000) -> Self:
        return cls(
            is_ready=plan.is_ready,
            title=plan.title,
            language=plan.language,
            totals=plan.totals,
            problems=list(plan.problems),
            problem_count=plan.problem_count,
            default_speakers=list(plan.default_speakers),
            items=list(plan.items[:most_items]),
        )


def _digest(text: str, how: Delivery) -> str:
    # The gain is put on afterwards: it doesn't change what is spoken.
    spoken = (text, how.voice, how.language, how.style, how.instruct, how.seed, how.speed, how.effects)
    return hashlib.blake2b(repr(spoken).encode(errors="surrogatepass"), digest_size=6).hexdigest()
