"""A checkpoint from its folder into memory: never over the network, and never by running anything it holds."""

import importlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from koe.core.errors import EngineUnavailable, KoeError
from koe.engine.qwen.checkpoints import Checkpoint, read
from koe.engine.qwen.cpu.lean import lean_model
from koe.engine.qwen.cpu.source import MappedWeights
from koe.engine.qwen.device import Device, free_memory, is_out_of_memory, release_memory
from koe.engine.qwen.manifest import known_sha256, sha256
from koe.engine.qwen.package import import_qwen_tts
from koe.engine.qwen.published import Ability
from koe.engine.qwen.weights import Weights, read_weights

_GIB = 1024**3
_WORD_FILES = ("vocab.json", "merges.txt", "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """Weights on their device, ready to compute; belongs to one thread."""

    checkpoint: Checkpoint

    model: Any
    """Qwen3TTSForConditionalGeneration, its speech_tokenizer set: the package's own methods work on it."""

    processor: Any
    """Qwen3TTSProcessor: text to tokens."""

    codec: Any
    """Qwen3TTSTokenizerV2Model; its encoder is None where the checkpoint doesn't clone."""

    codec_digest: str
    """The same for checkpoints with the same codec."""

    config: Any
    """Qwen3TTSConfig."""

    device: Device

    attention: str
    """`sdpa` or `eager`."""

    @property
    def dtype(self) -> torch.dtype:
        return self.device.dtype

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset({self.checkpoint.ability})

    @property
    def speakers(self) -> Mapping[str, str | None]:
        """As the model knows them, with the dialect of each."""
        return self.checkpoint.speakers

    @property
    def languages(self) -> Mapping[str, str]:
        """BCP-47 tag -> the model's word."""
        return self.checkpoint.languages


@contextmanager
def _quiet() -> Iterator[None]:
    """What transformers says is for those who train models; what is wrong with the weights is told otherwise."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@_quiet()
def load(
    folder: Path, device: Device, *, codec_of: LoadedCheckpoint | None = None, graph_bytes: int | None = None
) -> LoadedCheckpoint:
    """The checkpoint in the folder; its codec is that of `codec_of` where both have the same.

    `graph_bytes`: of the graphs that compute the talker's and the code predictor's layers, which are not loaded then.
    Takes seconds to a minute. Raises EngineUnavailable that names the file and the remedy.
    """
    checkpoint = _whole(folder)
    digest = _codec_digest(checkpoint.codec_folder)
    shared = _shareable(checkpoint, digest, device, codec_of)
    _check_memory(checkpoint, device, graph_bytes, with_codec=shared is None)
    package = import_qwen_tts()
    try:
        with _blaming(checkpoint, "config.json"):
            config = package.core.models.Qwen3TTSConfig.from_pretrained(folder, local_files_only=True)
        with _blaming(checkpoint, *_WORD_FILES):
            processor = _processor(package, folder)
        codec = shared if shared is not None else _codec(package, checkpoint, device)
        if checkpoint.ability is not Ability.CLONE and shared is None:
            # Only references are encoded. That is 225 of the codec's 682 MB on a GPU; on a CPU it saves nothing, as
            # float32 weights stay in the mapped file until they are touched: 4056 MiB with the 0.6B model either way.
            codec.encoder = None
        with _blaming(checkpoint, "model.safetensors"):
            model, attention = _model(package, folder, config, device, lean=graph_bytes is not None)
        with _blaming(checkpoint, "generation_config.json"):
            model.load_generate_config(json.loads((folder / "generation_config.json").read_bytes()))
        with _blaming(checkpoint, "speech_tokenizer/preprocessor_config.json"):
            model.load_speech_tokenizer(_package_codec(package, checkpoint.codec_folder, codec, device))
    finally:
        release_memory(device)
    return LoadedCheckpoint(checkpoint, model, processor, codec, digest, config, device, attention)


@_quiet()
def load_codec(checkpoint: Checkpoint, device: Device) -> Any:
    """The codec alone of any checkpoint, whole: a Qwen3TTSTokenizerV2Model. Raises as `load` does."""
    needed = read_weights(checkpoint.codec_folder).parameters * device.codec_dtype.itemsize
    if needed > (free := free_memory(device.name)):
        raise _too_large(checkpoint, f"its codec needs {needed / _GIB:.1f} GiB, {free / _GIB:.1f} are free")
    try:
        return _codec(import_qwen_tts(), checkpoint, device)
    finally:
        release_memory(device)


def _whole(folder: Path) -> Checkpoint:
    checkpoint = read(folder)
    if checkpoint is None:
        raise EngineUnavailable(f"{folder} holds no Qwen3-TTS checkpoint")
    if checkpoint.problem:
        raise EngineUnavailable(f"{checkpoint.problem}; {checkpoint.remedy}")
    if checkpoint.ability is Ability.CODEC:
        raise EngineUnavailable(f"{folder} is the codec alone, which can't speak")
    return checkpoint


@contextmanager
def _blaming(checkpoint: Checkpoint, file: str, *others: str) -> Iterator[None]:
    """Any failure while this file is loaded, as EngineUnavailable; `others`: those that may be to blame as well."""
    try:
        yield
    except KoeError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise _too_large(checkpoint, "it ran out while it was loaded") from error
        reason = " ".join(line.strip() for line in str(error).splitlines()[:2]) or type(error).__name__
        path = " or ".join([str(checkpoint.folder / file), *others])
        raise EngineUnavailable(f"{path} can't be loaded ({reason}); {checkpoint.remedy}") from error


def _check_memory(checkpoint: Checkpoint, device: Device, graph_bytes: int | None, *, with_codec: bool) -> None:
    """Beforehand, because a system that runs out of memory kills the whole process."""
    needed = checkpoint.parameters * device.dtype.itemsize if graph_bytes is None else graph_bytes
    if with_codec:
        needed += read_weights(checkpoint.codec_folder).parameters * device.codec_dtype.itemsize
    free = free_memory(device.name)
    if needed > free:
        raise _too_large(checkpoint, f"it needs {needed / _GIB:.1f} GiB, {free / _GIB:.1f} are free")


def _too_large(checkpoint: Checkpoint, reason: str) -> EngineUnavailable:
    smaller = "set engine.qwen.size to 0.6B or " if checkpoint.size != "0.6B" else ""
    return EngineUnavailable(f"not enough memory for {checkpoint.name}: {reason}; {smaller}end other programs")


def _processor(package: Any, folder: Path) -> Any:
    # The flag replaces Qwen's way to split words by Mistral's, here as in the package: tokens must be the same.
    tokenizer_class = importlib.import_module("transformers").Qwen2TokenizerFast
    tokenizer = tokenizer_class.from_pretrained(folder, local_files_only=True, fix_mistral_regex=True)
    return package.core.models.Qwen3TTSProcessor(tokenizer=tokenizer)


def _model(package: Any, folder: Path, config: Any, device: Device, *, lean: bool) -> tuple[Any, str]:
    """Without the codec, which the package's own from_pretrained would load once more."""
    model_class = package.core.models.Qwen3TTSForConditionalGeneration
    weights = read_weights(folder)
    if lean:
        with MappedWeights(weights.files) as mapped:
            return lean_model(model_class, config, mapped), "sdpa"
    for attention in ("sdpa", "eager"):
        try:
            load_weights = super(model_class, model_class).from_pretrained
            model = _loaded(load_weights, weights, device, device.dtype, config=config, attention=attention)
        except (ValueError, ImportError) as error:
            if attention == "eager" or "attention" not in str(error):
                raise
        else:
            return model, attention
    raise AssertionError("eager attention needs nothing")


def _codec(package: Any, checkpoint: Checkpoint, device: Device) -> Any:
    model_class = package.core.Qwen3TTSTokenizerV2Model
    with _blaming(checkpoint, str(checkpoint.codec_folder / "config.json")):
        config = model_class.config_class.from_pretrained(checkpoint.codec_folder, local_files_only=True)
        # Whether a codec can be made of it at all: otherwise its failures would be blamed on the weights.
        with torch.device("meta"):
            model_class(config)
    with _blaming(checkpoint, str(checkpoint.codec_folder / "model.safetensors")):
        weights = read_weights(checkpoint.codec_folder)
        load_weights = model_class.from_pretrained
        codec = _loaded(load_weights, weights, device, device.codec_dtype, config=config, attention="sdpa")
    return codec


def _loaded(
    load_weights: Any, weights: Weights, device: Device, dtype: torch.dtype, *, config: Any, attention: str
) -> Any:
    model, report = load_weights(
        weights.files[0].parent,
        config=config,
        dtype=dtype,
        device_map=None if device.kind == "cpu" else device.name,
        attn_implementation=attention,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    if wrong := sorted({*report["missing_keys"], *report["unexpected_keys"]}):
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise ValueError(f"the weights don't fit config.json: {wrong[0]}{more}")
    return model.eval().requires_grad_(False)


def _package_codec(package: Any, folder: Path, codec: Any, device: Device) -> Any:
    """The codec as the package wraps it, for encoding references."""
    extractor_class = importlib.import_module("transformers").EncodecFeatureExtractor
    wrapped = package.Qwen3TTSTokenizer()
    wrapped.feature_extractor = extractor_class.from_pretrained(folder, local_files_only=True)
    wrapped.model = codec
    wrapped.config = codec.config
    wrapped.device = torch.device(device.name)
    return wrapped


def _shareable(checkpoint: Checkpoint, digest: str, device: Device, other: LoadedCheckpoint | None) -> Any | None:
    if other is None or other.codec_digest != digest or other.device.name != device.name:
        return None
    lacks_encoder = checkpoint.ability is Ability.CLONE and other.codec.encoder is None
    return None if lacks_encoder else other.codec


def _codec_digest(folder: Path) -> str:
    """By what is on record, else by reading the files: 0.7 GB take a second or two."""
    files = [folder / "config.json", *read_weights(folder).files]
    root = folder.parent
    return " ".join(known_sha256(root, file.relative_to(root).as_posix()) or sha256(file) for file in files)
