"""Portuguese, of Brazil unless the tag names another country."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.romance import Romance
from koe.core.text.verbalise.languages.tables import coin, forms, table
from koe.core.text.verbalise.values import PLAIN, Clock, Context, Form
from koe.core.text.verbalise.words import spoken

_FEMININE = re.compile(
    r"\w+(?:as?|ção|ções|são|sões|dades?|gem|gens)|luz|luzes"
    r"|vez|vezes|noites?|partes?|tardes?|redes?"
)
_MASCULINE_IN_A = re.compile(
    r"(?:dia|programa|problema|sistema|mapa|clima|tema|grama|\w+grama)s?|para|até|da|na|das|nas|está|cada|uma|pela|agora"
)
_NOT_NOUNS = frozenset({"e", "a", "de", "em", "é", "são", "o", "por", "para", "com", "ao", "do", "às", "mas"})
_CENTAVO, _CENTIMO = "centavo|centavos", "cêntimo|cêntimos"
_YEAR = r"(?: (?:de )?(?P<year>[12][0-9]{3})(?![0-9]|[.,:/-][0-9]))?"


class Portuguese(Romance):
    num2words = "pt_BR"
    group_marks = " ."
    point, dot, to, over, and_, of = "vírgula", "ponto", "a", "sobre", "e", "de"
    cents_join = "e"
    duration_and = "e"
    fractions = MappingProxyType(
        {
            (1, 2): "meio",
            (1, 3): "um terço",
            (2, 3): "dois terços",
            (1, 4): "um quarto",
            (3, 4): "três quartos",
            (1, 5): "um quinto",
            (1, 8): "um oitavo",
            (1, 10): "um décimo",
        }
    )
    symbols = MappingProxyType(
        {"&": "e", "+": "mais", "=": "igual a", "@": "arroba", "%": "por cento", "°": "graus", "×": "vezes"}
        | {"÷": "dividido por", "€": "euros", "$": "dólares", "£": "libras"}
    )
    number_signs = MappingProxyType(
        {"#": "número", "№": "número", "+": "mais", "±": "mais ou menos", "~": "cerca de", "≈": "cerca de"}
        | {">": "mais de", "<": "menos de", "≥": "pelo menos", "≤": "no máximo", "§": "parágrafo"}
    )
    number_abbreviations = table(
        **{"n.º": "número", "N.º": "número", "nº": "número", "Nº": "número", "No.": "número", "pág.": "página"}
    )
    abbreviations = MappingProxyType(
        {
            "p. ex.": "por exemplo",
            "Sr.": "senhor",
            "Sra.": "senhora",
            "Dr.": "doutor",
            "Dra.": "doutora",
            "Prof.": "professor",
            "etc.": "et cetera",
            "aprox.": "aproximadamente",
            "Av.": "avenida",
            "tel.": "telefone",
            "máx.": "máximo",
            "mín.": "mínimo",
        }
    )
    unit_names = forms(
        {
            "speed-knot": "nó|nós",
            "pressure-bar": "bar|bars",
            "mass-tonne": "tonelada|toneladas",
            "watt-hour": "watt-hora|watts-hora",
            "megawatt-hour": "megawatt-hora|megawatts-hora",
            "gigawatt-hour": "gigawatt-hora|gigawatts-hora",
            "volt-ampere": "volt-ampere|volt-amperes",
            "kilovolt-ampere": "quilovolt-ampere|quilovolt-amperes",
            "var": "var|vars",
            "kilovar": "quilovar|quilovars",
            "kilovolt": "quilovolt|quilovolts",
            "millivolt": "milivolt|milivolts",
            "microsiemens": "microsiemens",
            "millisiemens": "milisiemens",
            "ampere-hour": "ampere-hora|amperes-hora",
            "milliampere-hour": "miliampere-hora|miliamperes-hora",
            "per-billion": "parte por bilhão|partes por bilhão",
            "decibel": "decibel|decibéis",
            "decibel-milliwatt": "decibel-miliwatt|decibéis-miliwatt",
            "revolution-per-minute": "rotação por minuto|rotações por minuto",
            "kibibyte": "kibibyte|kibibytes",
            "mebibyte": "mebibyte|mebibytes",
            "gibibyte": "gibibyte|gibibytes",
            "tebibyte": "tebibyte|tebibytes",
        }
    )
    feminine_units = frozenset(
        {"duration-hour", "speed-mile-per-hour", "length-mile", "length-inch", "pressure-inch-ofhg", "length-yard"}
        | {"mass-pound", "mass-ounce", "mass-tonne", "concentr-permillion", "per-billion"}
        | {"pressure-pound-force-per-square-inch", "energy-calorie", "energy-kilocalorie", "revolution-per-minute"}
    )
    per_names = table(**{"hundred-kilometers": "{0} por cem quilômetros"})
    coins = MappingProxyType(
        {
            "EUR": coin("euro|euros", minor=_CENTIMO),
            "BRL": coin("real|reais", minor=_CENTAVO),
            "$": coin("dólar|dólares", minor="centavo|centavos"),
            "USD": coin("dólar americano|dólares americanos", minor=_CENTAVO),
            "GBP": coin("libra|libras", "f", minor="pêni|pence"),
            "¥": coin("iene|ienes"),
            "JPY": coin("iene|ienes"),
            "CNY": coin("yuan|yuans"),
            "KRW": coin("won|wons"),
            "RUB": coin("rublo|rublos", minor="copeque|copeques"),
            "CHF": coin("franco suíço|francos suíços", minor=_CENTIMO),
        }
    )
    feminine_coins = frozenset({"SEK", "NOK", "DKK", "CZK", "INR", "TRY", "UAH"})
    coin_words = table(euros="EUR", reais="BRL", **{"dólares": "$"}, libras="GBP")
    ordinal_pattern = r"\.?(?P<mark>[ºªᵒᵃ])(?![CF])"
    date_patterns = (r"(?P<day>[0-3]?[0-9])(?:º|°)? de (?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,)
    clock_patterns = (
        r"(?P<hour>[01]?[0-9]|2[0-4]) ?h ?(?P<minute>[0-5][0-9])(?![0-9]| ?min)",
        CLOCK + r"(?: ?h\b)?",
    )

    def __init__(self, locale: str) -> None:
        super().__init__(locale)
        self._is_brazilian = locale in ("pt", "pt_BR")
        self._counting = "pt_BR" if self._is_brazilian else "pt"

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        words = spoken(value, self._counting).replace(",", "")
        if form.gender != "f":
            return words
        words = re.sub(r"\bum$", "uma", re.sub(r"\bdois$", "duas", words))
        return re.sub(r"entos\b(?! mil)", "entas", words)

    def is_feminine(self, noun: str) -> bool:
        return _FEMININE.fullmatch(noun) is not None and not _MASCULINE_IN_A.fullmatch(noun)

    def is_masculine(self, noun: str) -> bool:
        return noun not in _NOT_NOUNS

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        words = spoken(value, self._counting, "ordinal")
        return re.sub(r"o\b", "a", words) if mark in ("ª", "ᵃ") else words

    def first(self) -> str:
        return "primeiro" if self._is_brazilian else "um"

    def clock(self, clock: Clock, context: Context) -> str:
        if not clock.minute:
            return self.join(self.count(clock.hour, "duration-hour"), self.seconds(clock))
        hour = self.cardinal(clock.hour, Form("f")) if clock.hour else self.count(0, "duration-hour")
        return self.join(hour, self.and_, self.cardinal(clock.minute, Form("m")), self.seconds(clock))
