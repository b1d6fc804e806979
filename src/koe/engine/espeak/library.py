"""The espeak-ng C library, through ctypes.

It keeps global state: everything here must be called from one and the same thread, or the process crashes.
Source: espeak-ng's src/include/espeak-ng/speak_lib.h (1.52).
"""

import ctypes
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from koe.core.errors import EngineError, EngineUnavailable
from koe.core.installation import install

_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_RATE, _PITCH = 1, 3
_OK = 0

BUFFER_MS = 60
"""Audio per callback. Longer buffers delay the first audio, shorter ones cost more calls into Python."""

_IN_USE = threading.Lock()
"""The library's state belongs to the process, so the process has one owner of it at a time."""

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    name: str
    """As espeak-ng calls it, such as `English (America)`."""

    language: str
    """espeak-ng's own code, such as `en-us` or `cmn-latn-pinyin`."""

    identifier: str
    """Path of its file below `lang/`, such as `gmw/en-US`: the one name that always selects it."""


class EspeakLibrary:
    def __init__(self) -> None:
        """Load and initialise (2-9 ms). Raises EngineUnavailable."""
        if not _IN_USE.acquire(blocking=False):
            raise EngineUnavailable("espeak-ng already speaks for another engine in this process")
        try:
            self._open()
        except BaseException:
            _IN_USE.release()
            raise

    def _open(self) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            words = f"espeak-ng is not installed: run {install('espeak')}"
            raise EngineUnavailable(words, problem="not-installed") from error
        try:
            self._data = Path(espeakng_loader.get_data_path())
            self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EngineUnavailable(f"espeak-ng's library does not load on this system: {error}") from error
        self.sample_rate = self._initialise()
        self._on_pcm: Callable[[bytes], bool] | None = None
        # ctypes keeps no reference to a callback: without this one it would be collected and the call crash.
        self._callback = _Callback(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._selected: tuple[str, int, int] | None = None

    def _initialise(self) -> int:
        rate = self._lib.espeak_Initialize(_OUTPUT_SYNCHRONOUS, BUFFER_MS, str(self._data).encode(), _DONT_EXIT)
        if rate <= 0:
            raise EngineUnavailable(f"espeak-ng could not read its data in {self._data}")
        return int(rate)

    def voices(self) -> list[EspeakVoice]:
        """Every voice whose dictionary is there."""
        list_voices = self._lib.espeak_ListVoices
        list_voices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        return [voice for voice in _read_voices(list_voices(None)) if self._has_dictionary(voice)]

    def _has_dictionary(self, voice: EspeakVoice) -> bool:
        """The wheel lists a few languages without shipping their dictionaries."""
        definition = (self._data / "lang" / voice.identifier).read_text(encoding="utf-8", errors="replace")
        named = [line.split() for line in definition.splitlines() if line.startswith("dictionary ")]
        name = named[0][1] if named else voice.language.split("-")[0]
        return (self._data / f"{name}_dict").exists()

    def select(self, identifier: str, rate: int, pitch: int) -> None:
        """Voice, rate (words per minute, 80-450) and pitch (0-99) for what is said next. Raises EngineError."""
        wanted = (identifier, rate, pitch)
        if wanted == self._selected:
            return
        self._selected = None
        # A failure leaves the previous voice selected: unchecked, the house would speak the wrong language.
        if self._lib.espeak_SetVoiceByName(identifier.encode()) != _OK:
            raise EngineError(f"espeak-ng refuses its own voice {identifier!r}")
        self._lib.espeak_SetParameter(_RATE, rate, 0)
        self._lib.espeak_SetParameter(_PITCH, pitch, 0)
        self._selected = wanted

    def synthesize(self, text: str, on_pcm: Callable[[bytes], bool]) -> None:
        """Speak into `on_pcm`, which gets PCM while it is made and stops it by returning False."""
        self._on_pcm = on_pcm
        encoded = text.replace("\0", " ").encode("utf-8", errors="replace")
        flags = _CHARS_UTF8 | _END_PAUSE
        try:
            failed = self._lib.espeak_Synth(
                encoded, ctypes.c_size_t(len(encoded) + 1), 0, _POSITION_CHARACTER, 0, flags, None, None
            )
        finally:
            self._on_pcm = None
        if failed != _OK:
            raise EngineError(f"espeak-ng could not speak: error {failed}")

    def close(self) -> None:
        self._lib.espeak_Terminate()
        _IN_USE.release()

    def _receive(self, wave: int | None, samples: int, _events: int | None) -> int:
        if not wave or samples <= 0 or self._on_pcm is None:
            return 0
        return 0 if self._on_pcm(ctypes.string_at(wave, samples * 2)) else 1


def _read_voices(table: "ctypes._Pointer[ctypes._Pointer[_Voice]]") -> Iterator[EspeakVoice]:
    index = 0
    while table[index]:
        voice = table[index].contents
        # `languages` is a list of (priority byte, zero-terminated code); the first is the voice's own.
        language = ctypes.string_at(voice.languages + 1).decode()
        yield EspeakVoice(voice.name.decode().strip(), language, voice.identifier.decode())
        index += 1
