"""In which script a character is written: only those that tell one of the ten languages from the others."""

from bisect import bisect_right

_BLOCKS = (
    ("\u0400", "\u052f", "cyrillic"),
    ("\u1100", "\u11ff", "hangul"),
    ("\u3005", "\u3007", "han"),
    ("\u3041", "\u30ff", "kana"),
    ("\u3130", "\u318f", "hangul"),
    ("\u31f0", "\u31ff", "kana"),
    ("\u3400", "\u9fff", "han"),
    ("\uac00", "\ud7a3", "hangul"),
    ("\uf900", "\ufaff", "han"),
    ("\uff66", "\uff9f", "kana"),
    ("\U00020000", "\U0003134f", "han"),
)
_FIRSTS = [first for first, _, _ in _BLOCKS]

DENSITY = 3
"""A Han, kana or Hangul character says about as much as three letters of an alphabet."""


def script(character: str) -> str:
    """`cyrillic`, `hangul`, `han` or `kana`; empty for every other character and for none."""
    first, last, name = _BLOCKS[bisect_right(_FIRSTS, character) - 1]
    return name if first <= character <= last else ""


def is_dense(character: str) -> bool:
    """Whether it is a Han, kana or Hangul character."""
    return script(character) in ("han", "kana", "hangul")
