"""Spanish."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.romance import Romance
from koe.core.text.verbalise.languages.tables import coin, forms, table
from koe.core.text.verbalise.values import PLAIN, Clock, Context, Form
from koe.core.text.verbalise.words import spoken

_FEMININE = re.compile(
    r"\w+(?:as?|ción|ciones|sión|siones|dad|dades)|luz"
    r"|luces|veces|vez|noches?|llaves?|partes?|tardes?"
)
_MASCULINE_IN_A = re.compile(
    r"(?:día|programa|problema|sistema|mapa|clima|idioma|tema)s?|para|hasta|a|la|las|ahora|está|esta|era|cada|una|ya"
)
_NOT_NOUNS = frozenset(
    {"y", "a", "de", "en", "es", "son", "o", "por", "para", "con", "al", "del", "hasta", "está", "están", "pero", "que"}
)
_CENTIMO, _CENTAVO = "céntimo|céntimos", "centavo|centavos"
_YEAR = r"(?:(?: de|,)? (?P<year>[12][0-9]{3})(?![0-9]|[.,:/-][0-9]))?"
_SPAIN = frozenset({"es", "es_ES"})


class Spanish(Romance):
    num2words = "es"
    group_marks = " ."
    point, dot, to, over, and_, of = "coma", "punto", "a", "sobre", "y", "de"
    cents_join = "con"
    duration_and = "y"
    fractions = MappingProxyType(
        {
            (1, 2): "un medio",
            (1, 3): "un tercio",
            (2, 3): "dos tercios",
            (1, 4): "un cuarto",
            (3, 4): "tres cuartos",
            (1, 5): "un quinto",
            (1, 8): "un octavo",
            (1, 10): "un décimo",
        }
    )
    mixed = MappingProxyType({(1, 2): "{0} y medio"})
    symbols = MappingProxyType(
        {"&": "y", "+": "más", "=": "igual a", "@": "arroba", "%": "por ciento", "°": "grados", "×": "por"}
        | {"÷": "entre", "€": "euros", "$": "dólares", "£": "libras"}
    )
    number_signs = MappingProxyType(
        {"#": "número", "№": "número", "+": "más", "±": "más menos", "~": "unos", "≈": "unos", ">": "más de"}
        | {"<": "menos de", "≥": "al menos", "≤": "como máximo", "§": "párrafo"}
    )
    closing = ("etc.", "a. m.", "p. m.", "a.m.", "p.m.", "ee. uu.")
    number_abbreviations = table(
        **{"n.º": "número", "N.º": "número", "nº": "número", "Nº": "número", "núm.": "número", "No.": "número"}
        | {"pág.": "página"}
    )
    abbreviations = MappingProxyType(
        {
            "p. ej.": "por ejemplo",
            "Sr.": "señor",
            "Sra.": "señora",
            "Srta.": "señorita",
            "Dr.": "doctor",
            "Dra.": "doctora",
            "Ud.": "usted",
            "Uds.": "ustedes",
            "etc.": "etcétera",
            "aprox.": "aproximadamente",
            "Avda.": "avenida",
            "tel.": "teléfono",
            "máx.": "máximo",
            "mín.": "mínimo",
            "EE. UU.": "Estados Unidos",
        }
    )
    unit_names = forms(
        {
            "watt-hour": "vatio hora|vatios hora",
            "megawatt-hour": "megavatio hora|megavatios hora",
            "gigawatt-hour": "gigavatio hora|gigavatios hora",
            "volt-ampere": "voltiamperio|voltiamperios",
            "kilovolt-ampere": "kilovoltiamperio|kilovoltiamperios",
            "var": "voltiamperio reactivo|voltiamperios reactivos",
            "kilovar": "kilovar|kilovares",
            "kilovolt": "kilovoltio|kilovoltios",
            "millivolt": "milivoltio|milivoltios",
            "microsiemens": "microsiemens",
            "millisiemens": "milisiemens",
            "ampere-hour": "amperio hora|amperios hora",
            "milliampere-hour": "miliamperio hora|miliamperios hora",
            "light-lux": "lux",
            "per-billion": "parte por mil millones|partes por mil millones",
            "decibel": "decibelio|decibelios",
            "decibel-milliwatt": "decibelio milivatio|decibelios milivatio",
            "revolution-per-minute": "revolución por minuto|revoluciones por minuto",
            "kibibyte": "kibibyte|kibibytes",
            "mebibyte": "mebibyte|mebibytes",
            "gibibyte": "gibibyte|gibibytes",
            "tebibyte": "tebibyte|tebibytes",
        }
    )
    feminine_units = frozenset(
        {"duration-hour", "speed-mile-per-hour", "length-mile", "length-inch", "pressure-inch-ofhg", "length-yard"}
        | {"mass-pound", "mass-ounce", "mass-tonne", "concentr-permillion", "per-billion", "area-hectare"}
        | {"pressure-pound-force-per-square-inch", "energy-calorie", "energy-kilocalorie", "revolution-per-minute"}
    )
    per_names = table(**{"hundred-kilometers": "{0} cada cien kilómetros"})
    coins = MappingProxyType(
        {
            "EUR": coin("euro|euros", minor=_CENTIMO),
            "$": coin("dólar|dólares", minor=_CENTAVO),
            "USD": coin("dólar estadounidense|dólares estadounidenses", minor=_CENTAVO),
            "MXN": coin("peso mexicano|pesos mexicanos", minor=_CENTAVO),
            "GBP": coin("libra|libras", "f", minor="penique|peniques"),
            "¥": coin("yen|yenes"),
            "JPY": coin("yen|yenes"),
            "CNY": coin("yuan|yuanes"),
            "KRW": coin("won|wones"),
            "RUB": coin("rublo|rublos", minor="kópek|kópeks"),
            "CHF": coin("franco suizo|francos suizos", minor=_CENTIMO),
        }
    )
    feminine_coins = frozenset({"SEK", "NOK", "DKK", "CZK", "INR", "TRY", "UAH"})
    coin_words = table(euros="EUR", **{"dólares": "$"}, libras="GBP")
    ordinal_pattern = r"\.?(?P<mark>[ºªᵒᵃ]|er\b|ro\b|ra\b|do\b|da\b|to\b|ta\b)(?![CF])"
    date_patterns = (r"(?P<day>[0-3]?[0-9])(?:º|°)? de (?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,)
    clock_patterns = (
        CLOCK + r"(?: ?(?P<half>[ap]\. ?m\.|[ap]m\b)| ?(?:h\b|horas\b))?",
        r"(?P<hour>1[0-2]|0?[1-9])(?P<minute>) ?(?P<half>[ap]\. ?m\.|[ap]m\b)",
    )

    def __init__(self, locale: str) -> None:
        super().__init__(locale)
        self._is_of_spain = locale in _SPAIN

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        # num2words keeps the full "uno" before mil and millones, where it is cut short.
        words = re.sub(r"veintiuno(?= m)", "veintiún", spoken(value, self.num2words))
        words = re.sub(r"uno(?= m)", "un", words)
        if form.gender == "f":
            return re.sub(r"uno$", "una", re.sub(r"(ient|quinient)os\b(?! mill)", r"\1as", words))
        if form.gender == "m":
            return re.sub(r"\buno$", "un", re.sub(r"veintiuno$", "veintiún", words))
        return words

    def is_feminine(self, noun: str) -> bool:
        return _FEMININE.fullmatch(noun) is not None and not _MASCULINE_IN_A.fullmatch(noun)

    def is_masculine(self, noun: str) -> bool:
        return noun not in _NOT_NOUNS

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        words = spoken(value, self.num2words, "ordinal").replace("décimoprimero", "undécimo")
        if mark in ("ª", "ᵃ", "ra", "da", "ta"):
            return re.sub(r"o\b", "a", words)
        return re.sub(r"(primer|tercer)o$", r"\1", words) if mark == "er" or context.after else words

    def first(self) -> str:
        return "uno" if self._is_of_spain else "primero"

    def clock(self, clock: Clock, context: Context) -> str:
        half = {"am": "de la mañana", "pm": "de la tarde"}.get(clock.half, "")
        return self.join(self._hour(clock), self._minute(clock), half, self.seconds(clock))

    def _hour(self, clock: Clock) -> str:
        if clock.hour == 0 or (clock.hour > 12 and not clock.minute):
            return self.count(clock.hour, "duration-hour")
        return self.cardinal(clock.hour, Form("f"))

    def _minute(self, clock: Clock) -> str:
        if not clock.minute:
            return ""
        named = {15: "cuarto", 30: "media"}.get(clock.minute) if 1 <= clock.hour <= 12 else None
        if clock.hour > 12:
            return self.whole(f"{clock.minute:02}", PLAIN)
        return self.join(self.and_, named or self.cardinal(clock.minute))
