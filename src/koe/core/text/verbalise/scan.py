"""One pass over a text: where an expression may begin, the first rule that knows it puts it in words."""

import re
from functools import lru_cache

from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.rules import Rules, compile_rules

_LONGEST_COUNTER = 4
_REACH = 40
_TEXT_ENDS = re.compile(r"[\s\"'”’“»)\]]*+\Z")
_NEXT_WORD = re.compile(r"\s++[\"'“„«¿¡(\[]*+([^\W_]++)")

rules_of = lru_cache(maxsize=32)(compile_rules)


def rewrite(text: str, language: Language) -> str:
    """The text with every expression in words; linear in its length."""
    rules = rules_of(language)
    out: list[str] = []
    end = 0
    stop = ""
    while start := rules.trigger.search(text, end):
        begin = start.start()
        words, after = _speak(text, begin, rules, language)
        out.append(text[end:begin])
        if words is None:
            after, stop = start.end(), ""
            out.append(text[begin:after])
        else:
            opens = stop and text[end:begin].isspace()
            stop = _stop(text, begin, after, language)
            words = (words[:1].upper() + words[1:] if opens else words) + stop
            out.append(_spaced(words, _last(out), text[after : after + _LONGEST_COUNTER], language))
        end = after
    return "".join(out) + text[end:] if out else text


def _last(out: list[str]) -> str:
    """The last character so far."""
    return next((piece[-1] for piece in reversed(out) if piece), "")


def _speak(text: str, begin: int, rules: Rules, language: Language) -> tuple[str | None, int]:
    """The words for what begins there, and where it ends."""
    for rule in rules.rules:
        match = rule.pattern.match(text, begin)
        if match is not None:
            words = rule.speak(match, language)
            if words is not None:
                return words, match.end()
    return None, begin


def _stop(text: str, begin: int, end: int, language: Language) -> str:
    """The full stop that belonged to an expression and ended the sentence as well: `at 5 p.m. Then`."""
    if text[end - 1] != ".":
        return ""
    following = _NEXT_WORD.match(text[end : end + _REACH])
    ends = following and language.ends_sentence(text[begin:end], following[1])
    return "." if ends or _TEXT_ENDS.match(text, end) else ""


def _spaced(words: str, before: str, after: str, language: Language) -> str:
    """ "A4" is "A four": words don't grow together with what stood beside the figures."""
    left = language.gap_after(words) if before.isalnum() and words[:1].isalnum() else ""
    right = language.gap_before(after) if after[:1].isalnum() and words[-1:].isalnum() else ""
    return f"{left}{words}{right}"
