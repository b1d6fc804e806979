"""The codec's decoder as graphs: a CodecExecutor on onnxruntime."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.codec_attention import look
from koe.engine.qwen.codec_modules import wave_reach
from koe.engine.qwen.cpu.codec_graph import draw_latents, draw_wave
from koe.engine.qwen.cpu.drawing import Drawing
from koe.engine.qwen.cpu.session import Session


class GraphCodec:
    """On the float32 weights of a Qwen3TTSTokenizerV2Decoder, where they lie."""

    def __init__(self, decoder: Any, threads: int) -> None:
        self._decoder, self.reach = decoder, wave_reach(decoder)
        self._latents, self._latents_memory = _session(draw_latents, decoder, threads)
        self._wave, self._wave_memory = _session(draw_wave, decoder, threads)

    @property
    def codebooks(self) -> int:
        codebooks: int = self._decoder.config.num_quantizers
        return codebooks

    def blank(self) -> Tensor:
        return torch.zeros(self._latents_memory + self._wave_memory)

    @torch.inference_mode()
    def latents(self, codes: Tensor, positions: Tensor, memory: Tensor) -> Tensor:
        rows, frames, _ = codes.shape
        sight = look(self._decoder.pre_transformer, positions, frames, memory)
        hidden = torch.zeros(sight.mask.shape).masked_fill_(~sight.mask, -torch.inf)[:, None]
        inputs = {"codes": codes, "cos": sight.cos, "sin": sight.sin, "mask": hidden}
        out = torch.empty(rows, self._decoder.config.latent_dim, frames)
        return _run(self._latents, inputs, memory[:, : self._latents_memory], out)

    @torch.inference_mode()
    def wave(self, latents: Tensor, memory: Tensor) -> Tensor:
        rows, _, frames = latents.shape
        out = torch.empty(rows, 1, frames * int(self._decoder.total_upsample))
        return _run(self._wave, {"latents": latents}, memory[:, self._latents_memory :], out).squeeze(1)


@torch.inference_mode()
def _session(draw: Callable[[Drawing, Any], str], decoder: Any, threads: int) -> tuple[Session, int]:
    drawing = Drawing()
    session = drawing.session(draw(drawing, decoder), threads)
    return session, drawing.memory


def _run(session: Session, inputs: dict[str, Tensor], memory: Tensor, out: Tensor) -> Tensor:
    """`out`, filled; the memory is changed."""
    kept, binding = torch.empty(memory.shape), session.binding()
    given = {name: each.contiguous() for name, each in (inputs | {"memory": memory}).items()}
    for name, tensor in given.items():
        binding.input(name, tensor)
    binding.output("result", out)
    binding.output("kept", kept)
    session.run(binding)
    memory.copy_(kept)
    return out
