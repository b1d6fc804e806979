"""Qwen3-TTS checkpoints with random weights, in the layout of the published ones."""

import copy
import importlib
import json
import math
from pathlib import Path
from typing import Any, Literal

from koe.engine.qwen.package import import_qwen_tts
from tests.support.checkpoint_configs import (
    CODEC_FEATURES,
    GENERATION,
    Config,
    Kind,
    Size,
    codec_config,
    main_config,
    special_tokens,
)

Dtype = Literal["float32", "bfloat16", "float16"]
Tensor = Any

_CORPUS = (
    "Hello, this is a small test of the speech server. The lights in the kitchen are now on.",
    "The front door is locked. It is seven thirty in the morning and the temperature is twelve degrees.",
    "Your timer for ten minutes has finished. Playing music in the living room. Good night, see you tomorrow.",
    "Please speak slowly and clearly with a calm, warm voice. A young woman with a cheerful tone.",
    *("assistant", "user") * 200,
)
_ORDINARY_TOKENS = 480


def make_checkpoint(
    folder: Path, *, size: Size, kind: Kind, seed: int = 0, dtype: Dtype = "float32", eos_scale: float = 1.0
) -> Path:
    """The folder, filled. "tiny" takes a second and 4 MB; the true sizes are for benchmarks.

    `eos_scale` scales the head's row for the end of speech: 0 makes speech that seldom ends by itself.
    """
    codec = folder / "speech_tokenizer"
    codec.mkdir(parents=True)
    main, codec_values = main_config(size, kind), codec_config(size)
    _write_json(folder / "config.json", main)
    _write_json(folder / "generation_config.json", GENERATION)
    _write_json(codec / "config.json", codec_values)
    _write_json(codec / "preprocessor_config.json", CODEC_FEATURES)
    _write_tokenizer(folder, special_tokens(size))
    _write_main_weights(folder / "model.safetensors", main, _Random(seed), dtype, eos_scale)
    # The same for every kind, as the published ones carry the same codec.
    _write_codec_weights(codec / "model.safetensors", codec_values, _Random(seed))
    return folder


class _Random:
    def __init__(self, seed: int) -> None:
        import torch

        self._torch = torch
        self._generator = torch.Generator().manual_seed(seed)

    def like(self, tensor: Tensor, std: float, mean: float = 0.0) -> Tensor:
        empty = self._torch.empty(tensor.shape, dtype=self._torch.float32)
        return empty.normal_(mean, std, generator=self._generator)

    def spread(self, tensor: Tensor, gain: float = 1.0) -> Tensor:
        """Keeps the variance of what goes through a matrix or a convolution, times gain squared."""
        return self.like(tensor, gain / math.sqrt(tensor[0].numel()))


def _write_main_weights(path: Path, config: Config, random: _Random, dtype: Dtype, eos_scale: float) -> None:
    import torch
    from safetensors.torch import save_file

    models = import_qwen_tts().core.models
    with torch.device("meta"):
        model = models.Qwen3TTSForConditionalGeneration(models.Qwen3TTSConfig(**copy.deepcopy(config)))
    embedding_std = 0.05 if config["talker_config"]["hidden_size"] < 1024 else 0.02
    weights = {}
    for name, tensor in model.state_dict().items():
        weight = _main_weight(name, tensor, random, embedding_std)
        if name == "talker.codec_head.weight":
            weight[config["talker_config"]["codec_eos_token_id"]] *= eos_scale
        weights[name] = weight.to(getattr(torch, dtype)).contiguous()
    save_file(weights, path, metadata={"format": "pt"})


def _main_weight(name: str, tensor: Tensor, random: _Random, embedding_std: float) -> Tensor:
    if name.endswith("norm.weight"):
        return random.like(tensor, 0.05, mean=1.0)
    if tensor.ndim == 1:
        return random.like(tensor, 0.02)
    if "embedding" in name:
        return random.like(tensor, embedding_std)
    # Sharper than the rest, so that greedy decoding has clear winners.
    return random.spread(tensor, 1.5 if name.startswith("talker.codec_head") or "lm_head" in name else 1.0)


def _write_codec_weights(path: Path, config: Config, random: _Random) -> None:
    import torch
    from safetensors.torch import save_file

    core = import_qwen_tts().core
    with torch.device("meta"):
        codec = core.Qwen3TTSTokenizerV2Model(core.Qwen3TTSTokenizerV2Config(**copy.deepcopy(config)))
    weights = {name: _codec_weight(name, tensor, random) for name, tensor in codec.state_dict().items()}
    save_file({name: weight.contiguous() for name, weight in weights.items()}, path, metadata={"format": "pt"})


def _codec_weight(name: str, tensor: Tensor, random: _Random) -> Tensor:
    if tensor.ndim == 1 or name.endswith("cluster_usage"):
        return _codec_vector(name, tensor, random)
    if name.endswith(("embedding_sum", "embed_sum")):
        return random.like(tensor, 1.0)
    if tensor.ndim < 3:
        return random.spread(tensor)
    if _is_transposed_convolution(name, tensor):
        return random.like(tensor, 1 / math.sqrt(2 * tensor.shape[0]))  # two taps reach each sample
    last = name.startswith("decoder.decoder.6.conv.weight")
    return random.spread(tensor, 0.7 * (0.04 if last else 1.0))  # the waveform stays well inside +-1


def _codec_vector(name: str, tensor: Tensor, random: _Random) -> Tensor:
    if name.endswith("initialized"):
        return random.like(tensor, 0.0, mean=1.0)
    if name.endswith("cluster_usage"):
        return 1 + random.like(tensor, 0.1).abs()
    if name.endswith(("alpha", "beta")):
        return random.like(tensor, 0.1)
    # Far above the trained scale: what attention sees becomes audible in tests of parity.
    if "layer_scale" in name:
        return random.like(tensor, 0.05, mean=0.4)
    if name.endswith("gamma"):
        return random.like(tensor, 0.05, mean=0.3)
    if "norm" in name and name.endswith("weight"):
        return random.like(tensor, 0.05, mean=1.0)
    return random.like(tensor, 0.01)


def _is_transposed_convolution(name: str, tensor: Tensor) -> bool:
    halves = bool(tensor.shape[0] == 2 * tensor.shape[1])
    return halves and name.startswith("decoder.decoder") and ".1.conv.weight" in name


def _write_tokenizer(folder: Path, special: dict[str, int]) -> None:
    """A byte-level BPE as the published one, with the special tokens at the ids that config.json names."""
    vocabulary, merges = _trained_bpe()
    if max(vocabulary.values()) >= min(special.values()):
        raise ValueError("ordinary tokens reach into the special ones")
    # Never produced, as no merge leads to them; a vocabulary with holes would be warned of.
    unused = {f"<unused_{number}>": number for number in range(len(vocabulary), max(special.values()))}
    fillers = {token: number for token, number in unused.items() if number not in special.values()}
    _write_json(folder / "vocab.json", vocabulary | fillers | special)
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    tokens = {str(number): {"content": token, **flags} for token, number in special.items()}
    settings = {
        **{"tokenizer_class": "Qwen2Tokenizer", "processor_class": "Qwen3TTSProcessor"},
        **{"add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": tokens},
        **{"additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None},
        **{"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None, "errors": "replace"},
        **{"model_max_length": 131072, "clean_up_tokenization_spaces": False, "split_special_tokens": False},
    }
    _write_json(folder / "tokenizer_config.json", settings)
    features = {"feature_extractor_type": "WhisperFeatureExtractor", "padding_side": "left", "padding_value": 0.0}
    _write_json(folder / "preprocessor_config.json", {"processor_class": "Qwen3TTSProcessor", **features})


def _trained_bpe() -> tuple[dict[str, int], list[str]]:
    tokenizers = importlib.import_module("tokenizers")  # has no types
    byte_level = tokenizers.pre_tokenizers.ByteLevel
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = byte_level(add_prefix_space=False)
    alphabet = sorted(byte_level.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=_ORDINARY_TOKENS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]


def _write_json(path: Path, value: Config) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
