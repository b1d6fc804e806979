"""Number words from num2words, which is imported at the first number: it loads every language it knows."""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=8192)
def spoken(value: int, language: str, to: str = "cardinal", case: str = "", gender: str = "") -> str:
    """The words of a number, in num2words' name for the language; `case` and `gender` only for Russian."""
    from num2words import num2words

    options: dict[str, Any] = {"case": case, "gender": gender} if case else {}
    if case == "a":
        options["animate"] = False
    return str(num2words(value, lang=language, to=to, **options))
