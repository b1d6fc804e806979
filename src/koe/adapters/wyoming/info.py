"""What Koe tells of itself: the voices of now, as Wyoming's info event.

Home Assistant shows the program's name as the entity and a voice's description as its label, groups voices by the exact
language tag, and asks again every 30 seconds: a new voice shows without a reload. Never a satellite in here: Home
Assistant would then load no text-to-speech at all.
"""

from collections.abc import Callable, Sequence

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from koe import __version__
from koe.adapters.wyoming.framing import encode
from koe.core.voice import Voice

_KOE = Attribution("Koe", "https://pypi.org/project/koe/")
_ENGINES = {"espeak": Attribution("eSpeak NG", "https://github.com/espeak-ng/espeak-ng")}


class InfoPage:
    """The encoded info event, made anew only when the voices have changed."""

    def __init__(self, name: str, voices: Callable[[], Sequence[Voice]]) -> None:
        self._name, self._voices = name, voices
        self._shown: tuple[Voice, ...] = ()
        self._encoded = b""

    def encoded(self) -> bytes:
        voices = tuple(self._voices())
        if voices != self._shown or not self._encoded:
            self._shown, self._encoded = voices, encode(info(self._name, voices).event())
        return self._encoded


def info(name: str, voices: Sequence[Voice]) -> Info:
    program = TtsProgram(
        name=name,
        attribution=_KOE,
        installed=True,
        description="Koe, the voice of a house",
        version=__version__,
        voices=[_voice(voice) for voice in voices],
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])


def _voice(voice: Voice) -> TtsVoice:
    return TtsVoice(
        name=voice.id,
        attribution=_ENGINES.get(voice.engine, _KOE),
        installed=True,
        description=voice.name,
        version=None,
        languages=list(voice.languages),
        speakers=[TtsVoiceSpeaker(style) for style in voice.styles] or None,
    )
