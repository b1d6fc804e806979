"""Italian."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.romance import Romance
from koe.core.text.verbalise.languages.tables import coin, forms, table
from koe.core.text.verbalise.values import PLAIN, Clock, Context, Form, Number, Unit
from koe.core.text.verbalise.words import spoken

_FEMININE = re.compile(
    r"\w+(?:a|zione|sione|tà|tù|ice)|luce|notte|parte|chiave|rete|volte?"
    r"|e?-?mail|app|auto|foto|radio"
)
_MASCULINE_IN_A = re.compile(
    r"programma|problema|sistema|tema|clima|o?ra?|alla"
    r"|la|una|era|da|fa|a|dalla|nella|della|sulla"
)
_NOT_NOUNS = frozenset(
    {"e", "a", "di", "in", "è", "sono", "o", "per", "con", "al", "del", "su", "da", "ma", "che", "ed", "il"}
)
_PREPOSITIONS = frozenset({"di", "a", "in", "per", "con", "su", "tra", "fra", "circa", "i", "le", "ogni"})
_CENT = "centesimo|centesimi"
_YEAR = r"(?: (?P<year>[12][0-9]{3})(?![0-9]|[.,:/-][0-9]))?"


class Italian(Romance):
    num2words = "it"
    group_marks = ".'’"
    minus, point, dot, to, over, and_ = "meno", "virgola", "punto", "a", "su", "e"
    cents_join = "e"
    duration_and = "e"
    fractions = MappingProxyType(
        {
            (1, 2): "un mezzo",
            (1, 3): "un terzo",
            (2, 3): "due terzi",
            (1, 4): "un quarto",
            (3, 4): "tre quarti",
            (1, 5): "un quinto",
            (1, 8): "un ottavo",
            (1, 10): "un decimo",
        }
    )
    mixed = MappingProxyType({(1, 2): "{0} e mezzo"})
    symbols = MappingProxyType(
        {"&": "e", "+": "più", "=": "uguale", "@": "chiocciola", "%": "percento", "°": "gradi", "×": "per"}
        | {"÷": "diviso", "€": "euro", "$": "dollari", "£": "sterline"}
    )
    number_signs = MappingProxyType(
        {"#": "numero", "№": "numero", "+": "più", "±": "più o meno", "~": "circa", "≈": "circa", "§": "paragrafo"}
        | {">": "più di", "<": "meno di", "≥": "almeno", "≤": "al massimo"}
    )
    closing = ("ecc.",)
    number_abbreviations = table(**{"n.": "numero", "N.": "numero", "n°": "numero", "nº": "numero", "pag.": "pagina"})
    abbreviations = MappingProxyType(
        {
            "p. es.": "per esempio",
            "ad es.": "ad esempio",
            "es.": "esempio",
            "ecc.": "eccetera",
            "Sig.": "signor",
            "Sig.ra": "signora",
            "Dott.": "dottor",
            "Dott.ssa": "dottoressa",
            "Prof.": "professor",
            "Ing.": "ingegner",
            "ca.": "circa",
            "tel.": "telefono",
            "max.": "massimo",
            "min.": "minimo",
        }
    )
    unit_names = forms(
        {
            "pressure-bar": "bar",
            "digital-byte": "byte",
            "watt-hour": "wattora",
            "megawatt-hour": "megawattora",
            "gigawatt-hour": "gigawattora",
            "volt-ampere": "voltampere",
            "kilovolt-ampere": "chilovoltampere",
            "var": "var",
            "kilovar": "chilovar",
            "kilovolt": "chilovolt",
            "millivolt": "millivolt",
            "microsiemens": "microsiemens",
            "millisiemens": "millisiemens",
            "ampere-hour": "amperora",
            "milliampere-hour": "milliamperora",
            "temperature-kelvin": "kelvin",
            "mass-tonne": "tonnellata|tonnellate",
            "per-billion": "parte per miliardo|parti per miliardo",
            "decibel": "decibel",
            "decibel-milliwatt": "decibel milliwatt",
            "revolution-per-minute": "giro al minuto|giri al minuto",
            "kibibyte": "kibibyte",
            "mebibyte": "mebibyte",
            "gibibyte": "gibibyte",
            "tebibyte": "tebibyte",
        }
    )
    unit_symbols = MappingProxyType({**Romance.unit_symbols, "ora": "duration-hour", "ore": "duration-hour"})
    feminine_units = frozenset(
        {"duration-hour", "mass-pound", "mass-ounce", "mass-tonne", "concentr-permillion", "per-billion"}
        | {"pressure-pound-force-per-square-inch", "energy-calorie", "energy-kilocalorie"}
    )
    per_names = table(**{"hundred-kilometers": "{0} ogni cento chilometri"})
    coins = MappingProxyType(
        {
            "EUR": coin("euro", minor=_CENT),
            "$": coin("dollaro|dollari", minor=_CENT),
            "USD": coin("dollaro statunitense|dollari statunitensi", minor=_CENT),
            "GBP": coin("sterlina|sterline", "f", minor="penny|pence"),
            "¥": coin("yen"),
            "JPY": coin("yen"),
            "CNY": coin("yuan"),
            "KRW": coin("won"),
            "RUB": coin("rublo|rubli", minor="copeco|copechi"),
            "CHF": coin("franco svizzero|franchi svizzeri", minor=_CENT),
        }
    )
    feminine_coins = frozenset({"SEK", "NOK", "DKK", "CZK", "INR", "TRY", "UAH"})
    coin_words = table(euro="EUR", dollari="$", sterline="GBP")
    ordinal_pattern = r"(?:(?P<mark>[ºªᵒᵃ])(?![CF])|°(?= [a-zà-ù]))"
    date_patterns = (
        r"(?P<day>[0-3]?[0-9])[º°]? (?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,
        r"(?<=dal )(?P<day>1)(?= al [0-3]?[0-9] (?P<month>{months})\b)(?P<year>)",
    )
    clock_patterns = (CLOCK, r"(?<=ore )(?P<hour>[01]?[0-9]|2[0-4])\.(?P<minute>[0-5][0-9])(?![0-9])")

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        words = re.sub(r"(milion[ei]|miliard[oi]) e ", r"\1 ", spoken(value, self.num2words))
        if value == 1 and form.gender:
            return "una" if form.gender == "f" else "un"
        return words

    def is_feminine(self, noun: str) -> bool:
        return _FEMININE.fullmatch(noun) is not None and not _MASCULINE_IN_A.fullmatch(noun)

    def is_masculine(self, noun: str) -> bool:
        return noun not in _NOT_NOUNS and not _MASCULINE_IN_A.fullmatch(noun)

    def measure(self, number: Number, words: str, unit: Unit, form: Form) -> str:
        return re.sub(r"\buna (?=[aeiou])", "un'", super().measure(number, words, unit, form))

    def price_per(self, name: str) -> str:
        """`al litro`, `all'ora`, `alla tonnellata`."""
        article = "{0} alla " if name in self.feminine_units else "{0} al "
        return re.sub(r"\balla? (?=[aeiou])|\ball’", "all'", re.sub(r"\{0\} (?:per|al) ", article, self.per(name)))

    def span(self, low: Number, high: Number, form: Form, context: Context) -> str:
        """`da cinque a sette`; behind another preposition the numbers just follow each other."""
        if context.before in _PREPOSITIONS:
            return f"{self.number(low, form)}-{self.number(high, form)}"
        start = "" if context.before.startswith("da") else "da"
        return self.join(start, super().span(low, high, form, context))

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        words = spoken(value, self.num2words, "ordinal")
        return words[:-1] + "a" if mark in ("ª", "ᵃ") else words

    def first(self) -> str:
        return "primo"

    def clock(self, clock: Clock, context: Context) -> str:
        hour = "una" if clock.hour == 1 else self.cardinal(clock.hour)
        minute = self.join(self.and_, self.cardinal(clock.minute)) if clock.minute else ""
        return self.join(hour, minute, self.seconds(clock))
