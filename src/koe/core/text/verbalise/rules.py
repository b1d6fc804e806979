"""The expressions of a language: a pattern for each, and who puts it in words."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from koe.core.text.verbalise import calendar, codes, literals, quantities, units
from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.months import month_names

Speak = Callable[[re.Match[str], Language], str | None]
"""The words for a match; None where a closer look says that it is something else."""


class Rule(NamedTuple):
    pattern: re.Pattern[str]
    speak: Speak


class Rules(NamedTuple):
    trigger: re.Pattern[str]
    """Finds where an expression may begin; a text without any is left alone."""

    rules: tuple[Rule, ...]
    """Tried in this order where the trigger matched: what says more comes first."""


def compile_rules(language: Language) -> Rules:
    pairs = [*_calendar(language), *_codes(), *_amounts(language), *_signs(language)]
    return Rules(_trigger(language), tuple(Rule(re.compile(pattern), speak) for pattern, speak in pairs))


def _calendar(language: Language) -> Iterator[tuple[str, Speak]]:
    months = month_names(language.locale)
    names = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    yield calendar.ISO_DATE, calendar.speak_iso
    for pattern in language.date_patterns:
        worded = pattern.replace("{months}", f"(?:{names})")
        yield f"(?i:{worded})", partial(calendar.speak_worded, months=months)
    yield calendar.numeric_pattern(language), calendar.speak_numeric
    yield calendar.SHORT_DATE, calendar.speak_numeric
    for pattern in language.clock_patterns:
        yield f"(?i:{pattern})", calendar.speak_clock


def _codes() -> Iterator[tuple[str, Speak]]:
    yield codes.PHONE, codes.speak_phone
    yield codes.DOTTED, codes.speak_dotted
    yield codes.VERSION, codes.speak_dotted
    yield codes.DASH, codes.speak_dash


def _amounts(language: Language) -> Iterator[tuple[str, Speak]]:
    number = literals.pattern(language)
    span = quantities.span_pattern(number)
    coin = quantities.coin_pattern()
    written_out = "|".join(sorted(map(re.escape, language.coin_words), key=len, reverse=True))
    after = f"{coin}|(?i:{written_out})" if written_out else coin
    per = f"(?:{units.per_pattern(language.per_symbols)})?"
    unit = units.pattern(language.unit_symbols, language.per_symbols)
    scale = quantities.scale_pattern(language)
    yield f"(?:{literals.STANDS_FREE}[-−])?(?P<coin>{coin})[ \u00a0]?{span}{scale}{per}", quantities.speak_money
    yield f"{span}{scale}[ \u00a0]?(?P<coin>{after}){quantities.COIN_END}{per}", quantities.speak_money
    yield f"(?P<number>[0-9]{{1,4}}+){language.ordinal_pattern}", quantities.speak_ordinal
    yield f"(?i:{language.year_pattern})", quantities.speak_year
    yield quantities.DURATION, quantities.speak_duration
    yield span + unit, quantities.speak_measure
    yield f"{quantities.FRACTION}(?:{unit})?", quantities.speak_fraction
    yield span, quantities.speak_number


def _signs(language: Language) -> Iterator[tuple[str, Speak]]:
    yield codes.OPERATOR, codes.speak_operator
    yield codes.number_sign_pattern(language), codes.speak_number_sign
    yield codes.symbol_pattern(language), codes.speak_symbol
    yield codes.abbreviation_pattern(language), codes.speak_abbreviation


def _trigger(language: Language) -> re.Pattern[str]:
    months = "|".join(map(re.escape, month_names(language.locale)))
    alternatives = [
        rf"(?:{literals.STANDS_FREE}[-−][ ]?)?[0-9]",
        rf"(?:{literals.STANDS_FREE}[-−])?(?:{quantities.coin_pattern()})[ \u00a0]?[0-9]",
        quantities.VULGAR,
        codes.DASH,
        codes.OPERATOR,
        codes.number_sign_pattern(language),
        codes.symbol_pattern(language),
        codes.abbreviation_pattern(language),
        f"(?i:{language.date_start.replace('{months}', f'(?:{months})')})",
    ]
    return re.compile("|".join(re.sub(r"\(\?P<\w+>", "(?:", each) for each in alternatives))
