"""The codec's decoder on the package's modules and weights: a CodecExecutor on any device."""

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


class TorchCodec:
    """The decoder of a Qwen3TTSTokenizerV2Model."""

    def __init__(self, decoder: Any) -> None:
        """`decoder`: a Qwen3TTSTokenizerV2Decoder."""
        plan = Floorplan()
        self._decoder = decoder
        self._latent: Sequence[Layer] = (CausalConv(decoder.pre_conv, plan),)
        self._transformer = WindowedTransformer(decoder.pre_transformer, plan)
        self._wave: Sequence[Layer] = tuple(_wave_layers(decoder, plan))
        self._size = plan.size

    @property
    def codebooks(self) -> int:
        codebooks: int = self._decoder.config.num_quantizers
        return codebooks

    @property
    def reach(self) -> int:
        return wave_reach(self._decoder)

    def blank(self) -> Tensor:
        weight: Tensor = self._decoder.pre_conv.conv.weight
        return weight.new_zeros(self._size)

    @torch.inference_mode()
    def latents(self, codes: Tensor, positions: Tensor, memory: Tensor) -> Tensor:
        x = run(self._latent, _embed(self._decoder.quantizer, codes), memory)
        return self._transformer(x.transpose(1, 2), positions, memory).transpose(1, 2)

    @torch.inference_mode()
    def wave(self, latents: Tensor, memory: Tensor) -> Tensor:
        return run(self._wave, latents, memory).squeeze(1)


def wave_reach(decoder: Any) -> int:
    """So many latents the last sample of a Qwen3TTSTokenizerV2Decoder depends on."""
    return inputs_needed(_wave_layers(decoder, Floorplan()), 1)


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
