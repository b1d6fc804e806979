"""Word times by faster-whisper, in any language: it writes down what it hears, and that is held against the text."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from koe.audio.sound import Sound, resampled
from koe.core.errors import EngineUnavailable
from koe.core.installation import install
from koe.core.words import Span, filled, paired, split

NAME = "faster-whisper"

_RATE = 16_000
"""Hz, of the model."""


class WhisperAligner:
    def __init__(self, model: str) -> None:
        """`model`: its folder, or its name where it was downloaded before. Raises EngineUnavailable: nothing is ever
        downloaded from here."""
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise EngineUnavailable(f"faster-whisper isn't installed: run {install('whisper')}") from error
        folder = _folder(model)
        try:
            self._model = WhisperModel(str(folder), local_files_only=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineUnavailable(f"the model {model} (setting words.whisper) can't be loaded: {error}") from error

    def spans(self, sound: Sound, start: int, count: int, words: Sequence[str], language: str) -> list[Span | None]:
        """Of each spoken word, in seconds from `start`; None for all where nothing was heard. `language`: without
        region."""
        samples = np.concatenate([np.zeros(0, np.float32), *resampled(sound, start, count, _RATE)])
        # Temperature 0: the text is known, so a second hearing of what wasn't understood would tell nothing more.
        segments, _ = self._model.transcribe(
            samples, language=language, word_timestamps=True, condition_on_previous_text=False, temperature=0.0
        )
        heard, times = list[str](), list[Span]()
        for word in (word for segment in segments for word in segment.words or ()):
            own = split(word.word)
            heard += own
            times += _shared((float(word.start), float(word.end)), own)
        found: list[Span | None] = [None] * len(words)
        for pair in paired(heard, words):
            whole = times[pair.left[0]][0], times[pair.left[1] - 1][1]
            found[slice(*pair.right)] = _shared(whole, words[slice(*pair.right)])
        return found


def _folder(model: str) -> Path:
    from faster_whisper.utils import download_model

    folder = Path(model).expanduser()
    if not folder.is_dir():
        try:
            folder = Path(download_model(model, local_files_only=True))
        except Exception as error:
            # Of three libraries below, each fails in its own way.
            wanted = "the setting words.whisper names a folder with a faster-whisper model, or one downloaded before"
            raise EngineUnavailable(f"there is no model {model!r} on this machine: {wanted}") from error
    if not (folder / "tokenizer.json").is_file():
        # The library would get it from the net.
        raise EngineUnavailable(f"the model in {folder} (setting words.whisper) has no tokenizer.json: add the file")
    return folder


def _shared(span: Span, words: Sequence[str]) -> list[Span]:
    start, end = span
    return [(start + first, start + last) for first, last in filled([None] * len(words), words, max(0.0, end - start))]
