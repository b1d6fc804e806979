"""In which language a text is written, decided offline.

The script decides where it can: kana, Hangul, Han and Cyrillic each belong to one of the ten languages. Latin
text is classified by py3langid with its own bundled model, which is loaded on first use and kept.
"""

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast

from koe.core.languages import base, best_match

_KANA = re.compile("[\u3041-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HAN = re.compile("[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_CYRILLIC = re.compile("[\u0400-\u052f]")
_DENSE = re.compile("|".join(script.pattern for script in (_KANA, _HAN, _HANGUL)))
_LETTER = re.compile(r"[^\W\d_]")

_DENSE_WEIGHT = 3
"""A Han, kana or Hangul character says about as much as three letters."""

_DOUBT = 0.8
"""Relative likelihood of the runner-up from which on the text is no evidence ("OK.", "Sim.")."""


class _Classifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


def detect(text: str, candidates: Sequence[str]) -> str | None:
    """The candidate (as it was given) in whose language the text is; None where the text is no evidence."""
    if not _LETTER.search(text):
        return None
    if len(candidates) == 1:
        return candidates[0]
    if by_script := script_language(text):
        return _pick(by_script, candidates)
    return _classify(text, candidates)


def information(text: str) -> int:
    """How much a text says, in letters of an alphabet."""
    return len(text) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(text))


def script_language(text: str) -> str | None:
    """The language whose script prevails in the text; None for Latin and for scripts of no one of the ten."""
    kana, han, hangul = (len(script.findall(text)) for script in (_KANA, _HAN, _HANGUL))
    weights = {
        # A Chinese sentence may quote a kana or two.
        "ja": (kana + han) * _DENSE_WEIGHT if kana * 10 > han else 0,
        "zh": (kana + han) * _DENSE_WEIGHT if kana * 10 <= han else 0,
        "ko": hangul * _DENSE_WEIGHT,
        "ru": len(_CYRILLIC.findall(text)),
    }
    language = max(weights, key=weights.__getitem__)
    letters = len(_LETTER.findall(text)) - kana - han - hangul
    others = letters - weights["ru"]
    return language if weights[language] and weights[language] * 2 >= others else None


def warm() -> None:
    """Load the model now, so that no request has to wait for it."""
    _classifier()


def _pick(language: str, candidates: Sequence[str]) -> str | None:
    """The candidate of that language; a text in Han may also be Japanese where nobody speaks Chinese."""
    picked = best_match(language, candidates)
    return best_match("ja", candidates) if picked is None and language == "zh" else picked


def _classify(text: str, candidates: Sequence[str]) -> str | None:
    wanted = {base(tag): tag for tag in reversed(candidates)}
    scored = [(wanted[name], score) for name, score in _classifier().rank(text) if name in wanted]
    if len(scored) < 2:
        return scored[0][0] if scored else None
    (best, highest), (_, second) = scored[:2]
    # Scores grow with the length of the text; its square root keeps likelihoods comparable.
    doubt = math.exp((second - highest) / math.sqrt(len(text.encode(errors="replace"))))
    return best if doubt < _DOUBT else None


@cache
def _classifier() -> _Classifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # half a second and 75 MB

    return cast(_Classifier, LanguageIdentifier.from_model_file(MODEL_FILE))
