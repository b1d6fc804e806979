"""Where a voice's sound begins: at silence, or behind its reference, which is then pushed through the codec once."""

from koe.engine.qwen.codec import DecoderState, StreamingDecoder
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.lru import Lru
from koe.engine.qwen.prompt_voices import Cloned, PromptVoice, Reference

_KEPT = 16
"""Voices, each of 5 MB."""


class Priming:
    """Belongs to the decoder of one loaded checkpoint."""

    def __init__(self, decoder: StreamingDecoder, counters: Counters, kept: int = _KEPT) -> None:
        self._decoder, self._counters = decoder, counters
        self._primed: Lru[Reference, DecoderState] = Lru(kept)

    def open(self, voice: PromptVoice) -> DecoderState:
        """A stream that goes on from the reference's sound, where there is a reference."""
        reference = voice.reference if isinstance(voice, Cloned) else None
        if reference is None:
            return self._decoder.open()
        return self._primed.get(reference, lambda: self._behind(reference)).copy()

    def _behind(self, reference: Reference) -> DecoderState:
        state = self._decoder.open()
        self._decoder.skip([state], reference.codes[None].to(state.memory.device))
        self._counters.primed += 1
        return state
