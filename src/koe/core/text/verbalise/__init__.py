"""Figures, units, dates, sums and signs put in words, as somebody who speaks the language would read them."""

from koe.core.text.verbalise.languages import babel_locale, find
from koe.core.text.verbalise.say_as import read_as
from koe.core.text.verbalise.scan import rewrite
from koe.core.text.verbalise.values import PLAIN

__all__ = ["number_words", "say_as", "verbalise", "warm"]

_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")


def verbalise(text: str, language: str) -> str:
    """The text with everything that isn't words spoken out; everything else stays as it is.

    `language` is a BCP-47 tag. Of languages beyond Koe's ten only units and currencies are put in words: the
    digits are left to the engine. In an unknown language nothing is. Never raises; linear in the text.
    """
    spoken = find(language)
    if spoken is not None:
        return rewrite(text if text.isascii() else text.translate(_WIDE_DIGITS), spoken)
    # Its tables are compiled at import, and most houses never need them.
    from koe.core.text.verbalise.foreign import rewrite_units

    locale = babel_locale(language)
    return rewrite_units(text, locale) if locale else text


def say_as(text: str, interpret_as: str, language: str, format: str = "") -> str:
    """The text as SSML's `say-as` wants it read; what isn't of that kind is read by `verbalise`.

    `interpret_as`: cardinal or number, ordinal, digits or telephone, characters or spell-out, date, time, unit,
    currency. `format` orders the figures of a date: `dmy`, `mdy`, `ymd`, `md`, `dm`, `y`. Never raises.
    """
    spoken = find(language)
    words = read_as(text, interpret_as, spoken, format) if spoken else None
    return verbalise(text, language) if words is None else words


def number_words(value: int, language: str) -> str:
    """A whole number that counts nothing; in digits where Koe doesn't know the language."""
    spoken = find(language)
    if spoken is None:
        return str(value)
    words = spoken.whole(str(abs(value)), PLAIN)
    return spoken.join(spoken.minus, words) if value < 0 else words


def warm(language: str) -> None:
    """Load what the language needs, so that its first sentence doesn't wait for it."""
    verbalise("1, 2.5 °C, 3 €, 5 km/h", language)
