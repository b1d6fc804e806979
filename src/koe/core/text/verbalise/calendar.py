"""Recognising dates and times of day."""

import re

from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.surroundings import context
from koe.core.text.verbalise.values import Clock, Date

_LONGEST_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def valid(date: Date) -> bool:
    return 1 <= date.month <= 12 and 0 <= date.day <= _LONGEST_MONTHS[date.month]


ISO_DATE = r"(?P<y>[12][0-9]{3})(?P<s>[-/])(?P<m>[01]?[0-9])(?P=s)(?P<d>[0-3]?[0-9])(?![0-9]|[-/.][0-9])(?:T(?=[0-9]))?"


def numeric_pattern(language: Language) -> str:
    """`21.11.2026`, in the order of the language."""
    marks = re.escape(language.date_marks)
    year = r"(?P<y>[0-9]{4}|(?<=[0-9]{2}.[0-9]{2}.)[0-9]{2})"
    return rf"(?P<a>[0-3]?[0-9])(?P<s>[{marks}])(?P<b>[0-3]?[0-9])(?P=s){year}(?![0-9]|[-/.][0-9])"


SHORT_DATE = r"(?P<a>[0-3][0-9])/(?P<b>[0-3][0-9])(?![0-9/])"


def speak_iso(match: re.Match[str], language: Language) -> str | None:
    return _speak(Date(int(match["d"]), int(match["m"]), int(match["y"])), match, language)


def speak_numeric(match: re.Match[str], language: Language) -> str | None:
    """Where the language's order gives no such day, the other order is tried."""
    year = _full_year(match["y"]) if "y" in match.re.groupindex else 0
    first, second = int(match["a"]), int(match["b"])
    orders = [Date(first, second, year), Date(second, first, year)]
    date = next(filter(valid, reversed(orders) if language.month_first else orders), None)
    return _speak(date, match, language) if date and date.day else None


def _full_year(written: str) -> int:
    return int(written) if len(written) == 4 else 2000 + int(written)


def speak_worded(match: re.Match[str], language: Language, months: dict[str, int]) -> str | None:
    named = match["month"].lower().rstrip(".")
    month = months[named] if named in months else int(re.sub("[^0-9]", "", named))
    day, year = match["day"], match["year"]
    return _speak(Date(int(day) if day else 0, month, int(year) if year else 0), match, language)


def _speak(date: Date, match: re.Match[str], language: Language) -> str | None:
    return language.date(date, context(match)) if valid(date) else None


def speak_clock(match: re.Match[str], language: Language) -> str | None:
    groups = match.groupdict()
    half = re.sub(r"[^apm]", "", (groups.get("half") or "").lower())
    clock = Clock(int(match["hour"]), int(groups["minute"] or 0), int(groups.get("second") or 0), half)
    return language.clock(clock, context(match))
