"""What is read piece by piece: telephone numbers, addresses, signs, abbreviations."""

import re
from collections.abc import Iterable

from koe.core.text.verbalise.languages.base import Language

PHONE = (
    r"\+[0-9]{1,4}+(?:[ ./-]?\(?[0-9]{1,12}\)?){1,8}+(?![0-9])"
    r"|\(?0[0-9]{1,4}\)?(?:[ /-][0-9]{2,8}){1,6}+(?![0-9:%°/-]|[.,][0-9])"
    r"|[0-9]++(?:-[0-9]++){2,}"
    r"|[0-9]{3}-[0-9]{4}(?![0-9-])"
)
DOTTED = r"[0-9]++(?:\.[0-9]++){2,}"
_VERSION = "|".join(f"(?<={word} )" for word in ("ersion", "ersión", "ersione", "ersão", "ерсия", "ерсии"))
VERSION = rf"(?:{_VERSION})[0-9]++\.[0-9]++(?![.,]?[0-9])"
_ENDS_NUMBER = r"(?:(?<=[0-9CF%€℃])|(?<=[0-9]h)|(?<=[0-9][AaPp][Mm])|(?<=[0-9] [AaPp][Mm])|(?<=[0-9]\.)(?! ))"
_DASHES = "[-–−~〜～]"
_HOUR_OR_DAY = "[時时分日月年点點号시분일월]"
DASH = (
    rf"{_ENDS_NUMBER}[ ]?{_DASHES}[ ]?(?=[0-9])"
    # Only between two of a kind: what follows an hour may be below zero.
    rf"|(?<=[0-9]{_HOUR_OR_DAY})[ ]?{_DASHES}[ ]?(?=[0-9]{{1,4}}{_HOUR_OR_DAY})"
)
OPERATOR = r"(?<=[0-9])(?: [*×÷+=] |[*×÷+=])(?=[0-9])"


def speak_phone(match: re.Match[str], language: Language) -> str | None:
    groups = re.findall("[0-9]+", match[0])
    spoken = language.pause.join(language.phone_group(group) for group in groups)
    return language.join(language.number_signs["+"], spoken) if match[0].startswith("+") else spoken


def speak_dotted(match: re.Match[str], language: Language) -> str | None:
    """None where the dots are the language's thousands: 1.234.567."""
    parts = match[0].split(".")
    is_address = len(parts) == 4 and all(len(part) <= 3 and int(part) < 256 for part in parts)
    if language.group_marks.startswith(".") and not is_address and _are_thousands(parts):
        return None
    return language.join(*_between(map(language.version_part, parts), language.dot))


def _are_thousands(parts: list[str]) -> bool:
    return len(parts[0]) <= 3 and not parts[0].startswith("0") and all(len(part) == 3 for part in parts[1:])


def _between(parts: Iterable[str], separator: str) -> list[str]:
    return [word for part in parts for word in (separator, part)][1:]


def speak_dash(match: re.Match[str], language: Language) -> str | None:
    return language.minus if "−" in match[0] else language.to


def speak_operator(match: re.Match[str], language: Language) -> str | None:
    return language.symbols[match[0].strip().replace("*", "×")]


def number_sign_pattern(language: Language) -> str:
    signs = "|".join(map(re.escape, language.number_signs))
    words = "|".join(sorted(map(re.escape, language.number_abbreviations), key=len, reverse=True))
    return rf"(?P<sign>{signs}|\b(?:{words or '(?!)'}))[ \u00a0]?(?=[0-9])"


def speak_number_sign(match: re.Match[str], language: Language) -> str | None:
    sign = match["sign"]
    return (language.number_signs.get(sign) or language.number_abbreviations[sign]) + language.gap


def symbol_pattern(language: Language) -> str:
    return "[" + "".join(map(re.escape, language.symbols)) + "]"


def speak_symbol(match: re.Match[str], language: Language) -> str | None:
    return language.symbols[match[0]]


def abbreviation_pattern(language: Language) -> str:
    words = sorted(map(re.escape, language.abbreviations), key=len, reverse=True)
    spaced = "|".join(word.replace(r"\ ", "[ \u00a0]?") for word in words)
    return rf"\b(?P<short>{spaced or '(?!)'})(?!\w)"


def speak_abbreviation(match: re.Match[str], language: Language) -> str | None:
    return language.abbreviations[re.sub(r"\.(?=\w)", ". ", match["short"].replace("\u00a0", " "))]
