"""What becomes of an engine's PCM before it is heard: pace, pitch, effects and loudness, in this order."""

import asyncio
import logging
from collections.abc import Iterator

from koe.audio.effects.chain import EffectChain
from koe.core.effects import Effect, Gain, Pitch, Speed
from koe.core.errors import UnsupportedAbility
from koe.core.pcm import BYTES_PER_SAMPLE, amplified, to_float, to_int16
from koe.speech.casting import Candidate
from koe.speech.request import SpeechRequest

_log = logging.getLogger(__name__)

_SLOWEST, _FASTEST = 0.25, 4.0
"""What a request may ask for; the voice's own speed doesn't lead beyond it."""


async def sound_of(candidate: Candidate, request: SpeechRequest, sample_rate: int) -> "Sound":
    """Raises UnsupportedAbility for an effect of the request that can't be had. What a voice does by itself it speaks
    without, where it must: a house mustn't fall silent because a library is gone."""
    speed, pitch = _speed(candidate, request), candidate.pitch
    effects = candidate.effects if request.effects is None else request.effects
    if speed == 1.0 and not pitch and not effects:
        return Sound(None, candidate.gain, sample_rate)
    if request.effects is None:
        effects = await asyncio.to_thread(_possible, candidate, sample_rate)
    wanted = [Speed(factor=speed), Pitch(semitones=pitch), *effects, Gain(db=candidate.gain)]
    return Sound(await asyncio.to_thread(EffectChain, wanted, sample_rate), 0.0, sample_rate)


class Sound:
    """`feed` PCM and get what is ready; `finish` gives the rest, and nothing may follow.

    A chain computes in a thread, at most a second of speech at once: other rooms don't wait for it.
    """

    def __init__(self, chain: EffectChain | None, gain: float, sample_rate: int) -> None:
        """`gain`: dB, besides the chain's."""
        self._chain, self._gain = chain, gain
        self._second = BYTES_PER_SAMPLE * sample_rate

    async def feed(self, pcm: bytes) -> bytes:
        chain = self._chain
        if chain is None:
            return amplified(pcm, self._gain)
        pieces = _cut(pcm, self._second)
        return b"".join([await asyncio.to_thread(_through, chain, piece) for piece in pieces])

    async def finish(self) -> Iterator[bytes]:
        """In pieces: a reverb may ring on for long."""
        chain = self._chain
        rest = await asyncio.to_thread(lambda: to_int16(chain.finish())) if chain is not None else b""
        return _cut(rest, self._second)


def _through(chain: EffectChain, pcm: bytes) -> bytes:
    return to_int16(chain.feed(to_float(pcm)))


def _cut(pcm: bytes, size: int) -> Iterator[bytes]:
    return (pcm[start : start + size] for start in range(0, len(pcm), size))


def _speed(candidate: Candidate, request: SpeechRequest) -> float:
    asked = candidate.speed * (request.speed or 1.0)
    speed = min(max(asked, _SLOWEST), _FASTEST)
    if speed != asked:
        _log.info("%s can't speak at %g times the usual pace: it does at %g", candidate.voice.id, asked, speed)
    return speed


def _possible(candidate: Candidate, sample_rate: int) -> tuple[Effect, ...]:
    """Those of the voice's own effects that can be had here."""
    possible = []
    for effect in candidate.effects:
        try:
            EffectChain([effect], sample_rate)
        except UnsupportedAbility as error:
            _log.warning("%s speaks without its %s: %s", candidate.voice.id, effect.effect, error.message)
        else:
            possible.append(effect)
    return tuple(possible)
