"""English: `en` and `en-US` write the month first, other regions the day."""

from types import MappingProxyType

from koe.core.text.verbalise.languages.base import CLOCK, Language
from koe.core.text.verbalise.languages.tables import table
from koe.core.text.verbalise.months import month_name
from koe.core.text.verbalise.values import ALONE, PLAIN, Clock, Coin, Context, Date, Form
from koe.core.text.verbalise.words import spoken

_YEAR = r"(?:,? (?P<year>[12][0-9]{3})\b(?![:.,/-][0-9]))?"
_CENT, _PENNY = ("cent", "cents"), ("penny", "pence")
_BEFORE_YEARS = frozenset(
    {"in", "since", "until", "till", "by", "before", "after", "from", "to", "of", "year", "summer", "winter"}
)


class English(Language):
    num2words = "en"
    decimal_mark = "."
    group_marks = ","
    date_marks = "/-"
    point, dot, to, over, and_ = "point", "dot", "to", "over", "and"
    cents_join = "and"
    scales = ("thousand", "million", "billion", "trillion")
    duration_and = "and"
    fractions = MappingProxyType(
        {
            (1, 2): "one half",
            (1, 3): "one third",
            (2, 3): "two thirds",
            (1, 4): "one quarter",
            (3, 4): "three quarters",
            (1, 5): "one fifth",
            (1, 8): "one eighth",
            (1, 10): "one tenth",
            (24, 7): "twenty-four seven",
        }
    )
    mixed = MappingProxyType({(1, 2): "{0} and a half", (1, 4): "{0} and a quarter"})
    symbols = table(**{"&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "°": "degrees"})
    symbols = MappingProxyType({**symbols, "×": "times", "÷": "divided by", "€": "euros", "£": "pounds"})
    number_signs = MappingProxyType(
        {
            "#": "number",
            "№": "number",
            "+": "plus",
            "±": "plus or minus",
            "~": "about",
            "≈": "about",
            ">": "more than",
            "<": "less than",
            "≥": "at least",
            "≤": "at most",
            "§": "section",
        }
    )
    closing = ("etc.", "a.m.", "p.m.")
    number_abbreviations = MappingProxyType({"No.": "number", "no.": "number", "Nr.": "number", "p.": "page"})
    abbreviations = MappingProxyType(
        {
            "Mr.": "Mister",
            "Mrs.": "Missus",
            "Ms.": "Miz",
            "Dr.": "Doctor",
            "Prof.": "Professor",
            "St.": "Saint",
            "Jr.": "Junior",
            "e. g.": "for example",
            "i. e.": "that is",
            "etc.": "et cetera",
            "vs.": "versus",
            "approx.": "approximately",
            "w/o": "without",
        }
    )
    unit_symbols = MappingProxyType({**Language.unit_symbols, "¢": "cent", "ct": "cent"})
    unit_names = MappingProxyType(
        {
            "cent": _CENT,
            "light-lumen": ("lumen", "lumens"),
            "energy-kilowatt-hour": ("kilowatt hour", "kilowatt hours"),
            "watt-hour": ("watt hour", "watt hours"),
            "megawatt-hour": ("megawatt hour", "megawatt hours"),
            "gigawatt-hour": ("gigawatt hour", "gigawatt hours"),
            "volt-ampere": ("volt-ampere", "volt-amperes"),
            "kilovolt-ampere": ("kilovolt-ampere", "kilovolt-amperes"),
            "var": ("volt-ampere reactive", "volt-amperes reactive"),
            "kilovar": ("kilovar", "kilovars"),
            "kilovolt": ("kilovolt", "kilovolts"),
            "millivolt": ("millivolt", "millivolts"),
            "electric-ampere": ("amp", "amps"),
            "electric-milliampere": ("milliamp", "milliamps"),
            "microsiemens": ("microsiemens",),
            "millisiemens": ("millisiemens",),
            "ampere-hour": ("amp hour", "amp hours"),
            "milliampere-hour": ("milliamp hour", "milliamp hours"),
            "pressure-pound-force-per-square-inch": ("pound per square inch", "pounds per square inch"),
            "per-billion": ("part per billion", "parts per billion"),
            "decibel": ("decibel", "decibels"),
            "decibel-milliwatt": ("decibel-milliwatt", "decibel-milliwatts"),
            "revolution-per-minute": ("revolution per minute", "revolutions per minute"),
            "kibibyte": ("kibibyte", "kibibytes"),
            "mebibyte": ("mebibyte", "mebibytes"),
            "gibibyte": ("gibibyte", "gibibytes"),
            "tebibyte": ("tebibyte", "tebibytes"),
        }
    )
    per_names = table(**{"hundred-kilometers": "{0} per hundred kilometers"})
    coins = MappingProxyType(
        {
            "EUR": Coin(("euro", "euros"), minor=_CENT),
            "$": Coin(("dollar", "dollars"), minor=_CENT),
            "USD": Coin(("US dollar", "US dollars"), minor=_CENT),
            "AUD": Coin(("Australian dollar", "Australian dollars"), minor=_CENT),
            "CAD": Coin(("Canadian dollar", "Canadian dollars"), minor=_CENT),
            "GBP": Coin(("pound", "pounds"), minor=_PENNY),
            "¥": Coin(("yen",)),
            "JPY": Coin(("yen",)),
            "CNY": Coin(("yuan",)),
            "KRW": Coin(("won",)),
            "RUB": Coin(("ruble", "rubles"), minor=("kopeck", "kopecks")),
            "INR": Coin(("rupee", "rupees"), minor=("paisa", "paise")),
            "CHF": Coin(("Swiss franc", "Swiss francs"), minor=("centime", "centimes")),
        }
    )
    coin_words = table(euros="EUR", dollars="$", pounds="GBP")
    ordinal_pattern = r"(?i:st|nd|rd|th)\b"
    date_patterns = (
        r"(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?(?: of)? (?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,
        r"(?P<month>{months})\b(?:\.(?= ?[0-9]))? (?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9:.]\w|[0-9])" + _YEAR,
    )
    date_start = r"\b{months}\b\.? [0-9]"
    clock_patterns = (
        CLOCK + r"(?:[ \u00a0\u202f]?(?P<half>[ap]\.m\.|[ap]m\b))?",
        r"(?P<hour>1[0-2]|0?[1-9])(?P<minute>)[ \u00a0\u202f]?(?P<half>[ap]\.m\.|[ap]m\b)",
    )
    year_pattern = r"(?P<year>(?:1[1-9]|20)[0-9]{2})(?:(?P<mark>s)\b|(?![0-9\w]|[.,:-][0-9]))"

    def __init__(self, locale: str) -> None:
        super().__init__(locale)
        self.is_american = locale in ("en", "en_US")

    @property
    def month_first(self) -> bool:
        return self.is_american

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        words = spoken(value, "en").replace(",", "")
        return words.replace(" and ", " ") if self.is_american else words

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        words = spoken(value, "en", "ordinal").replace(",", "")
        return words.replace(" and ", " ") if self.is_american else words

    def year(self, year: int, context: Context) -> str:
        words = spoken(year, "en", "year").replace("oh-", "oh ").replace(",", "")
        return words.replace(" and ", " ") if self.is_american else words

    def version_part(self, digits: str) -> str:
        is_year = len(digits) == 4 and digits.startswith("20")
        return self.year(int(digits), ALONE) if is_year else super().version_part(digits)

    def lone_year(self, year: int, mark: str, context: Context) -> str | None:
        if mark:
            return _decade(self.year(year, context)) if year % 10 == 0 else None
        return self.year(year, context) if context.before in _BEFORE_YEARS and not context.after else None

    def date(self, date: Date, context: Context) -> str:
        month = month_name(self.locale, date.month)
        year = f", {self.year(date.year, context)}" if date.year else ""
        day = self.ordinal(date.day, "", context) or ""
        if self.is_american and context.before != "the":
            return f"{month} {day}{year}"
        return f"{'' if context.before == 'the' else 'the '}{day} of {month}{year}"

    def clock(self, clock: Clock, context: Context) -> str:
        half = {"am": "AM", "pm": "PM"}.get(clock.half, "")
        return self.join(self._hour_and_minute(clock), half, self.seconds(clock))

    def _hour_and_minute(self, clock: Clock) -> str:
        hour = self.cardinal(clock.hour)
        if clock.minute:
            return self.join(hour, "oh" if clock.minute < 10 else "", self.cardinal(clock.minute))
        if clock.half:
            return hour
        return "midnight" if clock.hour in (0, 24) else self.join(hour, "o'clock")


def _decade(words: str) -> str:
    return words[:-1] + "ies" if words.endswith("y") else words + "s"
