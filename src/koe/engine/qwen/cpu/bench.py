"""What a checkpoint would do on this machine, before it is downloaded.

Measured on noise of the true size, for speed does not depend on what weights say.
"""

import importlib
import itertools
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.codec import StreamingDecoder
from koe.engine.qwen.cpu.build import build, build_codec
from koe.engine.qwen.cpu.codec import GraphCodec
from koe.engine.qwen.cpu.cores import threads
from koe.engine.qwen.cpu.figures import ROOMS, Figures
from koe.engine.qwen.cpu.lean import lean_model
from koe.engine.qwen.cpu.precision import Quantised
from koe.engine.qwen.cpu.sharing import Cores
from koe.engine.qwen.frames import FrameGenerator, Row, graph_generator
from koe.engine.qwen.package import import_qwen_tts
from koe.engine.qwen.prompt import Prompt
from koe.engine.qwen.published import Size
from koe.engine.qwen.sampling import Sampling

FRAME_SECONDS = 0.08
_PROMPT = 23
"""Positions of a short sentence with a named voice."""

_FRAMES, _CHUNK, _CHUNKS = 24, 8, 5
_POSITIONS = 256

_WIDTHS: dict[Size, tuple[int, int]] = {"0.6B": (1024, 3072), "1.7B": (2048, 6144)}
_TALKER = {
    "num_code_groups": 16,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
}
_PREDICTOR = {"num_hidden_layers": 5, "hidden_size": 1024, "intermediate_size": 3072, "vocab_size": 2048}
_CODEC = {"hidden_size": 512, "intermediate_size": 1024, "head_dim": 64, "codebook_dim": 512}


def measure(size: Size, precision: Quantised, folder: Path, tell: Callable[[str], None]) -> Figures:
    """Takes half a minute and up to 4.3 GB in the folder, which are removed again."""
    torch.set_num_threads(threads())
    with tempfile.TemporaryDirectory(dir=folder, prefix=".bench-") as place:
        tell(f"making noise as large as {size} at {precision} ...")
        model, decoder = _noise(size, precision, Path(place))
        tell("measuring ...")
        return _Run(model, decoder, Path(place)).figures(size, precision)


@dataclass
class Times:
    """Seconds by part."""

    of: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def taking(self, part: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.of.setdefault(part, []).append(time.perf_counter() - begin)

    def usual(self, part: str) -> float:
        """The median, as other programs disturb now and then."""
        ordered = sorted(self.of[part])
        return ordered[len(ordered) // 2]


class _Run:
    def __init__(self, model: Any, decoder: Any, graphs: Path) -> None:
        self._cores = Cores(torch.get_num_threads())
        self._frames = graph_generator(model, graphs, ROOMS, _POSITIONS, self._cores.frames)
        self._decoder = StreamingDecoder(GraphCodec(decoder, self._cores.sound, graphs))
        width = model.config.talker_config.hidden_size
        self._prompt = Prompt(torch.randn(_PROMPT, width), torch.empty(0, width))

    def figures(self, size: Size, precision: Quantised) -> Figures:
        self._first()
        first = min(self._first() for _ in range(3))
        times = Times()
        _timed(self._frames, times)
        with self._sounding(times):
            frame = self._seconds(1, _FRAMES)
            talker, predictor = times.usual("talker"), times.usual("predictor")
            frame_of_rooms = self._seconds(ROOMS, _CHUNK) / ROOMS
        codec = times.usual("chunk") / _CHUNK
        longer = max if self._cores.beside else sum
        alone, together = longer((frame, codec)), longer((frame_of_rooms, codec))
        return Figures(
            size=size,
            precision=precision,
            first_audio=first,
            real_time=alone / FRAME_SECONDS,
            talker=talker,
            predictor=predictor,
            codec=codec,
            together=FRAME_SECONDS / together,
        )

    def _first(self) -> float:
        begin = time.perf_counter()
        row = self._open(1)
        codes = self._advance([row])[None]
        self._cores.frames.rest()
        self._decoder.decode([self._decoder.open()], codes)
        seconds = time.perf_counter() - begin
        self._frames.close(row)
        return seconds

    def _seconds(self, rooms: int, frames: int) -> float:
        """Of one frame of so many streams, but for its sound."""
        rows = [self._open(seed) for seed in range(rooms)]
        times = Times()
        for _ in range(frames):
            with times.taking("frame"):
                self._advance(rows)
        for row in rows:
            self._frames.close(row)
        return times.usual("frame")

    @contextmanager
    def _sounding(self, times: Times) -> Iterator[None]:
        """Sound is made as well: all the while, or afterwards where there is no thread for it."""
        state, over = self._decoder.open(), threading.Event()
        codes = torch.randint(0, 2048, (1, _CHUNK, 16))

        def decode() -> None:
            for count in itertools.count():
                if over.is_set() and count >= _CHUNKS:
                    return
                with times.taking("chunk"):
                    self._decoder.decode([state], codes)

        thread = threading.Thread(target=decode, name="bench-sound")
        if self._cores.beside:
            thread.start()
        try:
            yield
        finally:
            over.set()
            if self._cores.beside:
                thread.join()
            else:
                decode()

    def _open(self, seed: int) -> Row:
        return self._frames.open(self._prompt, Sampling(), seed)

    def _advance(self, rows: list[Row]) -> Tensor:
        codes = self._frames.advance(rows, [None] * len(rows))
        for row in rows:
            row.finished = False  # noise may say so at any frame
        return codes


def _timed(frames: FrameGenerator, times: Times) -> None:
    """Take the time of each of its parts from now on."""
    talker, predictor = frames.executors
    step, predict = talker.step, predictor.predict

    def timed_step(*args: Any) -> Any:
        with times.taking("talker"):
            return step(*args)

    def timed_predict(*args: Any) -> Any:
        with times.taking("predictor"):
            return predict(*args)

    vars(talker)["step"], vars(predictor)["predict"] = timed_step, timed_predict


def _noise(size: Size, precision: Quantised, folder: Path) -> tuple[Any, Any]:
    """The graphs of such a checkpoint in the folder; its model without their layers, and its codec's decoder."""
    models = import_qwen_tts().core.models
    hidden, intermediate = _WIDTHS[size]
    talker = {**_TALKER, "hidden_size": hidden, "intermediate_size": intermediate, "text_vocab_size": 1024}
    predictor = {**_TALKER, **_PREDICTOR, "layer_types": ["full_attention"] * 5}
    special = {"tts_pad_token_id": 1, "tts_bos_token_id": 2, "tts_eos_token_id": 3, "tts_model_type": "custom_voice"}
    known: dict[str, Any] = {
        "codec_eos_token_id": 2150,
        "spk_id": {},
        "spk_is_dialect": {},
        "codec_language_id": {},
        "vocab_size": 3072,
    }
    config = models.Qwen3TTSConfig(talker_config={**talker, **known, "code_predictor_config": predictor}, **special)
    with torch.device("meta"):
        whole = models.Qwen3TTSForConditionalGeneration(config)
    shapes = {name: tensor.shape for name, tensor in whole.state_dict().items()}
    drawn: dict[torch.Size, Tensor] = {}
    turns = itertools.count()

    def source(name: str) -> Tensor | None:
        """Each another: of weights that are alike, onnxruntime keeps only one, and then reads that from its cache."""
        if (shape := shapes.get(name)) is None:
            return None
        if shape not in drawn:
            drawn[shape] = torch.randn(shape) / math.sqrt(shape[-1])
        return drawn[shape].roll(next(turns), dims=0)

    for _ in build(source, config.talker_config, precision, folder):
        pass
    decoder = _decoder()
    build_codec(decoder, folder)
    return lean_model(models.Qwen3TTSForConditionalGeneration, config, source), decoder


def _decoder() -> Any:
    core = import_qwen_tts().core
    codec = importlib.import_module(core.Qwen3TTSTokenizerV2Model.__module__)
    config = core.Qwen3TTSTokenizerV2Config(decoder_config=dict(_CODEC)).decoder_config
    return codec.Qwen3TTSTokenizerV2Decoder(config).eval().requires_grad_(False)
