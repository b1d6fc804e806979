"""espeak-ng's voices as Koe's: ids that stay, and BCP-47 tags that Home Assistant can match."""

from babel.core import get_global

from koe.core.voice import Voice
from koe.engine.espeak.library import EspeakVoice

_CODES = {"cmn": "zh", "piqd": "tlh"}
"""espeak-ng's codes that are no language subtags, and the one that everybody else calls Chinese."""

_COUNTRIES = {"ca-ba": "ES", "ca-nw": "ES", "ca-va": "ES", "ru-cl": "RU", "zh": "CN", "fa-latn": "IR"}
"""Where the code names a dialect that looks like a region, or the region can't be looked up."""


def to_voice(found: EspeakVoice) -> Voice:
    """The id comes from the identifier, the one name that is unique."""
    id_ = "espeak-" + found.identifier.rsplit("/", 1)[-1].lower()
    return Voice(id=id_, name=f"eSpeak {found.name}", languages=(tag(found.language),), engine="espeak")


def tag(code: str) -> str:
    """BCP-47 tag with a region, without variants: `de` -> `de-DE`, `en-gb-x-rp` -> `en-GB`.

    Home Assistant groups voices by the exact tag, so the dialects of one region share theirs.
    """
    language, *rest = code.split("-")
    language = _CODES.get(language, language)
    script = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), None)
    region = _COUNTRIES.get(code) or _region(rest) or _COUNTRIES.get(language) or _likely_region(language)
    return "-".join(part for part in (language, script, region) if part)


def _region(subtags: list[str]) -> str | None:
    for part in subtags:
        if part == "x":
            return None
        if (len(part) == 2 and part.isalpha()) or (len(part) == 3 and part.isdigit()):
            return part.upper()
    return None


def _likely_region(language: str) -> str | None:
    likely: str = get_global("likely_subtags").get(language, "")
    region = likely.rsplit("_", 1)[-1]
    return region if len(region) in (2, 3) and region.isupper() and region != "001" else None
