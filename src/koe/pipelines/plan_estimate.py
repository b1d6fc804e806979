"""How long a text will be when it is spoken: a guess for people who wait, before anything is."""

from koe.core.languages import base
from koe.core.text.detect import script_language

_PACES = {
    "zh": 4.2,
    "en": 17.0,
    "ja": 7.0,
    "ko": 6.4,
    "de": 17.8,
    "fr": 20.9,
    "ru": 16.9,
    "pt": 16.8,
    "es": 17.3,
    "it": 17.3,
}
"""Characters a second, white space among them: of espeak-ng at its usual speed, for the sentences of koe.core.samples
(the Japanese ones given to it in kana, as it can't read kanji). A test measures them anew."""

SOURCE = "measured with espeak-ng on two sentences in each language; other voices are slower or faster"


def pace(text: str, language: str | None) -> float:
    """Characters a second, as by its script where nobody knows the language."""
    known = base(language) if language else None if text.isascii() else script_language(text[:1000])
    return _PACES.get(known or "en", _PACES["en"])


def seconds(text: str, language: str | None = None, speed: float | None = None) -> float:
    return len(text) / pace(text, language) / (speed or 1.0)
