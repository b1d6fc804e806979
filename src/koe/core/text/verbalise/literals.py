"""Numbers as they are written: with a sign, thousands and a fraction."""

import re

from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.values import Number

_THIN_SPACES = "\u00a0\u202f\u2009"
_MINUS = "-−"

# The hyphen of "COVID-19" is none of ours; letters of scripts without spaces may touch a minus.
STANDS_FREE = "(?<![A-Za-z0-9À-ɏЀ-ӿ.,)])"
SIGN = rf"(?:{STANDS_FREE}[{_MINUS}][ ]?)?"


def pattern(language: Language) -> str:
    """A number without its sign and without a group of its own. Possessive: linear whatever follows.

    Thousands are only read as such in whole groups of three, so that 21.5 is a decimal in every language:
    sensors write a dot whatever the language of the house is.
    """
    marks = re.escape(language.group_marks) + _THIN_SPACES
    grouped = rf"[1-9][0-9]{{0,2}}(?:[{marks}][0-9]{{3}})++(?![0-9])"
    return rf"(?:{grouped}(?:{re.escape(language.decimal_mark)}[0-9]++)?|[0-9]++(?:[.,][0-9]++)?)"


def read(written: str, language: Language) -> Number:
    """What `SIGN` + `pattern` matched."""
    body = written.lstrip(_MINUS + " ")
    whole, fraction = _split(body, language)
    return Number(whole, fraction, negative=len(body) < len(written))


def _split(body: str, language: Language) -> tuple[str, str]:
    marks = language.group_marks + _THIN_SPACES
    head, mark, tail = body.partition(language.decimal_mark)
    grouped = re.fullmatch(rf"[1-9][0-9]{{0,2}}(?:[{re.escape(marks)}][0-9]{{3}})++", head)
    if grouped:
        return re.sub("[^0-9]", "", head), tail
    if mark:
        return head, tail
    whole, _, fraction = re.sub("[.,]", ".", body).partition(".")
    return whole, fraction
