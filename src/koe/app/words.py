"""Word times as part of the house."""

from collections.abc import Sequence

from koe.audio.align.process import Aligner
from koe.pipelines.words import WordTimer
from koe.settings import Loaded
from koe.speech import Speaker
from koe.storage.outputs import Outputs


def word_timer(
    loaded: Loaded, outputs: Outputs, speaker: Speaker | None = None, *, deadline: float | None = None
) -> WordTimer:
    """Without a Speaker, it knows nothing of the languages of voices, and looks at the texts alone."""

    def languages(voice_id: str) -> Sequence[str]:
        voices = speaker.voices() if speaker is not None else ()
        return next((voice.languages for voice in voices if voice.id == voice_id), ())

    return WordTimer(outputs, Aligner(loaded.settings.words.whisper, deadline=deadline), languages)
