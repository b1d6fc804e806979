"""Words whose full stop ends no sentence."""

import re

_ALWAYS = {
    "en": "mr mrs ms dr prof st mt ft gen sen rep gov rev hon capt lt col sgt vs approx dept e i cf viz",
    "de": """dr prof hr fr hrn st bzw bspw evtl ggf inkl exkl ca vgl z d u o i s a h b m usf sog geb gest gegr
             mio mrd tsd std sek tel str mind zzgl abzgl allg bes bzgl dt eigtl einschl entspr jr sr zt""",
    "fr": "m mm mme mlle mmes dr pr st ste env ex cf c-à-d av boul bd tél hab",
    "es": "sr sra srta sres dr dra d dña prof ud uds vd av avda aprox ej tel dpto gral lic ing",
    "it": "sig sigg sigra dott prof avv ing arch geom egr gent ecc tel",
    "pt": "sr sra srta dr dra prof profa eng av aprox ex tel exmo exma cel gen",
    "ru": "г гг т д с ул пр просп пер пл стр кв обл р руб коп тыс млн млрд им напр см ср акад проф доц мин сек ч",
}

_BEFORE_NUMBERS = {
    "en": "no nos p pp fig figs vol ch sec art jan feb mar apr jun jul aug sep sept oct nov dec",
    "de": "mo di mi do sa nr max min art abs abb bd kap s jan feb mär apr jun jul aug sep sept okt nov dez",
    "fr": "no p pp fig vol chap art janv févr avr juil sept oct nov déc",
    "es": "n núm p pp pág págs fig vol cap art",
    "it": "n p pp pag fig vol cap art",
    "pt": "n p pp pág págs fig vol cap art",
    "ru": "рис табл гл п",
}

_AT_ENDS = {
    "en": "a.m p.m etc",
    "de": "usw etc",
    "fr": "etc",
    "es": "a a.m p.m etc",
    "it": "ecc",
    "pt": "etc",
    "ru": "др",
}
"""What may end a sentence or not: only the next word tells."""


def _table(words: dict[str, str]) -> dict[str, frozenset[str]]:
    sets = {language: frozenset(line.split()) for language, line in words.items()}
    return {**sets, "": frozenset().union(*sets.values())}


_ALWAYS_BY_LANGUAGE = _table(_ALWAYS)
_BEFORE_NUMBERS_BY_LANGUAGE = _table(_BEFORE_NUMBERS)
_AT_ENDS_BY_LANGUAGE = _table(_AT_ENDS)

_INNER_STOPS = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_OPENERS = "\"'([{«»„“‚‘¿¡"

_ROMAN = re.compile("[IVX]{1,4}")
_LONE_WORDS = {
    **{"en": "aio", "fr": "aàyô", "es": "aeoyu", "it": "aeèoi", "pt": "aàeéoó", "ru": "аивкосуя"},
    "": "aàyeéèoóiuаивкосуя",
}
"""Words of one letter: a full stop after them ends a sentence ("il y en a.")."""


def is_abbreviation(word: str, following: str, language: str | None) -> bool:
    """Whether the full stop behind `word` belongs to it.

    `word` has no white space and no stop at its end; `following` is the first character after the stop and
    white space; without a language (or in an unknown one) all languages' abbreviations count.
    """
    word = word.lstrip(_OPENERS)
    known = _known(language)
    if word.isdigit() or _ROMAN.fullmatch(word):
        return known == "de" and len(word) <= 4 and word.lstrip("0") != ""
    if len(word) == 1:
        return _is_initial(word, known)
    if _INNER_STOPS.fullmatch(word):
        return word.lower() not in ("a.m", "p.m")
    word = word.lower()
    return word in _ALWAYS_BY_LANGUAGE[known] or (following.isdigit() and word in _BEFORE_NUMBERS_BY_LANGUAGE[known])


def may_abbreviate(word: str, language: str | None) -> bool:
    """Whether the full stop at the end of `word` may belong to it: a number could follow, the most doubtful case."""
    if not word.endswith("."):
        return False
    at_end = word[:-1].lstrip(_OPENERS).lower() in _AT_ENDS_BY_LANGUAGE[_known(language)]
    return at_end or is_abbreviation(word[:-1], "0", language)


def _known(language: str | None) -> str:
    code = language.partition("-")[0] if language else ""
    return code if code in _ALWAYS else ""


def _is_initial(letter: str, language: str) -> bool:
    if not letter.isalpha() or not (letter.islower() or letter.isupper()):
        return False
    if language == "en" and letter == "I":
        return False
    return letter not in _LONE_WORDS.get(language, "") or letter in _ALWAYS_BY_LANGUAGE[language]
