"""Faster and slower, higher and lower speech, while it is made.

By the Sonic library (https://github.com/waywardgeek/sonic), which lies within espeak-ng's: both are there, or neither.
"""

import ctypes
import functools
from typing import Any

from koe.core.errors import UnsupportedAbility
from koe.core.installation import install
from koe.core.pcm import BYTES_PER_SAMPLE

_AT_ONCE = 8192
"""Samples read in one call."""


def obstacle() -> str:
    """Why speech can't be stretched here; empty where it can."""
    try:
        _library()
    except UnsupportedAbility as error:
        return error.message
    return ""


class StreamStretcher:
    """`feed` PCM and get what is ready; `finish` gives the rest, and nothing may follow."""

    def __init__(self, sample_rate: int, speed: float = 1.0, pitch: float = 0.0) -> None:
        """`speed`: 1.2 is faster by a fifth. `pitch`: higher by so many semitones. Neither changes the other.

        Raises UnsupportedAbility where the library isn't installed.
        """
        self._sonic = _library()
        self._stream = self._sonic.sonicCreateStream(sample_rate, 1)
        if not self._stream:
            raise MemoryError("no memory to change speed or pitch")
        self._sonic.sonicSetSpeed(self._stream, speed)
        self._sonic.sonicSetPitch(self._stream, 2.0 ** (pitch / 12.0))
        self._buffer = (ctypes.c_short * _AT_ONCE)()

    def feed(self, pcm: bytes) -> bytes:
        if not self._sonic.sonicWriteShortToStream(self._stream, pcm, len(pcm) // BYTES_PER_SAMPLE):
            raise MemoryError("no memory to change speed or pitch")
        return self._ready()

    def finish(self) -> bytes:
        self._sonic.sonicFlushStream(self._stream)
        return self._ready()

    def __del__(self) -> None:
        stream, self._stream = getattr(self, "_stream", None), None
        if stream:
            self._sonic.sonicDestroyStream(stream)

    def _ready(self) -> bytes:
        ready = bytearray()
        while count := self._sonic.sonicReadShortFromStream(self._stream, self._buffer, _AT_ONCE):
            ready += memoryview(self._buffer).cast("B")[: count * BYTES_PER_SAMPLE]
        return bytes(ready)


@functools.cache
def _library() -> Any:
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        create, read, write = (
            library.sonicCreateStream,
            library.sonicReadShortFromStream,
            library.sonicWriteShortToStream,
        )
    except (ImportError, OSError, AttributeError) as error:
        raise UnsupportedAbility(
            f"speed and pitch can't be changed without espeak-ng's library: run {install('espeak')}"
        ) from error
    create.restype, create.argtypes = ctypes.c_void_p, (ctypes.c_int, ctypes.c_int)
    read.argtypes = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_short), ctypes.c_int)
    write.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    for setter in (library.sonicSetSpeed, library.sonicSetPitch):
        setter.argtypes, setter.restype = (ctypes.c_void_p, ctypes.c_float), None
    library.sonicFlushStream.argtypes = (ctypes.c_void_p,)
    library.sonicDestroyStream.argtypes, library.sonicDestroyStream.restype = (ctypes.c_void_p,), None
    return library
