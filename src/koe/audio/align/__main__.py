"""The aligning process: `python -m koe.audio.align`, a Passage a line on stdin, an Aligned or a Failure on stdout."""

import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from koe.audio.align import sphinx, whisper
from koe.audio.align.passage import MOST_CHARACTERS, MOST_SECONDS, Aligned, Failure, Passage
from koe.audio.sound import FileSound
from koe.core.errors import EngineError, KoeError, LimitExceeded, UnsupportedAbility
from koe.core.installation import install
from koe.core.languages import ENGLISH_NAMES, base
from koe.core.words import Span, filled, spoken, timed

_MOST_BYTES = 4 * 1024**3
"""Of address space, of which pocketsphinx needs little. A model of whisper may be larger, and on a GPU it has address
space beyond all measure: there, only the length of a passage bounds what is taken."""

_NICE = 10
"""Where all cores are busy, it has a tenth of what others have: words take their time, and still get done."""

_MOST_REASON = 300
"""Characters of what a library complains of."""


class _Work:
    """Loads what it needs when it is first needed."""

    def __init__(self) -> None:
        self._sphinx: sphinx.SphinxAligner | None = None
        self._whisper: whisper.WhisperAligner | None = None

    def answer(self, line: str) -> Aligned | Failure:
        try:
            return self._aligned(Passage.model_validate_json(line))
        except KoeError as error:
            return Failure(code=error.code, message=error.message)
        except MemoryError:
            return Failure(code=LimitExceeded.code, message="timing these words takes more memory than it may")
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:_MOST_REASON]
            return Failure(code=EngineError.code, message=f"the words couldn't be timed ({reason})")

    def _aligned(self, passage: Passage) -> Aligned:
        sound = FileSound(Path(passage.file))
        start = min(round(passage.start * sound.sample_rate), sound.frames)
        rest = (sound.frames - start) / sound.sample_rate
        seconds = rest if passage.seconds is None else min(passage.seconds, rest)
        if seconds > MOST_SECONDS or len(passage.text) > MOST_CHARACTERS:
            most = f"{MOST_SECONDS / 3600:g} hours and {MOST_CHARACTERS} characters"
            raise LimitExceeded(f"words are timed in recordings of up to {most}")
        said = spoken(passage.text, passage.language, passage.candidates, passage.text_format)
        count, language = round(seconds * sound.sample_rate), base(said.language)
        found: list[Span | None]
        if _takes_sphinx(language, passage.whisper):
            aligner, found = sphinx.NAME, self._with_sphinx().spans(sound, start, count, said.words)
        else:
            by_whisper = self._with_whisper(passage.whisper or "")
            aligner, found = whisper.NAME, by_whisper.spans(sound, start, count, said.words, language)
        spans = filled(found, said.words, seconds)
        words = tuple(timed(passage.text, said, spans, passage.start))
        return Aligned(aligner=aligner, language=said.language, words=words)

    def _with_sphinx(self) -> sphinx.SphinxAligner:
        self._sphinx = self._sphinx or sphinx.SphinxAligner()
        return self._sphinx

    def _with_whisper(self, model: str) -> whisper.WhisperAligner:
        self._whisper = self._whisper or whisper.WhisperAligner(model)
        return self._whisper


def _takes_sphinx(language: str, model: str | None) -> bool:
    """Forced alignment is the more exact one. Raises EngineUnavailable, UnsupportedAbility."""
    if language == sphinx.LANGUAGE:
        if find_spec("pocketsphinx") is not None:
            return True
        if model is None:
            raise sphinx.missing()
    if model is None:
        name = ENGLISH_NAMES.get(language, language)
        raise UnsupportedAbility(
            f"the words of a run in {name} are timed by faster-whisper: run {install('whisper')}, and name a model of "
            "it that is on this machine in the setting words.whisper; or say that the run is in English"
        )
    return False


def _stand_back(has_whisper: bool) -> None:
    """Everybody else goes first, and a bug doesn't take all memory; as far as the system can."""
    if sys.platform == "win32":
        return
    os.nice(_NICE)
    if not has_whisper:
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))


def main() -> None:
    # What libraries print must not come between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Where there is no model of whisper, nothing takes much memory.
    _stand_back("--whisper" in sys.argv)
    work = _Work()
    for line in sys.stdin:
        out.write(work.answer(line).model_dump_json() + "\n")
        out.flush()


if __name__ == "__main__":
    main()
