"""German."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages import de_words
from koe.core.text.verbalise.languages.base import CLOCK, Language
from koe.core.text.verbalise.languages.tables import coin, forms, table
from koe.core.text.verbalise.months import month_name
from koe.core.text.verbalise.values import PLAIN, Clock, Context, Date, Form, Gender, Number, Unit
from koe.core.text.verbalise.words import spoken

_CENT = "Cent"
_YEAR = r"(?: (?P<year>[12][0-9]{3})(?![0-9]|[.,:/-][0-9]))?"

# "bis zum 5.12." keeps the dot that ends the sentence.
_DAY_AND_MONTH = r"(?P<day>[0-3]?[0-9])\. ?(?P<month>1[0-2]|0?[1-9])(?:\.(?! {0,3}$)|(?=\.))(?![0-9]|\.[0-9])(?P<year>)"


class German(Language):
    num2words = "de"
    group_marks = ".'’"
    date_marks = "./-"
    point, dot, to, over, and_ = "Komma", "Punkt", "bis", "durch", "und"
    cents_named = False
    scales = ("Tausend", "Millionen", "Million", "Milliarden", "Milliarde")
    duration_and = "und"
    fractions = MappingProxyType(
        {
            (1, 2): "ein halb",
            (1, 3): "ein Drittel",
            (2, 3): "zwei Drittel",
            (1, 4): "ein Viertel",
            (3, 4): "drei Viertel",
            (1, 5): "ein Fünftel",
            (1, 8): "ein Achtel",
            (1, 10): "ein Zehntel",
            (24, 7): "vierundzwanzig sieben",
        }
    )
    mixed = MappingProxyType({(1, 2): "{0}einhalb", (1, 4): "{0}einviertel", (3, 4): "{0}dreiviertel"})
    symbols = MappingProxyType(
        {"&": "und", "+": "plus", "=": "gleich", "@": "at", "%": "Prozent", "°": "Grad", "×": "mal", "÷": "durch"}
        | {"€": "Euro", "$": "Dollar", "£": "Pfund"}
    )
    number_signs = MappingProxyType(
        {"#": "Nummer", "№": "Nummer", "+": "plus", "±": "plus minus", "~": "etwa", "≈": "etwa", "§": "Paragraf"}
        | {">": "über", "<": "unter", "≥": "mindestens", "≤": "höchstens"}
    )
    number_abbreviations = MappingProxyType(
        {**de_words.WEEKDAYS, "Nr.": "Nummer", "No.": "Nummer", "S.": "Seite", "Kap.": "Kapitel"}
    )
    abbreviations = MappingProxyType(
        {
            "z. B.": "zum Beispiel",
            "d. h.": "das heißt",
            "u. a.": "unter anderem",
            "z. T.": "zum Teil",
            "i. d. R.": "in der Regel",
            "usw.": "und so weiter",
            "bzw.": "beziehungsweise",
            "ca.": "circa",
            "evtl.": "eventuell",
            "ggf.": "gegebenenfalls",
            "inkl.": "inklusive",
            "zzgl.": "zuzüglich",
            "Dr.": "Doktor",
            "Prof.": "Professor",
            "Hr.": "Herr",
            "Fr.": "Frau",
            "St.": "Sankt",
            "Str.": "Straße",
            "Tel.": "Telefon",
            "Mio.": "Millionen",
            "Mrd.": "Milliarden",
            "max.": "maximal",
            "mind.": "mindestens",
        }
    )
    unit_symbols = MappingProxyType({**Language.unit_symbols, "Std.": "duration-hour", "Min.": "duration-minute"})
    unit_symbols = MappingProxyType({**unit_symbols, "Sek.": "duration-second", "ct": "cent", "Ct": "cent"})
    unit_names = forms(
        {
            "cent": "Cent",
            "watt-hour": "Wattstunde|Wattstunden",
            "megawatt-hour": "Megawattstunde|Megawattstunden",
            "gigawatt-hour": "Gigawattstunde|Gigawattstunden",
            "volt-ampere": "Voltampere",
            "kilovolt-ampere": "Kilovoltampere",
            "var": "Var",
            "kilovar": "Kilovar",
            "kilovolt": "Kilovolt",
            "millivolt": "Millivolt",
            "microsiemens": "Mikrosiemens",
            "millisiemens": "Millisiemens",
            "ampere-hour": "Amperestunde|Amperestunden",
            "milliampere-hour": "Milliamperestunde|Milliamperestunden",
            "concentr-permillion": "Teil pro Million|Teile pro Million",
            "per-billion": "Teil pro Milliarde|Teile pro Milliarde",
            "decibel": "Dezibel",
            "decibel-milliwatt": "Dezibel Milliwatt",
            "revolution-per-minute": "Umdrehung pro Minute|Umdrehungen pro Minute",
            "kibibyte": "Kibibyte",
            "mebibyte": "Mebibyte",
            "gibibyte": "Gibibyte",
            "tebibyte": "Tebibyte",
        }
    )
    feminine_units = frozenset(
        {"duration-hour", "duration-minute", "duration-second", "duration-millisecond", "duration-microsecond"}
        | {"energy-kilowatt-hour", "watt-hour", "megawatt-hour", "gigawatt-hour", "ampere-hour", "speed-mile-per-hour"}
        | {"milliampere-hour", "length-mile", "mass-ounce", "volume-gallon", "mass-tonne", "energy-calorie"}
        | {"energy-kilocalorie", "revolution-per-minute"}
    )
    per_names = table(**{"hundred-kilometers": "{0} auf hundert Kilometer"})
    coins = MappingProxyType(
        {
            "EUR": coin("Euro", minor=_CENT),
            "$": coin("Dollar", minor=_CENT),
            "USD": coin("US-Dollar", minor=_CENT),
            "GBP": coin("Pfund", "n", minor="Penny|Pence"),
            "¥": coin("Yen"),
            "JPY": coin("Yen"),
            "CNY": coin("Yuan"),
            "KRW": coin("Won"),
            "RUB": coin("Rubel", minor="Kopeke|Kopeken", minor_gender="f"),
            "CHF": coin("Franken", minor="Rappen"),
            "SEK": coin("schwedische Krone|schwedische Kronen", "f"),
            "NOK": coin("norwegische Krone|norwegische Kronen", "f"),
            "DKK": coin("dänische Krone|dänische Kronen", "f"),
            "CZK": coin("tschechische Krone|tschechische Kronen", "f"),
            "PLN": coin("Złoty"),
        }
    )
    coin_words = table(**{"euro": "EUR", "franken": "CHF", "fr.": "CHF", "dollar": "$"})
    closing = ("usw.", "std.", "min.", "sek.", *(f"{digit}." for digit in range(10)))
    ordinal_pattern = r"(?:\.(?= ?[-–] ?[0-9]{1,3}\. [A-ZÄÖÜ])|(?P<mark>\.)(?= [A-Za-zÄÖÜäöü]|[ \n]{0,3}\Z))"
    date_patterns = (
        r"(?P<day>[0-3]?[0-9])\. ?(?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,
        r"(?<=am |ab |im |um )" + _DAY_AND_MONTH,
        r"(?<=der |den |dem |vom |zum |bis )" + _DAY_AND_MONTH,
        r"(?:(?<=, )|(?<=[MDFS][oiras]\. ))" + _DAY_AND_MONTH,
    )
    clock_patterns = (
        CLOCK + r"(?: Uhr\b)?",
        r"(?P<hour>[01]?[0-9]|2[0-4])\.(?P<minute>[0-5][0-9]) Uhr\b",
        r"(?P<hour>[01]?[0-9]|2[0-4])(?P<minute>) ?Uhr\b",
    )
    year_pattern = r"(?P<year>1[1-9][0-9]{2}(?!0))(?![0-9]|[.,:/][0-9]| ?[°%€$£])"

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        words = spoken(value, self.num2words)
        if form.gender == "" or not words.endswith("eins"):
            return words
        return words[:-1] if form.gender != "f" and form.case == "n" else words[:-1] + _EIN_ENDINGS.get(form, "")

    def noun_form(self, number: Number, context: Context) -> Form:
        noun = context.after
        adjective = de_words.ADJECTIVE.fullmatch(noun)
        if adjective and number == Number("1"):
            inflected = de_words.ADJECTIVE_FORMS[adjective["ending"]]
            return Form("f", "d") if context.before in de_words.DATIVE else inflected
        if not noun[:1].isupper() or number.whole != "1" or noun in ("Uhr", "Prozent"):
            return Form("n") if noun == "Prozent" else PLAIN
        return Form(de_words.noun_gender(noun), de_words.case_after(context.before))

    def unit_form(self, unit: Unit, context: Context) -> Form:
        return Form(super().unit_form(unit, context).gender, "d" if context.before in de_words.DATIVE else "n")

    def coin_form(self, gender: Gender, context: Context) -> Form:
        return Form(gender, de_words.case_after(context.before))

    def measure(self, number: Number, words: str, unit: Unit, form: Form) -> str:
        measured = super().measure(number, words, unit, form)
        if form.case != "d" or self.plural(number) == "one":
            return measured
        numerator, per, denominator = measured.partition(" pro ")
        return re.sub(r"((?:Tag|Teil|Monat|Jahr)e|(?:[Mm]et|[Ll]it)er)$", r"\1n", numerator) + per + denominator

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        """Only beside an article or a noun that may be numbered: `in 3. Dann` ends a sentence."""
        if not mark or context.before in de_words.DETERMINERS or context.after in de_words.ORDINAL_NOUNS:
            return self.inflected(value, context)
        if context.before not in de_words.DATIVE or context.after in ("", *de_words.OPENERS):
            return None
        return spoken(value, self.num2words, "ordinal") + ("r" if de_words.noun_gender(context.after) == "f" else "m")

    def ends_sentence(self, written: str, following: str) -> bool:
        """Nouns have capitals as well."""
        opens = following in de_words.OPENERS or written.endswith("usw.")
        return opens and super().ends_sentence(written, following)

    def inflected(self, value: int, context: Context) -> str:
        stem = spoken(value, self.num2words, "ordinal")
        if context.before in de_words.WEAK_ARTICLES:
            return stem
        return stem + ("n" if context.before in de_words.OBLIQUE else "r")

    def year(self, year: int, context: Context) -> str:
        return spoken(year, self.num2words, "year")

    def lone_year(self, year: int, mark: str, context: Context) -> str | None:
        return self.year(year, context) if context.before in _BEFORE_YEARS else None

    def date(self, date: Date, context: Context) -> str:
        day = self.inflected(date.day, context)
        year = self.year(date.year, context) if date.year else ""
        return self.join(day, month_name(self.locale, date.month), year)

    def clock(self, clock: Clock, context: Context) -> str:
        hour = "ein" if clock.hour == 1 else self.cardinal(clock.hour)
        minute = self.cardinal(clock.minute) if clock.minute else ""
        return self.join(hour, "Uhr", minute, self.seconds(clock))


_BEFORE_YEARS = frozenset({"jahr", "jahre", "jahres", "seit", "von", "bis", "nach", "vor", "ab", "sommer", "winter"})
_EIN_ENDINGS = {
    **{Form("f"): "e", Form("f", "a"): "e", Form("f", "d"): "er"},
    **{Form("m", "a"): "en", Form("m", "d"): "em", Form("n", "d"): "em"},
}
