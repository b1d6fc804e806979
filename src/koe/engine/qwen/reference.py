"""What the model keeps of a reference clip: its codes, and the embedding of who speaks."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from koe.core.errors import MalformedInput

SAMPLE_RATE = 24_000
"""Hz; what both encoders take."""

FRAME_SAMPLES = 1920
"""Samples of a frame; the shortest clip."""


class ReferenceEncoder:
    """The encoders of a loaded Base model, each called just as the package does.

    Clips are float32 [samples], mono, 24 kHz, within +-1. Raises MalformedInput where one isn't.
    """

    def __init__(self, model: Any) -> None:
        """`model`: a Qwen3TTSForConditionalGeneration of kind "base" with its speech tokenizer."""
        self._model = model
        self._codec = model.speech_tokenizer.model

    def codes(self, samples: NDArray[np.float32]) -> Tensor:
        """int64 [frames, 16], as Qwen3TTSTokenizer.encode gives them; a last partial frame counts."""
        _check(samples)
        return encode(self._codec, samples)

    def speaker_embedding(self, samples: NDArray[np.float32]) -> Tensor:
        """[hidden size of the talker], of the model's dtype."""
        _check(samples)
        embedding: Tensor = self._model.extract_speaker_embedding(samples, SAMPLE_RATE)
        return embedding

    def fits(self, embedding: Tensor, codes: Tensor | None) -> bool:
        """Whether these could be of this model: a code beyond its codebook would bring down a GPU."""
        size: int = self._model.config.talker_config.hidden_size
        if embedding.shape != (size,) or embedding.dtype != self._model.dtype or not embedding.isfinite().all():
            return False
        if codes is None:
            return True
        decoder = self._codec.config.decoder_config
        if codes.dtype != torch.int64 or codes.ndim != 2 or codes.shape[1] != decoder.num_quantizers or not len(codes):
            return False
        return bool(((codes >= 0) & (codes < decoder.codebook_size)).all())


@torch.inference_mode()
def encode(codec: Any, samples: NDArray[np.float32]) -> Tensor:
    """int64 [frames, 16], as Qwen3TTSTokenizer.encode gives them; a last partial frame counts.

    `codec`: a Qwen3TTSTokenizerV2Model with its encoder. Samples [n], n >= FRAME_SAMPLES, mono, 24 kHz.
    """
    values = torch.from_numpy(samples)[None].to(codec.device)
    heard = torch.ones_like(values, dtype=torch.int64)
    codes: Tensor = codec.encode(values.to(codec.dtype), heard, return_dict=True).audio_codes[0]
    return codes


def _check(samples: NDArray[np.float32]) -> None:
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise MalformedInput(f"a reference is mono float32 samples, not {samples.dtype} {samples.shape}")
    if len(samples) < FRAME_SAMPLES:
        raise MalformedInput(f"a reference of {len(samples)} samples is too short: {FRAME_SAMPLES} at least")
    if not np.abs(samples).max() <= 1.0:
        raise MalformedInput("a reference has samples beyond +-1, or that aren't numbers")
