"""Text as it came, as text that can be read aloud: no emoji, no invisible characters, addresses in words."""

import re
import unicodedata

_CLEAN = re.compile(r"(?:[^\W\d_]|(?<![.,;:!?])[.,;:!?](?![.,;:!?/])|['\- ](?![\- ]))*+", re.ASCII)
"""What needs no cleaning: the words of most sentences."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)

_PICTURES = (
    "\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u25a0-\u25ff\u2600-\u266c\u2670-\u2775\u2794-\u27bf\u2934\u2935"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_EMOJI = re.compile(
    "(?:"
    # A sign that is also plain text is a picture only with its selector: ©️, ™️, 1️⃣.
    "[#*0-9]\ufe0f?\u20e3"
    "|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u24c2]\ufe0f"
    f"|[{_PICTURES}][\ufe0e\ufe0f\U000e0020-\U000e007f]*"
    "|\u200d[\u2194\u2195\u2640\u2642\u2695\u2696\u2708\u2764\u27a1\u2b1b]?|\u20e3)+"
)
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[.,!?;:…]+(?:\s|\Z))")

_HOST_LETTERS = "a-zA-Z\\d\u00df-\u024f\u0400-\u04ff"
_NO_PATH = "\\s\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef"
_WEB_ADDRESS = re.compile(
    rf"(?<![a-zA-Z\d@])(?i:https?://|ftp://|www\.)(?i:www\.)?(?:[^\s/?#@]*@)?"
    rf"(?P<host>[{_HOST_LETTERS}.\-]*[{_HOST_LETTERS}])(?::\d+)?"
    rf"(?:[/?#](?:[^{_NO_PATH}]*[^{_NO_PATH}.,;:!?…'\"»”’)\]}}])?)?",
)
_MAIL_ADDRESS = re.compile(
    r"(?<![\w.@+\-])(?i:mailto:)?(?P<user>[\w+\-](?:[\w.+\-]{0,63}[\w+\-])?)@(?P<host>(?:[\w\-]{1,63}\.)+[a-zA-Z]{2,24})\b",
)

_SPOKEN_SIGNS = {
    "zh": ("艾特", "点"),
    "en": ("at", "dot"),
    "ja": ("アット", "ドット"),
    "ko": ("골뱅이", "닷"),
    "de": ("ät", "Punkt"),
    "fr": ("arobase", "point"),
    "ru": ("собака", "точка"),
    "pt": ("arroba", "ponto"),
    "es": ("arroba", "punto"),
    "it": ("chiocciola", "punto"),
}
"""How "@" and "." of an address are called."""

_PUNCTUATION = [
    (re.compile(r"([!?])\1+"), r"\1"),
    (re.compile(r"(?:[!?]{2})[!?]+"), "?!"),
    (re.compile(r"\.\.+|……+"), "…"),
    (re.compile(r"([,;:，、；：。！？—–])\1+"), r"\1"),
    (re.compile(r"(?<=\w)--+(?=\w)|(?<=\s)--+(?=\s)"), " – "),
    (re.compile(r"(?<=[^\W_])_+(?=[^\W_])"), " "),
    (re.compile(r"\s+"), " "),
]

_WIDE = {ord("％"): "%"} | {
    wide: wide - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for wide in range(ord(first), ord(last) + 1)
}


def clean(text: str, language: str | None) -> str:
    """The text in NFC with single spaces, without emoji and invisible characters, and with short addresses.

    A web address becomes its host; "@" and "." in addresses are spoken in `language`, where it is known.
    """
    if _CLEAN.fullmatch(text):
        return text
    if not text.isascii():
        text = _without_pictures(unicodedata.normalize("NFC", text).translate(_WIDE))
    text = _INVISIBLE.sub("", text)
    if ":" in text or "@" in text or "." in text:
        text = _WEB_ADDRESS.sub(lambda match: _spoken(match["host"], language), text)
        text = _MAIL_ADDRESS.sub(lambda match: _spoken(f"{match['user']}@{match['host']}", language), text)
    for pattern, replacement in _PUNCTUATION:
        text = pattern.sub(replacement, text)
    return text


def _without_pictures(text: str) -> str:
    shorter = _EMOJI.sub("", text)
    # "Great 👋!" would else leave a space before its mark; French wants the others.
    return shorter if shorter == text else _SPACE_BEFORE_MARK.sub("", shorter)


def _spoken(address: str, language: str | None) -> str:
    at, dot = _SPOKEN_SIGNS.get((language or "").partition("-")[0], ("@", "."))
    spoken = {"@": f" {at} ", ".": f" {dot} "}
    return re.sub("[@.]", lambda sign: spoken[sign[0]] if at != "@" else sign[0], address)
