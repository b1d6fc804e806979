"""The languages that Koe puts in words by itself."""

from functools import lru_cache
from importlib import import_module
from types import MappingProxyType

from koe.core.text.verbalise.languages.base import Language

_CLASSES = MappingProxyType(
    {
        "de": "German",
        "en": "English",
        "es": "Spanish",
        "fr": "French",
        "it": "Italian",
        "ja": "Japanese",
        "ko": "Korean",
        "pt": "Portuguese",
        "ru": "Russian",
        "zh": "Chinese",
    }
)


@lru_cache(maxsize=128)
def find(tag: str) -> Language | None:
    """The language of a BCP-47 tag; None where Koe doesn't know its grammar."""
    locale = babel_locale(tag)
    code = locale.partition("_")[0]
    if code not in _CLASSES:
        return None
    module = import_module(f"koe.core.text.verbalise.languages.{code}")
    language: Language = getattr(module, _CLASSES[code])(locale)
    return language


@lru_cache(maxsize=128)
def babel_locale(tag: str) -> str:
    """Babel's name of the nearest locale that it has data for; "" where there is none."""
    from babel.localedata import exists

    parts = [part for part in tag.replace("_", "-").split("-") if part.isalnum()][:3]
    names = ["_".join([parts[0].lower(), *map(_cased, parts[1:end])]) for end in range(len(parts), 0, -1)]
    return next((name for name in names if exists(name)), "")


def _cased(subtag: str) -> str:
    """A script or a region, as Babel writes them."""
    return subtag.title() if len(subtag) == 4 else subtag.upper()
