"""What a language has to say for itself; the defaults suit most of Europe's."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar

from koe.core.text.verbalise import units
from koe.core.text.verbalise.languages.tables import table
from koe.core.text.verbalise.months import calendar_names
from koe.core.text.verbalise.values import ALONE, PLAIN, Clock, Coin, Context, Date, Form, Gender, Number, Unit
from koe.core.text.verbalise.words import spoken

LONGEST_CARDINAL = 12
"""Digits; what is longer is an identifier and read digit by digit."""

CLOCK = (
    r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?![0-9])"
    r"(?::(?P<second>[0-5][0-9])(?![0-9])(?:\.[0-9]++)?(?:Z\b|[+-][0-9]{2}:[0-9]{2}\b)?)?"
)
"""Also the end of an ISO timestamp: nobody wants to hear milliseconds and time zones."""


class Language:
    """The words and the grammar of one language. Stateless: every method is a pure function."""

    num2words: ClassVar[str]
    gap: ClassVar[str] = " "
    """Between words."""

    pause: ClassVar[str] = ", "
    """Between the groups of a telephone number."""

    decimal_mark: ClassVar[str] = ","
    group_marks: ClassVar[str] = "."
    """Thousands separators besides the no-break spaces, which all languages share."""

    date_marks: ClassVar[str] = "/.-"

    minus: ClassVar[str] = "minus"
    point: ClassVar[str]
    dot: ClassVar[str]
    """Between the parts of versions and addresses."""

    to: ClassVar[str]
    over: ClassVar[str]
    """Between the terms of a fraction that has no name."""

    fractions: ClassVar[Mapping[tuple[int, int], str]]
    mixed: ClassVar[Mapping[tuple[int, int], str]] = MappingProxyType({})
    """Patterns for a whole number `{0}` and a fraction, where `and_` won't do: `{0} and a half`."""

    and_: ClassVar[str]
    """Between a whole number and a fraction."""

    duration_and: ClassVar[str] = ""
    """Between hours and minutes."""

    cents_join: ClassVar[str] = ""
    """Between a sum and its cents."""

    cents_named: ClassVar[bool] = True
    """Whether the word for cents is said after a sum: `four euros and fifty cents`."""

    symbols: ClassVar[Mapping[str, str]]
    """Said between words."""

    number_signs: ClassVar[Mapping[str, str]]
    """Said only before a number: `#5`, `~5`."""

    abbreviations: ClassVar[Mapping[str, str]] = table()
    closing: ClassVar[tuple[str, ...]] = ("etc.",)
    """What may end a sentence with its own full stop, in lower case."""

    number_abbreviations: ClassVar[Mapping[str, str]] = table()
    """Said only before a number: `No. 5`."""

    unit_symbols: ClassVar[Mapping[str, str]] = units.SYMBOLS
    per_words: ClassVar[Mapping[str, str]] = units.PER_SYMBOLS
    """What stands only after a slash."""

    unit_names: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    """Names that CLDR lacks or gives wrong, in the order of `plurals`; the last stands for all that follow."""

    per_names: ClassVar[Mapping[str, str]] = table()
    """Patterns with `{0}` for `per ...` that CLDR lacks or gives wrong."""

    feminine_units: ClassVar[frozenset[str]] = frozenset()
    plurals: ClassVar[tuple[str, ...]] = ("one", "other")
    coins: ClassVar[Mapping[str, Coin]]
    coin_words: ClassVar[Mapping[str, str]] = table()
    """Currencies that are written out after a sum, in lower case."""

    feminine_coins: ClassVar[frozenset[str]] = frozenset()

    scales: ClassVar[tuple[str, ...]] = ()
    """Words that go between a number and its currency: `$5 million`."""

    ordinal_pattern: ClassVar[str] = "(?!)"
    """After the digits; may name the group `mark`."""

    date_patterns: ClassVar[tuple[str, ...]] = ()
    """Worded dates with the groups `day`, `month`, `year`; `{months}` stands for the names of the months."""

    date_start: ClassVar[str] = "(?!)"
    """Where a worded date begins, if not with a digit."""

    clock_patterns: ClassVar[tuple[str, ...]] = (CLOCK,)
    """With the groups `hour`, `minute`, `second` and perhaps `half`, for a.m. or p.m."""

    year_pattern: ClassVar[str] = "(?!)"
    """A year outside of a date: the group `year` and perhaps `mark`."""

    def __init__(self, locale: str) -> None:
        self.locale = locale

    def join(self, *parts: str) -> str:
        return self.gap.join(part for part in parts if part)

    @cached_property
    def per_symbols(self) -> Mapping[str, str]:
        """What may stand after a slash."""
        return {**self.unit_symbols, **self.per_words}

    @property
    def month_first(self) -> bool:
        """Whether 11/12 is the twelfth of November."""
        return False

    def gap_after(self, words: str) -> str:
        """Between the letters that touched figures and the words: `A4`."""
        return self.gap

    def gap_before(self, following: str) -> str:
        """Between words and the letters that touched their figures: `5G`."""
        return self.gap

    def ends_sentence(self, written: str, following: str) -> bool:
        """Whether the full stop at the end of an expression ends the sentence too; `following` is the next word."""
        goes_on = following[:1].islower() or following.lower() in calendar_names(self.locale)
        return not goes_on and written.lower().endswith(self.closing)

    # Numbers

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        return spoken(value, self.num2words)

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        """`mark` is what `ordinal_pattern` matched; None: it isn't an ordinal after all."""
        return spoken(value, self.num2words, "ordinal")

    def digits(self, digits: str) -> str:
        return self.join(*(self.cardinal(int(digit)) for digit in digits))

    def phone_group(self, digits: str) -> str:
        return self.digits(digits)

    def whole(self, digits: str, form: Form) -> str:
        if len(digits) > LONGEST_CARDINAL or (len(digits) > 1 and digits.startswith("0")):
            return self.digits(digits)
        return self.cardinal(int(digits), form)

    def fraction(self, digits: str) -> str:
        """What is said after the point."""
        return self.digits(digits)

    def number(self, number: Number, form: Form = PLAIN) -> str:
        words = self.decimal(number, form) if number.fraction else self.whole(number.whole, form)
        return self.join(self.minus, words) if number.negative else words

    def decimal(self, number: Number, form: Form) -> str:
        return self.join(self.whole(number.whole, PLAIN), self.point, self.fraction(number.fraction))

    def span(self, low: Number, high: Number, form: Form, context: Context) -> str:
        return self.join(self.number(low, form), self.to, self.number(high, form))

    def noun_form(self, number: Number, context: Context) -> Form:
        """The agreement of a number with the words beside it."""
        return PLAIN

    def year(self, year: int, context: Context) -> str:
        """A year in a date."""
        return self.cardinal(year)

    def lone_year(self, year: int, mark: str, context: Context) -> str | None:
        """What `year_pattern` found; None: it counts something after all."""
        return self.year(year, context)

    def over_under(self, over: int, under: int) -> str:
        """A fraction that has no name."""
        return self.join(self.cardinal(over), self.over, self.cardinal(under))

    def mixed_number(self, whole: int, over: int, under: int) -> str:
        """A whole number and a fraction."""
        words = self.cardinal(whole, Form("m"))
        if (over, under) in self.mixed:
            return self.mixed[over, under].replace("{0}", words)
        return self.join(words, self.and_, self.fraction_of(over, under))

    def fraction_of(self, over: int, under: int) -> str:
        return self.fractions.get((over, under)) or self.over_under(over, under)

    def version_part(self, digits: str) -> str:
        """Between the dots of a version or an address."""
        return self.digits(digits) if len(digits) > 4 or digits.startswith("00") else self.cardinal(int(digits))

    # Units

    def plural(self, number: Number, form: Form = PLAIN) -> str:
        return units.plural_category(self.locale, f"{number.whole[:15]}.{number.fraction[:6]}".rstrip("."))

    def pick(self, forms: tuple[str, ...], category: str) -> str:
        """The form for a plural category; a category without a form of its own takes the last."""
        index = self.plurals.index(category) if category in self.plurals else len(forms) - 1
        return forms[min(index, len(forms) - 1)]

    def unit_form(self, unit: Unit, context: Context) -> Form:
        return Form("f" if unit.name in self.feminine_units else "m")

    def coin_form(self, gender: Gender, context: Context) -> Form:
        return Form(gender)

    def unit_name(self, name: str, category: str) -> str:
        """The unit as a pattern: `{0}` is the number."""
        if name in self.unit_names:
            own = self.pick(self.unit_names[name], category)
            return own if "{0}" in own else self.join("{0}", own)
        return units.cldr_name(self.locale, name, category) or f"{{0}} {name}"

    def per(self, name: str) -> str:
        return self.per_names.get(name) or units.cldr_per(self.locale, name) or "{0}"

    def price_per(self, name: str) -> str:
        """Behind a sum of money."""
        return self.per(name)

    def measure(self, number: Number, words: str, unit: Unit, form: Form) -> str:
        """A quantity whose number has been put in words."""
        named = self.unit_name(unit.name, self.plural(number, form))
        pattern = self.per(unit.per).replace("{0}", named) if unit.per else named
        return pattern.replace("{0}", words)

    # Calendar and clock

    def date(self, date: Date, context: Context) -> str:
        raise NotImplementedError

    def clock(self, clock: Clock, context: Context) -> str:
        raise NotImplementedError

    def count(self, value: int, unit_name: str, context: Context = ALONE) -> str:
        """So many of a unit: `five seconds`."""
        number, unit = Number(str(value)), Unit(unit_name)
        form = self.unit_form(unit, context)
        return self.measure(number, self.number(number, form), unit, form)

    def seconds(self, clock: Clock) -> str:
        return self.join(self.and_, self.count(clock.second, "duration-second")) if clock.second else ""
