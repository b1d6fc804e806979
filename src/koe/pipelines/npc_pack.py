"""The lines of a game: a table of characters and texts -> one file for each row, in a folder for each character.

A table may have a million rows. So a pack is no list: its items come while it is read, and what is kept of those that
went by is bounded.
"""

from collections.abc import Collection, Iterator
from typing import Annotated, BinaryIO

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from koe.core.problem import shown
from koe.pipelines.npc_rows import Row, Table
from koe.pipelines.plan import Deliveries, Delivery, Language, Options, Plan, PlanItem, Planner, Seed, Totals
from koe.pipelines.plan_names import Unique, safe_name, without_ending

MOST_CHARACTERS = 10_000
"""Different ones in a pack."""

_OWN = set(Delivery.model_fields)
"""What a row may say of how it is spoken."""

_NAMED_BY = 40
"""Characters of a text that a file is named by, where the table names none."""


class NpcOptions(Options):
    characters: Deliveries = Field(default_factory=dict)
    """How each of them speaks, by name; what a row says goes before."""

    default: Delivery = Delivery()


def _text(value: object) -> object:
    """Numbers are text too: who asked how old he is?"""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_Word = Annotated[str, BeforeValidator(_text), Field(max_length=200)]


class _Cells(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    character: Annotated[_Word, Field(min_length=1, max_length=100)]
    text: Annotated[str, BeforeValidator(_text)]
    file: _Word | None = None
    voice: _Word | None = None
    language: Language | None = None
    style: Annotated[str, Field(max_length=100)] | None = None
    instruct: Annotated[str, Field(max_length=4096)] | None = None
    seed: Seed | None = None
    speed: Annotated[float, Field(ge=0.25, le=4, allow_inf_nan=False)] | None = None


class NpcPack:
    """Iterate once: the items of the pack; its figures and problems grow meanwhile."""

    def __init__(self, source: BinaryIO, options: NpcOptions, voices: Collection[str]) -> None:
        """Raises MalformedInput where it is no table with the columns that are needed, NothingToSpeak."""
        self._planner = Planner(voices)
        self._table = Table(source, self._planner.problems)
        self._options = options
        self._deliveries = {name.strip().casefold(): how for name, how in options.characters.items()}
        self._folders: dict[str, str] = {}
        self._taken, self._files = Unique(), Unique()
        self._planner.check_voice(options.default.voice, "the default")
        for name, how in options.characters.items():
            self._planner.check_voice(how.voice, f"character {name}")

    @property
    def totals(self) -> Totals:
        """Of the items so far."""
        return self._planner.totals

    def __iter__(self) -> Iterator[PlanItem]:
        for row in self._table:
            if item := self._item(row):
                yield item

    def plan(self, most_items: int = 100) -> Plan:
        """Of the whole table, which is read for it; the first of its items are kept."""
        first = [item for item in self if self.totals.items <= most_items]
        return self._planner.plan(first)

    def _item(self, row: Row) -> PlanItem | None:
        where = f"line {row.line}"
        try:
            cells = _Cells.model_validate(row.cells)
        except ValidationError as error:
            self._planner.problem(where, _in_words(error), "correct it: the row is left out")
            return None
        folder = self._folder(cells.character, row.line)
        if folder is None or not self._planner.can_say(cells.text, where):
            return None
        self._planner.check_voice(cells.voice, where)
        file = self._file(folder, cells, row.line)
        return self._planner.item(cells.text, self._how(cells), file=file, group=cells.character)

    def _how(self, cells: _Cells) -> Delivery:
        how = self._deliveries.get(cells.character.casefold(), self._options.default)
        own = cells.model_dump(include=_OWN, exclude_none=True)
        return how.model_copy(update=own) if own else how

    def _folder(self, character: str, line: int) -> str | None:
        """Of that character alone."""
        key = character.casefold()
        if key not in self._folders:
            if len(self._folders) >= MOST_CHARACTERS:
                wrong = f"{shown(character)} is one character too many: a pack has at most {MOST_CHARACTERS}"
                self._planner.problem(f"line {line}", wrong, "split the table: the row is left out")
                return None
            # Without dots: a folder can't be taken for one of the run's own files.
            self._folders[key] = self._taken.take(safe_name(character.replace(".", " "), "character"), line)
        return self._folders[key]

    def _file(self, folder: str, cells: _Cells, line: int) -> str:
        wanted = without_ending(cells.file or "") or cells.text[:_NAMED_BY].lower()
        name = safe_name(wanted, "line")
        free = self._files.take(f"{folder}/{name}", line)
        if cells.file and free != f"{folder}/{wanted}":
            wrong = f"a file can't be called {shown(cells.file)} here, or another row is"
            self._planner.problem(f"line {line}", wrong, f"it becomes {shown(free)}")
        return free


def _in_words(error: ValidationError) -> str:
    """The first thing that is wrong."""
    detail = error.errors(include_url=False)[0]
    name = str(detail["loc"][0])
    if detail["type"] == "missing" or detail["input"] == "":
        return f"the {name} is missing"
    reason = detail["ctx"]["error"] if detail["type"] == "value_error" else detail["msg"].removeprefix("Input ")
    return f"the {name} {shown(str(detail['input']))} isn't right: {reason}"
