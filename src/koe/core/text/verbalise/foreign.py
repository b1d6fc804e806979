"""Languages whose grammar Koe doesn't know: CLDR names their units and currencies, engines read the digits."""

import re
from functools import lru_cache

from koe.core.text.verbalise import money, units

# A search that fails on a long number must not start again inside of it.
_NUMBER = r"(?<![0-9.,])(?P<number>[0-9]++(?:[.,][0-9]++|[\u00a0\u202f][0-9]{3}(?![0-9]))*+)"
_COINS = "|".join(sorted(map(re.escape, {*money.SYMBOLS, *money.CODES} - {"$", "¥", "￥"}), key=len, reverse=True))
_UNIT = re.compile(_NUMBER + units.pattern(units.SYMBOLS, units.SYMBOLS))
_COIN_AFTER = re.compile(rf"{_NUMBER}[ \u00a0]?(?P<coin>{_COINS})(?![A-Za-z])")
_COIN_BEFORE = re.compile(rf"(?<![A-Za-z])(?P<coin>{_COINS})[ \u00a0]?{_NUMBER}")


def rewrite_units(text: str, locale: str) -> str:
    """Units and currencies in words, the digits as they were."""
    for pattern in (_COIN_BEFORE, _COIN_AFTER):
        text = pattern.sub(lambda match: _sum(match, locale), text)
    return _UNIT.sub(lambda match: _measure(match, locale), text)


def _measure(match: re.Match[str], locale: str) -> str:
    if match["unit"] in units.WEAK:
        return match[0]
    unit = units.unit(units.SYMBOLS, match["unit"], units.SYMBOLS.get(match["per"], ""))
    named = units.cldr_name(locale, unit.name, _category(match["number"], locale))
    per = units.cldr_per(locale, unit.per) if unit.per else "{0}"
    return per.replace("{0}", named).replace("{0}", match["number"]) if named and per else match[0]


def _sum(match: re.Match[str], locale: str) -> str:
    number = match["number"]
    return f"{number} {_coin_name(money.code(match['coin']), _category(number, locale), locale)}"


@lru_cache(maxsize=512)
def _coin_name(currency: str, category: str, locale: str) -> str:
    from babel.numbers import get_currency_name

    return get_currency_name(currency, count=units.sample(locale, category), locale=locale)


def _category(number: str, locale: str) -> str:
    """Whatever the mark is, one with one or two figures behind it is taken for a decimal."""
    fraction = re.search(r"[.,]([0-9]{1,2})$", number)
    whole = re.sub("[^0-9]", "", number[: fraction.start()] if fraction else number)[-9:]
    return units.plural_category(locale, f"{whole}.{fraction[1]}" if fraction else whole)
