"""Codes to sound, piece by piece: the package's codec decoder with its state carried from call to call.

Where the pieces are cut never changes the sound: it is the one that the package's decoder gives for the whole sequence,
to the rounding of float32. (The package's own `chunked_decode` is not exact: it starts anew every 300 frames.)
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor

from koe.engine.qwen.codec_attention import WindowedTransformer
from koe.engine.qwen.codec_layers import (
    CausalConv,
    ConvNeXt,
    Floorplan,
    Layer,
    Residual,
    Snake,
    Upsample,
    inputs_needed,
    run,
)


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
    """Decodes any number of streams on the modules and weights of one Qwen3TTSTokenizerV2Decoder."""

    def __init__(self, decoder: Any) -> None:
        plan = Floorplan()
        self._decoder = decoder
        self._codebooks: int = decoder.config.num_quantizers
        self._latent: Sequence[Layer] = (CausalConv(decoder.pre_conv, plan),)
        self._transformer = WindowedTransformer(decoder.pre_transformer, plan)
        self._wave: Sequence[Layer] = tuple(_wave_layers(decoder, plan))
        self._wave_reach = inputs_needed(self._wave, 1)
        self._memory_size = plan.size

    def open(self) -> DecoderState:
        """The state of a stream before its first frame."""
        return DecoderState(self._decoder.pre_conv.conv.weight.new_zeros(self._memory_size))

    @torch.inference_mode()
    def decode(self, states: Sequence[DecoderState], codes: Tensor) -> Tensor:
        """The sound of each stream's next t frames: codes int64 [b, t, 16] -> float32 [b, t * 1920] within +-1.

        Streams may stand at different frames. Their states move on together, or, where this raises, not at all.
        """
        memory = self._gather(states, codes)
        wave = run(self._wave, self._latents(states, codes, memory), memory)
        self._keep(states, codes, memory)
        return wave.squeeze(1).float().clamp(min=-1, max=1)

    @torch.inference_mode()
    def skip(self, states: Sequence[DecoderState], codes: Tensor) -> None:
        """As decode, without the sound, and cheaper: what only matters to sound long past is not computed."""
        memory = self._gather(states, codes)
        latents = self._latents(states, codes, memory)
        run(self._wave, latents[..., -self._wave_reach :], memory)
        self._keep(states, codes, memory)

    def _gather(self, states: Sequence[DecoderState], codes: Tensor) -> Tensor:
        rows, frames, codebooks = codes.shape
        if rows != len(states) or frames < 1 or codebooks != self._codebooks:
            raise ValueError(f"codes {tuple(codes.shape)} for {len(states)} streams of {self._codebooks} codebooks")
        if len({id(state) for state in states}) != rows:
            raise ValueError("a stream can't be decoded twice in one call")
        return torch.stack([state.memory for state in states])

    def _keep(self, states: Sequence[DecoderState], codes: Tensor, memory: Tensor) -> None:
        for state, row in zip(states, memory, strict=True):
            state.memory.copy_(row)
            state.frames += codes.shape[1]

    def _latents(self, states: Sequence[DecoderState], codes: Tensor, memory: Tensor) -> Tensor:
        """[b, latent, t]: everything before the upsampling."""
        positions = torch.tensor([state.frames for state in states], device=codes.device)
        x = run(self._latent, _embed(self._decoder.quantizer, codes), memory)
        return self._transformer(x.transpose(1, 2), positions, memory).transpose(1, 2)


def _wave_layers(decoder: Any, plan: Floorplan) -> list[Layer]:
    layers: list[Layer] = []
    for upsample, convnext in decoder.upsample:
        layers += [Upsample(upsample, plan), ConvNeXt(convnext, plan)]
    first, *blocks, snake, last = decoder.decoder
    layers.append(CausalConv(first, plan))
    for block in blocks:
        snake_in, upsample, *residuals = block.block
        layers += [Snake(snake_in), Upsample(upsample, plan), *(Residual(unit, plan) for unit in residuals)]
    return [*layers, Snake(snake), CausalConv(last, plan)]


def _embed(quantizer: Any, codes: Tensor) -> Tensor:
    """The package's SplitResidualVectorQuantizer.decode: codes [b, t, 16] -> [b, dim, t].

    It divides a whole codebook by its usage at each call; here only the rows in use are divided, with the same result.
    """
    semantic: int = quantizer.n_q_semantic
    return _residual_sum(quantizer.rvq_first, codes[..., :semantic]) + _residual_sum(
        quantizer.rvq_rest, codes[..., semantic:]
    )


def _residual_sum(quantizer: Any, codes: Tensor) -> Tensor:
    total: Tensor | int = 0
    for layer, column in zip(quantizer.vq.layers, codes.unbind(-1), strict=True):
        total = total + layer.project_out(_entries(layer._codebook, column))
    out: Tensor = quantizer.output_proj(torch.as_tensor(total).transpose(1, 2))
    return out


def _entries(codebook: Any, column: Tensor) -> Tensor:
    usage: Tensor = codebook.cluster_usage[column].clamp(min=codebook.epsilon)
    return F.embedding(column, codebook.embedding_sum) / usage[..., None]
