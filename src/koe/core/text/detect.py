"""In which language a text is written, decided offline.

The script decides where it can: kana, Hangul, Han and Cyrillic each belong to one of the ten languages. Latin
text is classified by py3langid with its own bundled model, which is loaded on first use and kept.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast

from koe.core.languages import base, best_match
from koe.core.text.scripts import DENSITY, is_dense, script

_DOUBT = 0.8
"""Relative likelihood of the runner-up from which on the text is no evidence ("OK.", "Sim.")."""

_LEAD = 1.5
"""Lead in the classifier's score up to which a few words are no evidence ("Done." would be Italian, "Timer set."
German)."""

_PLAIN = 12.0
"""Lead in the classifier's score, a logarithm, from which on there is no doubt."""


class _Classifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


def detect(text: str, candidates: Sequence[str]) -> str | None:
    """The candidate (as it was given) in whose language the text is; None where the text is no evidence."""
    if not any(map(str.isalpha, text)):
        return None
    if len(candidates) == 1:
        return candidates[0]
    if by_script := script_language(text):
        return _pick(by_script, candidates)
    return _classify(text, candidates)


def information(text: str) -> int:
    """How much a text says, in letters of an alphabet."""
    return len(text) if text.isascii() else len(text) + (DENSITY - 1) * sum(map(is_dense, text))


def script_language(text: str) -> str | None:
    """The language whose script prevails in the text; None for Latin and for scripts of no one of the ten."""
    letters = Counter(map(script, filter(str.isalpha, text)))
    kana, han = letters["kana"], letters["han"]
    # A Chinese sentence may quote a kana or two.
    eastern = "ja" if kana * 10 > han else "zh"
    weights = {eastern: (kana + han) * DENSITY, "ko": letters["hangul"] * DENSITY, "ru": letters["cyrillic"]}
    language = max(weights, key=weights.__getitem__)
    # Names and brands are often Latin whatever the sentence around them.
    return language if weights[language] * 2 > letters[""] else None


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
    return best if doubt < _DOUBT and highest - second > _LEAD else None


def is_plain(text: str, candidates: Sequence[str]) -> bool:
    """Whether a short text already leaves no doubt: of 182 beginnings of 20 characters in six languages, none did that
    was another's."""
    wanted = {base(tag) for tag in candidates}
    scores = [score for name, score in _classifier().rank(text) if name in wanted]
    return len(scores) > 1 and scores[0] - scores[1] > _PLAIN


@cache
def _classifier() -> _Classifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # half a second and 75 MB

    return cast(_Classifier, LanguageIdentifier.from_model_file(MODEL_FILE))
