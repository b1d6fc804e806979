"""Numbers, alone or with a unit, a currency or an ordinal's mark."""

import re
import unicodedata

from koe.core.text.verbalise import literals, money, units
from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.surroundings import context
from koe.core.text.verbalise.values import Number

DURATION = r"(?P<hours>[0-9]{1,3}+) ?h ?(?P<minutes>[0-9]{1,2}+) ?min(?![A-Za-z])"
VULGAR = "[½⅓⅔¼¾⅕⅛]"
FRACTION = (
    r"(?:(?P<whole>[0-9]{1,3}+)(?: |(?=[^0-9/])))?"
    rf"(?:(?P<over>[0-9]{{1,3}}+)[/⁄](?P<under>[0-9]{{1,3}}+)(?![/0-9])|(?P<vulgar>{VULGAR}))"
)
COIN_END = r"(?![A-Za-zÀ-ɏЀ-ӿ])"


def span_pattern(number: str) -> str:
    """A number, or two of them with a dash between; a third dash means that it is a code."""
    high = rf"(?:[ ]?[-–~〜～][ ]?(?P<high>[-−]?{number})(?![-–][0-9]|[:/]))?"
    return f"(?P<low>{literals.SIGN}{number}){high}"


def coin_pattern() -> str:
    """A symbol or a code."""
    symbols = "|".join(sorted(map(re.escape, money.SYMBOLS), key=len, reverse=True))
    return rf"{symbols}|(?<![A-Za-z])(?:{'|'.join(sorted(money.CODES))})"


def scale_pattern(language: Language) -> str:
    words = "|".join(map(re.escape, language.scales))
    return rf"(?:[ \u00a0](?P<scale>{words})\b)?" if words else ""


def speak_money(match: re.Match[str], language: Language) -> str | None:
    low, high = _ends(match, language)
    groups = match.groupdict()
    currency = language.coin_words.get(match["coin"].lower(), match["coin"])
    if groups.get("scale"):
        return money.scaled(language, low, groups["scale"], currency)
    if match.start("coin") < match.start("low") and match[0].startswith(("-", "−")):
        low = low._replace(negative=True)
    return money.amount(language, low, high, currency, _per(match, language), context(match))


def speak_measure(match: re.Match[str], language: Language) -> str | None:
    around, symbol = context(match), match["unit"]
    if symbol in units.WEAK and match["gap"] and _goes_on(match, around.after):
        return None
    low, high = _ends(match, language)
    low, high = low.rounded(), high and high.rounded()
    if symbol == "K" and not match["gap"] and len(low.whole) == 1:
        return None  # a screen of 4K, not four kelvins
    unit = units.unit(language.unit_symbols, symbol, _per(match, language))
    form = language.unit_form(unit, around)
    words = language.span(low, high, form, around) if high else language.number(low, form)
    return language.measure(high or low, words, unit, form)


def speak_number(match: re.Match[str], language: Language) -> str | None:
    low, high = _ends(match, language)
    around = context(match)
    form = language.noun_form(high or low, around)
    return language.span(low, high, form, around) if high else language.number(low, form)


def speak_ordinal(match: re.Match[str], language: Language) -> str | None:
    return language.ordinal(int(match["number"]), match.groupdict().get("mark") or "", context(match))


def speak_year(match: re.Match[str], language: Language) -> str | None:
    return language.lone_year(int(match["year"]), match.groupdict().get("mark") or "", context(match))


def speak_fraction(match: re.Match[str], language: Language) -> str | None:
    written = unicodedata.normalize("NFKC", match["vulgar"]) if match["vulgar"] else None
    over, under = map(int, written.split("⁄") if written else (match["over"], match["under"]))
    whole = match["whole"]
    words = language.mixed_number(int(whole), over, under) if whole else language.fraction_of(over, under)
    if not match["unit"]:
        return words
    # Any number between the whole ones has the plural form of a fraction.
    unit, number = units.unit(language.unit_symbols, match["unit"], _per(match, language)), Number(whole or "0", "5")
    return language.measure(number, words, unit, language.unit_form(unit, context(match)))


def speak_duration(match: re.Match[str], language: Language) -> str | None:
    around = context(match)
    hours = language.count(int(match["hours"]), "duration-hour", around)
    minutes = language.count(int(match["minutes"]), "duration-minute", around)
    return language.join(hours, language.duration_and, minutes)


def _per(match: re.Match[str], language: Language) -> str:
    """The name of the unit after the slash, if there is one."""
    return language.per_symbols[match["per"]] if match["per"] else ""


def _goes_on(match: re.Match[str], word: str) -> bool:
    """Whether a word or a number follows, which a unit isn't likely to have behind it."""
    return word not in ("", "of") or match.string[match.end() : match.end() + 2].strip()[:1].isdigit()


def _ends(match: re.Match[str], language: Language) -> tuple[Number, Number | None]:
    high = match["high"]
    return literals.read(match["low"], language), literals.read(high, language) if high else None
