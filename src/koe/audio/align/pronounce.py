"""How a word might sound in English that is in no dictionary: good enough to find where it is said."""

import re
import unicodedata

_SOUNDS = {
    **dict.fromkeys(("ee", "ea", "ie", "ey", "y"), "IY"),
    **dict.fromkeys(("oo", "ue", "ew"), "UW"),
    **dict.fromkeys(("ou", "ow"), "AW"),
    **dict.fromkeys(("au", "aw", "augh", "ough"), "AO"),
    **dict.fromkeys(("ai", "ay", "ei", "eigh", "ae"), "EY"),
    **dict.fromkeys(("oi", "oy"), "OY"),
    **dict.fromkeys(("igh",), "AY"),
    **dict.fromkeys(("oa", "oe"), "OW"),
    **dict.fromkeys(("er", "ir", "ur"), "ER"),
    **dict.fromkeys(("c", "ck", "k", "q"), "K"),
    **dict.fromkeys(("f", "ph"), "F"),
    **dict.fromkeys(("g", "gh"), "G"),
    **dict.fromkeys(("ch", "tch"), "CH"),
    **dict.fromkeys(("sh", "sch"), "SH"),
    **{"a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH", "ar": "AA R", "or": "AO R"},
    **{"b": "B", "d": "D", "h": "HH", "j": "JH", "l": "L", "m": "M", "n": "N", "p": "P", "r": "R", "s": "S", "t": "T"},
    **{"v": "V", "w": "W", "z": "Z", "x": "K S", "qu": "K W", "th": "TH", "wh": "W", "ng": "NG"},
    **{"ce": "S", "ci": "S IH", "cy": "S IY", "tion": "SH AH N", "sion": "ZH AH N"},
    **{"0": "Z IH R OW", "1": "W AH N", "2": "T UW", "3": "TH R IY", "4": "F AO R", "5": "F AY V"},
    **{"6": "S IH K S", "7": "S EH V AH N", "8": "EY T", "9": "N AY N"},
}
"""ARPABET, as the CMU dictionary has it, by what is written."""

_PARTS = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)) + r"|[^\W_]")
_UNKNOWN = "AH"
"""Of a letter of another script: at least it lasts."""


def pronounced(word: str) -> str:
    """Phones with a space between them; empty for what has neither letters nor digits."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    # A double consonant sounds once, and the last e not at all.
    letters = re.sub(r"([bcdfgklmnprstz])\1|(?<=[a-z]{2}[^aeiouy\W])e\b", r"\1", letters)
    return " ".join(_SOUNDS.get(part, _UNKNOWN) for part in _PARTS.findall(letters))
