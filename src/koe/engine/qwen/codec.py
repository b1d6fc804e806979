"""Codes to sound, piece by piece: the package's codec decoder with its state carried from call to call.

Where the pieces are cut never changes the sound: it is the one that the package's decoder gives for the whole sequence,
to the rounding of float32. (The package's own `chunked_decode` is not exact: it starts anew every 300 frames.)
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from koe.engine.qwen.executors import CodecExecutor


class DecoderState:
    """What a StreamingDecoder keeps of one stream: of the same size from the first frame on (5 MB in float32).

    Only the StreamingDecoder that opened it writes it, and only when a call has succeeded.
    """

    def __init__(self, memory: Tensor, frames: int = 0) -> None:
        self.memory = memory
        """[size]: the layers' slots, one after the other."""

        self.frames = frames
        """How many frames have been decoded."""

    def copy(self) -> "DecoderState":
        """A stream of its own that goes on from here."""
        return DecoderState(self.memory.clone(), self.frames)


class StreamingDecoder:
    """Decodes any number of streams, whoever computes."""

    def __init__(self, codec: CodecExecutor) -> None:
        self._codec = codec

    def open(self) -> DecoderState:
        """The state of a stream before its first frame."""
        return DecoderState(self._codec.blank())

    @torch.inference_mode()
    def decode(self, states: Sequence[DecoderState], codes: Tensor) -> Tensor:
        """The sound of each stream's next t frames: codes int64 [b, t, 16] -> float32 [b, t * 1920] within +-1.

        Streams may stand at different frames. Their states move on together, or, where this raises, not at all.
        """
        memory = self._gather(states, codes)
        wave = self._codec.wave(self._latents(states, codes, memory), memory)
        self._keep(states, codes, memory)
        return wave.float().clamp(min=-1, max=1)

    @torch.inference_mode()
    def skip(self, states: Sequence[DecoderState], codes: Tensor) -> None:
        """As decode, without the sound, and cheaper: what only matters to sound long past is not computed."""
        memory = self._gather(states, codes)
        latents = self._latents(states, codes, memory)
        self._codec.wave(latents[..., -self._codec.reach :], memory)
        self._keep(states, codes, memory)

    def _gather(self, states: Sequence[DecoderState], codes: Tensor) -> Tensor:
        rows, frames, codebooks = codes.shape
        if rows != len(states) or frames < 1 or codebooks != self._codec.codebooks:
            raise ValueError(
                f"codes {tuple(codes.shape)} for {len(states)} streams of {self._codec.codebooks} codebooks"
            )
        if len({id(state) for state in states}) != rows:
            raise ValueError("a stream can't be decoded twice in one call")
        return torch.stack([state.memory for state in states])

    def _keep(self, states: Sequence[DecoderState], codes: Tensor, memory: Tensor) -> None:
        for state, row in zip(states, memory, strict=True):
            state.memory.copy_(row)
            state.frames += codes.shape[1]

    def _latents(self, states: Sequence[DecoderState], codes: Tensor, memory: Tensor) -> Tensor:
        positions = torch.tensor([state.frames for state in states], device=codes.device)
        return self._codec.latents(codes, positions, memory)
