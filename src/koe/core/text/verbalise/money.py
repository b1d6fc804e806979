"""Sums of money."""

from collections.abc import Mapping
from functools import lru_cache

from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.values import ALONE, Coin, Context, Form, Number

SYMBOLS: Mapping[str, str] = {
    "€": "EUR", "$": "$", "US$": "USD", "R$": "BRL", "A$": "AUD", "C$": "CAD", "£": "GBP", "¥": "¥", "￥": "¥",
    "₩": "KRW", "₽": "RUB", "₹": "INR", "₴": "UAH", "₺": "TRY", "zł": "PLN", "Kč": "CZK",
}  # fmt: skip

CODES = frozenset(
    {
        *("EUR", "USD", "GBP", "JPY", "CNY", "KRW", "RUB", "CHF", "SEK", "NOK", "DKK", "ISK", "PLN", "CZK", "HUF"),
        *("RON", "UAH", "TRY", "BRL", "INR", "AUD", "CAD", "NZD", "MXN", "ARS", "CLP", "COP", "ILS", "HKD", "SGD"),
        *("THB", "ZAR", "TWD"),
    }
)


def code(symbol: str) -> str:
    """The currency behind a symbol: an ISO code, or `$` and `¥`, which a language gives to its own."""
    return SYMBOLS.get(symbol, symbol)


def amount(language: Language, low: Number, high: Number | None, symbol: str, per: str, context: Context) -> str:
    """A sum, or two ends of a range, in the language's words; `per` is a unit or ""."""
    coin = _coin(language, code(symbol))
    form = language.coin_form(coin.gender, context)
    words = _sum(language, low, coin, form) if high is None else _range(language, low, high, coin, form, context)
    return language.price_per(per).replace("{0}", words) if per else words


def scaled(language: Language, number: Number, scale: str, symbol: str) -> str:
    """`$1.5 million`."""
    coin = _coin(language, code(symbol))
    category = "many" if "many" in language.plurals else "other"
    return language.join(
        language.number(number), language.abbreviations.get(scale, scale), language.pick(coin.forms, category)
    )


def _sum(language: Language, number: Number, coin: Coin, form: Form) -> str:
    number = number.rounded()
    if not coin.minor:
        return _coins(language, number._replace(fraction=number.fraction.rstrip("0")), coin, form)
    if not number.fraction or len(number.fraction) > 2:
        return _coins(language, number, coin, form)
    cents = Number(number.fraction.ljust(2, "0").lstrip("0"))
    minor = language.pick(coin.minor, language.plural(cents, form))
    spoken = language.number(cents, language.coin_form(coin.minor_gender, ALONE))
    if not number.whole.strip("0"):
        return language.join(language.minus if number.negative else "", spoken, minor)
    whole = _coins(language, number._replace(fraction=""), coin, form)
    if not language.cents_named:
        return language.join(whole, language.cents_join, language.number(cents))
    return language.join(whole, language.cents_join, spoken, minor)


def _coins(language: Language, number: Number, coin: Coin, form: Form) -> str:
    return language.join(language.number(number, form), language.pick(coin.forms, language.plural(number, form)))


def _range(language: Language, low: Number, high: Number, coin: Coin, form: Form, context: Context) -> str:
    span = language.span(low.rounded(), high.rounded(), form, context)
    return language.join(span, language.pick(coin.forms, language.plural(high.rounded(), form)))


def _coin(language: Language, currency: str) -> Coin:
    return language.coins.get(currency) or _cldr_coin(language, currency)


@lru_cache(maxsize=512)
def _cldr_coin(language: Language, currency: str) -> Coin:
    from babel.numbers import get_currency_name

    counts = {"one": 1, "few": 2, "many": 5, "other": 1.5}
    names = (get_currency_name(currency, count=counts[each], locale=language.locale) for each in language.plurals)
    return Coin(tuple(names), "f" if currency in language.feminine_coins else "m")
