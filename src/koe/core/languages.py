"""Languages as BCP-47 tags: the ten that Qwen3-TTS speaks, and which tag fits which.

A tag is carried in canonical form everywhere: `de`, `de-DE`, `zh-Hans-CN`. `base` is its language alone.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

ENGLISH_NAMES = {
    "zh": "Chinese",
    "en": "English",
    "ja": "Japanese",
    "ko": "Korean",
    "de": "German",
    "fr": "French",
    "ru": "Russian",
    "pt": "Portuguese",
    "es": "Spanish",
    "it": "Italian",
}

LANGUAGES = tuple(ENGLISH_NAMES)

_HOME_REGIONS = {
    "zh": "CN",
    "en": "US",
    "ja": "JP",
    "ko": "KR",
    "de": "DE",
    "fr": "FR",
    "ru": "RU",
    "pt": "BR",
    "es": "ES",
    "it": "IT",
}

_OTHER_CODES = {
    **{
        "zho": "zh",
        "chi": "zh",
        "cmn": "zh",
        "eng": "en",
        "jpn": "ja",
        "kor": "ko",
        "deu": "de",
        "ger": "de",
    },
    **{"fra": "fr", "fre": "fr", "rus": "ru", "por": "pt", "spa": "es", "ita": "it"},
}

_TAG = re.compile(
    r"""(?P<language>[a-z]{2,3}) (?:-(?P<extended>[a-z]{3}))?
        (?:-(?P<script>[a-z]{4}))? (?:-(?P<region>[a-z]{2}|\d{3}))? (?:-[a-z\d]{1,8})*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

_MAX_TAG = 100
"""Characters: what comes from clients is remembered below."""


@lru_cache(maxsize=256)
def canonical(tag: str) -> str:
    """`language[-Script][-REGION]` of a BCP-47 tag or a POSIX locale; variants and extensions are dropped.

    `de_DE.UTF-8` -> `de-DE`, `zh-cmn-Hans` -> `zh-Hans`, `deu` -> `de`. ValueError where it is neither.
    """
    plain = re.split("[.@]", tag.strip(), maxsplit=1)[0].replace("_", "-") if len(tag) <= _MAX_TAG else ""
    match = _TAG.fullmatch(plain)
    if match is None:
        raise ValueError(f"{tag[:_MAX_TAG]!r} is no language tag; write it like 'de' or 'de-DE'")
    language = (match["extended"] or match["language"]).lower()
    script = match["script"] or ""
    region = match["region"] or ""
    return "-".join(filter(None, [_OTHER_CODES.get(language, language), script.title(), region.upper()]))


def base(tag: str) -> str:
    """The language of a tag without script and region: `pt-BR` -> `pt`. ValueError as `canonical`."""
    return canonical(tag).partition("-")[0]


def spoken_by_all(first: str) -> tuple[str, ...]:
    """The languages of a voice that speaks all ten, in their home regions but for the one that it speaks best."""
    own = canonical(first)
    others = (f"{language}-{region}" for language, region in _HOME_REGIONS.items() if language != base(own))
    return (at_home(own), *others)


def at_home(tag: str) -> str:
    """With its likely region, where it has none: `de` -> `de-DE`."""
    tag = canonical(tag)
    return f"{tag}-{_HOME_REGIONS[tag]}" if tag in _HOME_REGIONS else tag


def matches(wanted: str, offered: str) -> bool:
    """Whether both are the same language; region and script only decide who fits best."""
    return base(wanted) == base(offered)


def best_match(wanted: str, offered: Iterable[str]) -> str | None:
    """The offered tag that fits best, as it was offered; None where none is of the wanted language.

    Exactly the wanted one, else the one without a region, else the language's home region (`pt` -> `pt-BR`),
    else the first.
    """
    fitting = [tag for tag in offered if matches(wanted, tag)]
    return min(fitting, key=lambda tag: _distance(canonical(wanted), canonical(tag)), default=None)


def _distance(wanted: str, offered: str) -> int:
    language = base(offered)
    return [
        offered == wanted,
        _script(wanted) == _script(offered) and offered == language,
        # Exactly: en-Shaw-US is English in letters of its own.
        _script(wanted) == _script(offered) and offered == f"{language}-{_HOME_REGIONS.get(language, '')}",
        _script(wanted) == _script(offered),
        True,
    ].index(True)


def _script(tag: str) -> str:
    """Which Chinese script a tag implies; everywhere else one script serves all."""
    return "Hant" if re.search("^zh-(?:Hant|TW|HK|MO)", tag) else ""
