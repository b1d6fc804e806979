"""Names that every system takes as a file's, and none of them twice."""

import hashlib
import re
import unicodedata

MOST_BYTES = 80
"""Of a name, so that its path fits everywhere."""

_UNSAFE = re.compile(r"[^\w.-]+")
_AUDIO = re.compile(r"\.(?:wav|flac|mp3|ogg|opus|m4a|aac|pcm)\Z", re.IGNORECASE)
_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Windows keeps these for devices, whatever their ending."""

_SLOTS = 1 << 26


def safe_name(text: str, otherwise: str) -> str:
    """`Wer ist da?` -> `Wer-ist-da`; letters of all scripts stay. `otherwise` where nothing is left."""
    # Cut twice: a text may be long, and so may be what its characters are made of.
    plain = unicodedata.normalize("NFC", text[: 4 * MOST_BYTES])
    name = _UNSAFE.sub("-", plain).strip("-._")
    name = name.encode(errors="ignore")[:MOST_BYTES].decode(errors="ignore").strip("-._") or otherwise
    return f"{name}_" if _WINDOWS.fullmatch(name) else name


def without_ending(name: str) -> str:
    """`hello.wav` -> `hello`: whoever writes the file knows its format."""
    return _AUDIO.sub("", name.strip())


class Unique:
    """Tells names apart in memory that doesn't grow: a million rows are as cheap as ten.

    Each name sets one bit of 2^26. Two names may share a bit; then the second is numbered although it was free, which
    harms nobody (with a hundred names hardly ever, with a million every seventieth).
    """

    def __init__(self) -> None:
        self._seen = bytearray(_SLOTS // 8)

    def take(self, name: str, number: int) -> str:
        """The name where it is free, else with the number of what it is for: `hello`, `hello-17`, `hello-17-2`."""
        free, again = name, 1
        while not self._is_new(free):
            free = f"{name}-{number}" if again == 1 else f"{name}-{number}-{again}"
            again += 1
        return free

    def _is_new(self, name: str) -> bool:
        """Also by the rules of systems that don't tell `A` from `a`."""
        key = name.lower() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()
        digest = hashlib.blake2b(key.encode(errors="replace"), digest_size=8).digest()
        slot = int.from_bytes(digest, "big") % _SLOTS
        byte, bit = slot // 8, 1 << slot % 8
        is_new = not self._seen[byte] & bit
        self._seen[byte] |= bit
        return is_new
