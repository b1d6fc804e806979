"""The graphs of a checkpoint, from its weights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from koe.engine.qwen.cpu.codec import CODEC, draw
from koe.engine.qwen.cpu.graph import Graph, WeightsFile
from koe.engine.qwen.cpu.packing import Sample, pack
from koe.engine.qwen.cpu.precision import BITS, Precision
from koe.engine.qwen.cpu.transformer import Source, Transformer, linear

TALKER, PREDICTOR = "talker.onnx", "code_predictor.onnx"


def build(source: Source, config: Any, precision: Precision, folder: Path) -> Iterator[str]:
    """Write the talker's and the code predictor's graph into a folder; tells what comes next.

    `config`: a Qwen3TTSTalkerConfig.
    """
    yield "the talker"
    _talker(source, config, precision, folder / TALKER)
    pack(folder / TALKER, [_hearing()])
    yield "the code predictor"
    _predictor(source, config, precision, folder / PREDICTOR)
    pack(folder / PREDICTOR, [_hearing(head) for head in range(config.num_code_groups - 1)])


def build_codec(decoder: Any, folder: Path) -> None:
    """Write the codec's graphs into a folder; `decoder`: a Qwen3TTSTokenizerV2Decoder.

    It stays at 32 bits: with convolutions at 8 it took only a tenth (2 threads) to a fifth (1) less time, on a
    processor made for them (AVX-512 VNNI), and noise lay only 23 dB below the sound.
    """
    sizes = {"b": 1, "t": 2, "seen": decoder.pre_transformer.window_size + 1}
    for name in CODEC:
        with WeightsFile((folder / name).with_suffix(".bin")) as weights:
            onnx.save(draw(decoder, name, weights), folder / name)
        pack(folder / name, [Sample(sizes)])


def _hearing(head: int = 0) -> Sample:
    """Two positions."""
    return Sample({"n": 1, "s": 2, "m": 4, "p": 4}, {"seen": 1, "longest": 2, "head": head})


def _talker(source: Source, config: Any, precision: Precision, file: Path) -> None:
    """x [n, s, hidden] -> hidden [n, hidden] and logits [n, vocabulary] after the last position."""
    bits = BITS[precision]
    with WeightsFile(file.with_suffix(".bin")) as weights:
        graph = Graph(weights)
        x = graph.input("x", ("n", "s", config.hidden_size))
        hidden = Transformer(graph, source, "talker.model.", config, bits.talker).draw(x)
        logits = linear(graph, source, hidden, "talker.codec_head", bits=bits.heads)
        graph.output(hidden, "hidden", ("n", config.hidden_size))
        graph.output(logits, "logits", ("n", config.vocab_size))
        onnx.save(graph.model(file.stem), file)


def _predictor(source: Source, config: Any, precision: Precision, file: Path) -> None:
    """x [n, s, the talker's hidden size], head int32 -> logits [n, vocabulary] by this codebook's head."""
    bits, own = BITS[precision], config.code_predictor_config
    prefix = "talker.code_predictor."
    narrow = f"{prefix}small_to_mtp_projection"
    with WeightsFile(file.with_suffix(".bin")) as weights:
        graph = Graph(weights)
        x = graph.input("x", ("n", "s", config.hidden_size))
        if source(f"{narrow}.weight") is not None:
            x = linear(graph, source, x, narrow, bits=bits.heads)
        hidden = Transformer(graph, source, f"{prefix}model.", own, bits.predictor).draw(x)
        logits = graph.choice(
            graph.input("head", (), np.int32),
            config.num_code_groups - 1,
            lambda branch, head: linear(branch, source, hidden, f"{prefix}lm_head.{head}", bits=bits.heads),
        )
        graph.output(logits, "logits", ("n", own.vocab_size))
        onnx.save(graph.model(file.stem), file)
