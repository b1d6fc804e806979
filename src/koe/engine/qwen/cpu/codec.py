"""The codec's decoder as graphs: a CodecExecutor on onnxruntime."""

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from koe.engine.qwen.codec_attention import look
from koe.engine.qwen.codec_modules import wave_reach
from koe.engine.qwen.cpu.codec_graph import draw_latents, draw_wave
from koe.engine.qwen.cpu.drawing import Drawing
from koe.engine.qwen.cpu.graph import Place, Weights
from koe.engine.qwen.cpu.session import Session
from koe.engine.qwen.cpu.sharing import Part
from koe.engine.qwen.weights import read_header, weight_files

CODEC = {"codec_latents.onnx": draw_latents, "codec_wave.onnx": draw_wave}
"""The two graphs."""


@torch.inference_mode()
def draw(decoder: Any, name: str, weights: Weights | None) -> Any:
    """One of them as an onnx.ModelProto; `decoder`: a Qwen3TTSTokenizerV2Decoder."""
    drawing = Drawing(weights)
    return drawing.model(CODEC[name](drawing, decoder), name.removesuffix(".onnx"))


class FoundWeights:
    """Those of a codec's decoder in its checkpoint's own files, so that no copy of them is needed."""

    def __init__(self, decoder: Any, folder: Path) -> None:
        """`decoder`: a Qwen3TTSTokenizerV2Decoder, loaded from the files in this folder."""
        # A download may have left links to files elsewhere, and onnxruntime leaves a folder by no link.
        files = [file.resolve() for file in weight_files(folder)]
        self.folder = files[0].parent
        self._places: dict[int, Place] = {}
        """By the address in memory."""

        parameters = {f"decoder.{name}": each for name, each in decoder.named_parameters()}
        for file in (each for each in files if each.parent == self.folder):
            header, start = read_header(file)
            for name in parameters.keys() & header.keys():
                if header[name]["dtype"] == "F32":
                    begin, end = header[name]["data_offsets"]
                    self._places[parameters[name].data_ptr()] = Place(file.name, start + begin, end - begin)

    def place(self, values: NDArray[Any]) -> Place | None:
        place = self._places.get(values.ctypes.data)
        return place if place is not None and place.length == values.nbytes else None


class GraphCodec:
    """On the float32 weights of a Qwen3TTSTokenizerV2Decoder."""

    together = 1
    """Measured with chunks of 8 frames on 2 cores: 36 ms a frame, alone or four at a time."""

    def __init__(self, decoder: Any, cores: Part, graphs: Path | Weights | None = None) -> None:
        """`graphs`: the folder that they are packed in. Otherwise they are drawn: Weights that are mapped, None: they
        are copied."""
        self._decoder, self._cores, self.reach = decoder, cores, wave_reach(decoder)
        if isinstance(graphs, Path):
            self._latents, self._wave = (Session(graphs / each, cores) for each in CODEC)
        else:
            folder = graphs.folder if graphs is not None else None
            self._latents, self._wave = (
                Session(draw(decoder, each, graphs).SerializeToString(), cores, folder) for each in CODEC
            )
        self._latents_memory, self._wave_memory = self._latents.width("kept"), self._wave.width("kept")

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
        return self._run(self._latents, inputs, memory[:, : self._latents_memory], out)

    @torch.inference_mode()
    def wave(self, latents: Tensor, memory: Tensor) -> Tensor:
        rows, _, frames = latents.shape
        out = torch.empty(rows, 1, frames * int(self._decoder.total_upsample))
        return self._run(self._wave, {"latents": latents}, memory[:, self._latents_memory :], out).squeeze(1)

    def _run(self, session: Session, inputs: dict[str, Tensor], memory: Tensor, out: Tensor) -> Tensor:
        """`out`, filled; the memory is changed."""
        kept, binding = torch.empty(memory.shape), session.binding()
        given = {name: each.contiguous() for name, each in (inputs | {"memory": memory}).items()}
        for name, tensor in given.items():
            binding.input(name, tensor)
        binding.output("result", out)
        binding.output("kept", kept)
        try:
            session.run(binding)
        finally:
            self._cores.rest()
        memory.copy_(kept)
        return out
