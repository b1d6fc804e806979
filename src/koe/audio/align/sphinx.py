"""Forced alignment with pocketsphinx: the words are known, and the model of English tells where they best fit.

The sound is gone through in windows: from the first, only the words that surely end in it are kept, and the next begins
behind them. So time and memory grow with the length of the sound alone, and a passage that doesn't fit its text spoils
nothing but itself.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from koe.audio.align.pronounce import pronounced
from koe.audio.sound import Sound, resampled
from koe.core.errors import EngineUnavailable
from koe.core.installation import install
from koe.core.words import Span

NAME = "pocketsphinx"
LANGUAGE = "en"

_RATE = 16_000
"""Hz, of the model."""

_FRAME_RATES = (100, 200)
"""Hz. The model was trained with the first; the second finds its way through speech that is too fast for that: a sound
lasts three frames at the least."""

_SEARCH: Final = {"loglevel": "FATAL", "beam": 1e-100, "pbeam": 1e-100, "wbeam": 1e-100}
"""Wider than by itself: over a word that sounds otherwise than it is written, the right way is a bad one for a while,
and must not be given up for one that stretches the words before it."""

_WINDOW, _UNSURE = 30.0, 3.0
"""Seconds of sound, and how much before its end words may still move."""

_WORDS_PER_SECOND = 8
"""Faster than anybody speaks."""

_MOST_LETTERS = 5
"""Of a word in capitals that is spelled out, where the dictionary hasn't it."""

_PEAK, _MOST_GAIN = 0.5, 10.0
_HISS = 60 / 32768
"""Digital silence is nothing that the model has ever heard, and it loses its way: a faint noise (-55 dB) helps."""


class SphinxAligner:
    def __init__(self) -> None:
        """Raises EngineUnavailable where it isn't installed."""
        try:
            import pocketsphinx
        except ImportError as error:
            raise missing() from error
        self._decoders = {rate: pocketsphinx.Decoder(lm=None, frate=rate, **_SEARCH) for rate in _FRAME_RATES}

    def spans(self, sound: Sound, start: int, count: int, words: Sequence[str]) -> list[Span | None]:
        """Of each spoken word, in seconds from `start`; None where it wasn't found."""
        pieces = [self._pieces(word) for word in words]
        found = self._found(sound, start, count, [piece for own in pieces for piece in own])
        ends = accumulate(len(own) for own in pieces)
        return [_whole(found[end - len(own) : end]) for own, end in zip(pieces, ends, strict=True)]

    def _found(self, sound: Sound, start: int, count: int, pieces: Sequence[str]) -> list[Span | None]:
        seconds, at, found = count / sound.sample_rate, 0.0, list[Span | None]()
        while len(found) < len(pieces) and at < seconds:
            length, rest = min(_WINDOW, seconds - at), pieces[len(found) :]
            expected = rest[: int(_WINDOW * _WORDS_PER_SECOND)]
            is_last = at + length >= seconds and len(expected) == len(rest)
            first = round(at * sound.sample_rate)
            samples = _samples(sound, start + first, min(round(length * sound.sample_rate), count - first))
            arrived, spans = self._aligned(samples, expected, is_last=is_last)
            sure = spans if is_last else [span for span in spans if span[1] < length - _UNSURE]
            found += [(at + begin, at + end) for begin, end in sure]
            if is_last:
                break
            moved = _next(spans, len(sure), length) if arrived else 0.0
            if moved < _UNSURE:
                # Nothing fits here: go on behind it, with as many words fewer as are said in that time on average.
                left = len(pieces) - len(found)
                found += [None] * min(left, max(1, round(left * length / (seconds - at))))
                moved = length
            at += moved
        return found + [None] * (len(pieces) - len(found))

    def _aligned(self, samples: bytes, pieces: Sequence[str], *, is_last: bool) -> tuple[bool, list[Span]]:
        """As `_search`; the more thorough one comes second."""
        arrived, spans = False, list[Span]()
        for rate, decoder in self._decoders.items():
            arrived, spans = _search(decoder, samples, pieces, rate, is_last=is_last)
            if arrived:
                break
        return arrived, spans

    def _pieces(self, word: str) -> list[str]:
        """The dictionary's own words of which it is made; what isn't in it is added as it may sound."""
        return [self._known(piece) for piece in re.findall(r"[^\W_]+(?:'[^\W_]+)*'?", word.replace("’", "'"))]

    def _known(self, piece: str) -> str:
        dictionary = self._decoders[_FRAME_RATES[0]]
        for spelling in (piece.lower(), piece.lower().rstrip("'")):
            if spelling.isascii() and dictionary.lookup_word(spelling):
                return spelling
        is_spelled_out = piece.isascii() and piece.isalpha() and piece.isupper() and len(piece) <= _MOST_LETTERS
        phones = " ".join(map(dictionary.lookup_word, piece.lower())) if is_spelled_out else pronounced(piece)
        name = f"-{phones.replace(' ', '-')}"
        for decoder in self._decoders.values():
            if decoder.lookup_word(name) is None:
                decoder.add_word(name, phones, update=False)
        return name


def missing() -> EngineUnavailable:
    return EngineUnavailable(f"word times in English need pocketsphinx, which isn't installed: run {install('align')}")


def _next(spans: Sequence[Span], sure: int, length: float) -> float:
    """Where the next window begins: with the first word that isn't sure, however long it is silent before it."""
    return spans[sure][0] if sure < len(spans) else length - _UNSURE


def _search(
    decoder: Any, samples: bytes, pieces: Sequence[str], rate: int, *, is_last: bool
) -> tuple[bool, list[Span]]:
    """Whether the search came through to the end, and what it has found: of the first words only, perhaps."""
    decoder.set_align_text(" ".join(pieces))
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    # Before the utterance ends, this is the best way so far, wherever it leads; then, only one that leads to the end.
    so_far = _segments(decoder, rate)
    decoder.end_utt()
    if not is_last:
        seconds = len(samples) / 2 / _RATE
        return bool(so_far) and so_far[-1][1][1] > seconds - _UNSURE, _of_words(so_far)
    whole = _segments(decoder, rate)
    return bool(whole), _of_words(whole or so_far)


def _segments(decoder: Any, rate: int) -> list[tuple[str, Span]]:
    found = decoder.seg() or ()
    return [(each.word, (each.start_frame / rate, (each.end_frame + 1) / rate)) for each in found]


def _of_words(segments: Iterable[tuple[str, Span]]) -> list[Span]:
    """Without <sil>, [NOISE] and (NULL)."""
    return [span for word, span in segments if word[0] not in "<[("]


def _samples(sound: Sound, start: int, count: int) -> bytes:
    """As the model needs them: 16-bit PCM, loud enough, never quite silent."""
    samples = np.concatenate([np.zeros(0, np.float32), *resampled(sound, start, count, _RATE)])
    peak = float(np.abs(samples).max(initial=0.0))
    samples = samples * min(_MOST_GAIN, _PEAK / peak) if peak else samples
    # The same each time: so are the times.
    hiss: NDArray[np.float32] = np.random.default_rng(0).standard_normal(len(samples), np.float32) * np.float32(_HISS)
    return (np.clip(samples + hiss, -1.0, 1.0) * 32767).astype("<i2").tobytes()


def _whole(spans: Sequence[Span | None]) -> Span | None:
    known = [span for span in spans if span is not None]
    return (known[0][0], known[-1][1]) if known else None
