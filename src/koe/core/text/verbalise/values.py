"""What the rules recognise in a text, before any language has put it in words."""

from typing import Literal, NamedTuple

Gender = Literal["", "m", "f", "n"]
"""Of the noun that a number counts; "" where it counts nothing ("channel one")."""

Case = Literal["n", "g", "d", "a", "i", "p"]
"""Nominative, genitive, dative, accusative, instrumental, prepositional."""


class Form(NamedTuple):
    """How a number word agrees with what stands around it."""

    gender: Gender = ""
    case: Case = "n"


PLAIN = Form()


class Number(NamedTuple):
    """A number as it was written, in ASCII digits without grouping."""

    whole: str
    fraction: str = ""
    negative: bool = False

    @property
    def is_round(self) -> bool:
        """Whether the fraction says nothing: `20.0`."""
        return not self.fraction.strip("0")

    def rounded(self) -> "Number":
        """Without a fraction that says nothing."""
        return self._replace(fraction="") if self.is_round else self

    def counts_one(self) -> bool:
        return (self.whole.strip("0") == "" and not self.fraction) or self.whole.lstrip("0") == "1"


class Unit(NamedTuple):
    """A unit by its CLDR name (or a name of ours where CLDR has none), over another or over nothing."""

    name: str
    per: str = ""


class Context(NamedTuple):
    """The neighbours of an expression, each next to it but for one space; "" where there is none."""

    before: str
    """Lower case."""

    after: str


ALONE = Context("", "")


class Date(NamedTuple):
    """A day of a month; 0 stands for what was not said."""

    day: int
    month: int
    year: int = 0


class Clock(NamedTuple):
    hour: int
    minute: int
    second: int = 0
    half: str = ""
    """`am`, `pm` or nothing."""


class Coin(NamedTuple):
    """A currency as people say it; the forms follow the language's plural categories."""

    forms: tuple[str, ...]
    gender: Gender = "m"
    minor: tuple[str, ...] = ()
    """The hundredth; empty where nobody counts it."""

    minor_gender: Gender = "m"
