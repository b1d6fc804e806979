"""SSML's `say-as`: the text is what somebody says it is."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from koe.core.text.verbalise import calendar
from koe.core.text.verbalise.languages.base import CLOCK, Language
from koe.core.text.verbalise.values import ALONE, PLAIN, Clock, Date

_FIGURES = re.compile("[0-9]+")

_Reading = Callable[[str, Language, str], str | None]
"""None where the text isn't what it is said to be."""


def read_as(text: str, interpret_as: str, language: Language, format: str) -> str | None:
    """The reading; None where the kind is unknown or the text isn't of that kind."""
    reading = _READINGS.get(interpret_as.strip().lower())
    return reading(text.strip(), language, format) if reading else None


def _cardinal(text: str, language: Language, format: str) -> str | None:
    digits = re.fullmatch(r"([-−+]?)([0-9]+)", text)
    if not digits:
        return None
    words = language.whole(digits[2].lstrip("0") or "0", PLAIN)
    return language.join(language.minus, words) if digits[1] in ("-", "−") and digits[1] else words


def _ordinal(text: str, language: Language, format: str) -> str | None:
    digits = re.match("[0-9]{1,9}(?![0-9])", text)
    return language.ordinal(int(digits[0]), "", ALONE) if digits else None


def _digits(text: str, language: Language, format: str) -> str | None:
    """Figures one by one; what stands between them is a short pause."""
    groups = _FIGURES.findall(text)
    return language.pause.join(map(language.digits, groups)) if groups else None


def _characters(text: str, language: Language, format: str) -> str | None:
    """Letters stay letters, with a pause after each; figures and signs are named."""
    return language.pause.join(_character(character, language) for character in text if not character.isspace())


def _character(character: str, language: Language) -> str:
    if character in "0123456789":
        return language.digits(character)
    return {".": language.dot, **language.symbols}.get(character, character)


def _date(text: str, language: Language, format: str) -> str | None:
    figures = [int(figure) for figure in _FIGURES.findall(text)[:3] if len(figure) <= 4]
    order = format.lower() or _default_order(text, language, len(figures))
    if len(order) != len(figures) or set(order) - set("dmy"):
        return None
    named = dict(zip(order, figures, strict=True))
    date = Date(named.get("d", 0), named.get("m", 0), named.get("y", 0))
    if not date.month and not date.day:
        return language.year(date.year, ALONE) if date.year else None
    return language.date(date, ALONE) if calendar.valid(date) and date.day else None


def _default_order(text: str, language: Language, figures: int) -> str:
    if figures == 1:
        return "y"
    order = "md" if language.month_first else "dm"
    if figures == 2:
        return order
    return "ymd" if re.match("[0-9]{4}", text) else order + "y"


def _time(text: str, language: Language, format: str) -> str | None:
    match = re.fullmatch(CLOCK + r"(?:\s?(?P<half>[aApP])\.?[mM]\.?)?", text)
    if not match:
        return None
    half = {"a": "am", "p": "pm"}.get((match["half"] or "").lower(), "")
    return language.clock(Clock(int(match["hour"]), int(match["minute"]), int(match["second"] or 0), half), ALONE)


_READINGS: Mapping[str, _Reading] = MappingProxyType(
    {
        "cardinal": _cardinal,
        "number": _cardinal,
        "ordinal": _ordinal,
        "digits": _digits,
        "telephone": _digits,
        "characters": _characters,
        "spell-out": _characters,
        "date": _date,
        "time": _time,
    }
)
"""`unit` and `currency` need no more than what `verbalise` sees by itself."""
