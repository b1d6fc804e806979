"""What Chinese, Japanese and Korean have in common: no plurals, no spaces that matter, big units first."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.values import Clock, Context, Date


def per_words(words: str) -> Mapping[str, str]:
    """What stands only after a slash; words stand there for themselves."""
    return MappingProxyType({**Language.per_words, **{word: word for word in words.split()}})


class EastAsian(Language):
    decimal_mark = "."
    group_marks = ","
    date_marks = "/-"
    gap = ""
    plurals = ("other",)
    fractions = MappingProxyType({})

    year_sign: ClassVar[str]
    month_sign: ClassVar[str]
    day_sign: ClassVar[str]
    hour_sign: ClassVar[str]
    minute_sign: ClassVar[str]
    second_sign: ClassVar[str]

    per_prefix: ClassVar[str]
    """A pattern for what something is counted by: `{unit}` and `{0}`."""

    def gap_before(self, following: str) -> str:
        return ""

    @property
    def month_first(self) -> bool:
        return True

    def per(self, name: str) -> str:
        unit = self.unit_name(name, "other").replace("{0}", "").strip()
        return self.per_names.get(name) or self.per_prefix.replace("{unit}", unit)

    def over_under(self, over: int, under: int) -> str:
        return self.join(self.cardinal(under) + self.over, self.cardinal(over))

    def month(self, month: int) -> str:
        return self.cardinal(month) + self.month_sign

    def date(self, date: Date, context: Context) -> str:
        year = self.year(date.year, context) + self.year_sign if date.year else ""
        day = self.cardinal(date.day) + self.day_sign if date.day else ""
        return self.join(year, self.month(date.month), day)

    def hour(self, hour: int) -> str:
        return self.cardinal(hour)

    def minute(self, minute: int) -> str:
        return self.cardinal(minute)

    def clock(self, clock: Clock, context: Context) -> str:
        hour = self.join(self.hour(clock.hour), self.hour_sign)
        minute = self.join(self.minute(clock.minute), self.minute_sign) if clock.minute or clock.second else ""
        second = self.join(self.cardinal(clock.second), self.second_sign) if clock.second else ""
        return self.join(hour, minute, second)
