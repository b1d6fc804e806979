"""Checkpoints with everything but weights: one number in each file. For whatever loads no torch."""

import json
from pathlib import Path

from tests.support.checkpoint_configs import CODEC_FEATURES, GENERATION, Kind, Size, codec_config, main_config


def hollow_checkpoint(folder: Path, *, size: Size = "0.6B", kind: Kind = "custom_voice") -> Path:
    """The folder, filled, in the layout of the published ones."""
    codec = hollow_codec(folder / "speech_tokenizer")
    write_json(folder / "config.json", main_config(size, kind))
    write_json(folder / "generation_config.json", GENERATION)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "Qwen2Tokenizer"})
    write_json(folder / "vocab.json", {"a": 0})
    (folder / "merges.txt").write_text("#version: 0.2\n")
    write_weights(folder / "model.safetensors", folder.name)
    assert codec.is_dir()
    return folder


def hollow_codec(folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_json(folder / "config.json", codec_config("tiny"))
    write_json(folder / "preprocessor_config.json", CODEC_FEATURES)
    write_weights(folder / "model.safetensors", "codec")
    return folder


def write_weights(file: Path, note: str, *, dtype: str = "F32", numbers: int = 1) -> None:
    """Zeros; a different note makes a different file."""
    tensor = {"dtype": dtype, "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    header = json.dumps({"__metadata__": {"note": note}, "weight": tensor}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * numbers))


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value), encoding="utf-8")
