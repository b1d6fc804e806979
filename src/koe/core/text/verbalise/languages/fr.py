"""French; Belgium and Switzerland count in their own tens."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.romance import Romance
from koe.core.text.verbalise.languages.tables import coin, forms, table
from koe.core.text.verbalise.values import PLAIN, Clock, Context, Form
from koe.core.text.verbalise.words import spoken

_FEMININE_NOUNS = re.compile(
    "(?:heure|minute|seconde|semaine|journée|année|nuit|fois|lampe|lumière|ampoule|porte|fenêtre|pièce|chambre|prise"
    "|personne|caméra|alarme|alerte|machine|tâche|voiture|batterie|pompe|page|ligne|piste|chaîne|tonne|livre|page"
    "|\\w+(?:tion|sion|ette|ure|ance|ence|té))s?"
)
_NOT_NOUNS = frozenset({"et", "à", "de", "est", "sont", "ou", "pour", "sur", "dans", "en", "mais", "puis", "au", "par"})
_ORDINAL_FEMININE = frozenset({"re", "ère"})
_CENT = "centime|centimes"
_YEAR = r"(?: (?P<year>[12][0-9]{3})(?![0-9]|[.,:/-][0-9]))?"


class French(Romance):
    group_marks = " .'’"
    minus, point, dot, to, over, and_ = "moins", "virgule", "point", "à", "sur", "et"
    cents_named = False
    num2words = "fr"
    duration_and = "et"
    fractions = MappingProxyType(
        {
            (1, 2): "un demi",
            (1, 3): "un tiers",
            (2, 3): "deux tiers",
            (1, 4): "un quart",
            (3, 4): "trois quarts",
            (1, 5): "un cinquième",
            (1, 8): "un huitième",
            (1, 10): "un dixième",
        }
    )
    mixed = MappingProxyType({(1, 2): "{0} et demi", (1, 4): "{0} un quart", (3, 4): "{0} trois quarts"})
    symbols = MappingProxyType(
        {"&": "et", "+": "plus", "=": "égale", "@": "arobase", "%": "pour cent", "°": "degrés", "×": "fois"}
        | {"÷": "divisé par", "€": "euros", "$": "dollars", "£": "livres"}
    )
    number_signs = MappingProxyType(
        {"#": "numéro", "№": "numéro", "+": "plus", "±": "plus ou moins", "~": "environ", "≈": "environ"}
        | {">": "plus de", "<": "moins de", "≥": "au moins", "≤": "au plus", "§": "paragraphe"}
    )
    number_abbreviations = table(**{"n°": "numéro", "N°": "numéro", "nº": "numéro", "No.": "numéro", "p.": "page"})
    abbreviations = MappingProxyType(
        {
            "M.": "monsieur",
            "Mme": "madame",
            "Mlle": "mademoiselle",
            "MM.": "messieurs",
            "Dr": "docteur",
            "Dr.": "docteur",
            "Pr.": "professeur",
            "St.": "saint",
            "Ste": "sainte",
            "p. ex.": "par exemple",
            "c.-à-d.": "c'est-à-dire",
            "etc.": "et cetera",
            "env.": "environ",
            "av.": "avenue",
            "bd.": "boulevard",
            "tél.": "téléphone",
            "max.": "maximum",
            "min.": "minimum",
        }
    )
    unit_names = forms(
        {
            "cent": "centime|centimes",
            "pressure-bar": "bar|bars",
            "watt-hour": "watt-heure|watt-heures",
            "megawatt-hour": "mégawatt-heure|mégawatt-heures",
            "gigawatt-hour": "gigawatt-heure|gigawatt-heures",
            "speed-kilometer-per-hour": "kilomètre-heure|kilomètres-heure",
            "volt-ampere": "voltampère|voltampères",
            "kilovolt-ampere": "kilovoltampère|kilovoltampères",
            "var": "var|vars",
            "kilovar": "kilovar|kilovars",
            "kilovolt": "kilovolt|kilovolts",
            "millivolt": "millivolt|millivolts",
            "microsiemens": "microsiemens",
            "millisiemens": "millisiemens",
            "ampere-hour": "ampère-heure|ampère-heures",
            "milliampere-hour": "milliampère-heure|milliampère-heures",
            "concentr-permillion": "partie par million|parties par million",
            "per-billion": "partie par milliard|parties par milliard",
            "decibel": "décibel|décibels",
            "decibel-milliwatt": "décibel-milliwatt|décibels-milliwatts",
            "revolution-per-minute": "tour par minute|tours par minute",
            "kibibyte": "kibioctet|kibioctets",
            "mebibyte": "mébioctet|mébioctets",
            "gibibyte": "gibioctet|gibioctets",
            "tebibyte": "tébioctet|tébioctets",
        }
    )
    feminine_units = frozenset(
        {"duration-hour", "duration-minute", "duration-second", "duration-millisecond", "duration-microsecond"}
        | {"mass-pound", "mass-ounce", "mass-tonne", "concentr-permillion", "per-billion", "duration-week"}
        | {"pressure-pound-force-per-square-inch", "energy-calorie", "energy-kilocalorie"}
    )
    unit_symbols = MappingProxyType(
        {**Romance.unit_symbols, "Go": "digital-gigabyte", "Mo": "digital-megabyte", "ko": "digital-kilobyte"}
        | {"To": "digital-terabyte", "j": "duration-day", "c€": "cent", "cts": "cent"}
    )
    per_names = table(**{"hundred-kilometers": "{0} aux cent kilomètres"})
    coins = MappingProxyType(
        {
            "EUR": coin("euro|euros", minor=_CENT),
            "$": coin("dollar|dollars", minor="cent|cents"),
            "USD": coin("dollar américain|dollars américains", minor="cent|cents"),
            "CAD": coin("dollar canadien|dollars canadiens", minor="cent|cents"),
            "GBP": coin("livre|livres", "f", minor="penny|pence"),
            "¥": coin("yen|yens"),
            "JPY": coin("yen|yens"),
            "CNY": coin("yuan|yuans"),
            "KRW": coin("won|wons"),
            "RUB": coin("rouble|roubles", minor="kopeck|kopecks"),
            "CHF": coin("franc|francs", minor=_CENT),
        }
    )
    feminine_coins = frozenset({"SEK", "NOK", "DKK", "CZK", "INR", "TRY"})
    coin_words = table(euros="EUR", euro="EUR", francs="CHF", dollars="$")
    ordinal_pattern = r"(?P<mark>ère|ères|ers?|re|res|èmes?|ième|nde?|e)\b"
    date_patterns = (r"(?P<day>[0-3]?[0-9])(?:er)? (?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,)
    clock_patterns = (
        r"(?P<hour>[01]?[0-9]|2[0-4]) ?h ?(?P<minute>[0-5][0-9])(?![0-9]| ?min)(?P<second>)",
        CLOCK + r"(?: h\b)?",
    )

    def __init__(self, locale: str) -> None:
        super().__init__(locale)
        self._counting = locale if locale in ("fr_BE", "fr_CH") else "fr"

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        words = spoken(value, self._counting)
        return words + "e" if form.gender == "f" and re.search(r"\bun$", words) else words

    def is_feminine(self, noun: str) -> bool:
        return _FEMININE_NOUNS.fullmatch(noun) is not None

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        if value == 1:
            return "première" if mark.rstrip("s") in _ORDINAL_FEMININE else "premier"
        if mark in ("nd", "nde"):
            return "second" + mark[2:]
        return spoken(value, self._counting, "ordinal")

    def phone_group(self, digits: str) -> str:
        """Numbers are told in pairs: `zéro un, vingt-trois, quarante-cinq`."""
        return self.whole(digits, PLAIN) if len(digits) == 2 else self.digits(digits)

    def first(self) -> str:
        return "premier"

    def clock(self, clock: Clock, context: Context) -> str:
        hours = self.count(clock.hour, "duration-hour")
        minutes = self.cardinal(clock.minute, Form("f")) if clock.minute else ""
        return self.join(hours, minutes, self.seconds(clock))
