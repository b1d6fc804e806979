"""The names of months and days, from CLDR."""

from functools import lru_cache


@lru_cache(maxsize=256)
def month_name(locale: str, month: int, use: str = "format") -> str:
    """`use`: `format` beside a day (a genitive where the language has one), or `stand-alone`."""
    from babel import Locale

    return str(Locale.parse(locale).months[use]["wide"][month])


@lru_cache(maxsize=64)
def month_names(locale: str) -> dict[str, int]:
    """Every way to write a month, in lower case and without a final dot."""
    from babel import Locale

    months = Locale.parse(locale).months
    widths = [months[use][width] for use in ("format", "stand-alone") for width in ("wide", "abbreviated")]
    return {name.lower().rstrip("."): number for names in widths for number, name in names.items()}


@lru_cache(maxsize=256)
def calendar_names(locale: str) -> frozenset[str]:
    """Months and days of the week in lower case, in full and short."""
    from babel import Locale

    days = Locale.parse(locale).days["format"]
    named = {name.lower().rstrip(".") for width in ("wide", "abbreviated") for name in days[width].values()}
    return frozenset(named | set(month_names(locale)))
