"""The Speaker: live text and a voice in, PCM out.

    feed/finish -> TextSource (normalise) -> segments, or parts as they come -> engine -> limits, rate -> PCM

The consumer pulls: nothing is normalised or spoken that nobody asked for, and closing cancels everything.
"""

from koe.speech.engines import EngineHealth
from koe.speech.request import SpeechRequest, SpeechStats
from koe.speech.speaker import Speaker
from koe.speech.utterance import Utterance

__all__ = ["EngineHealth", "Speaker", "SpeechRequest", "SpeechStats", "Utterance"]
