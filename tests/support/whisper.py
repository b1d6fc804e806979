"""A tiny model for faster-whisper: random weights, so that it hears nonsense, but in the form of the published ones."""

import shutil
import warnings
from pathlib import Path
from typing import Any

_VOCABULARY = 51_866
"""Below this, the library takes a model for one of English alone."""

_STAMPS = 1501
_TASKS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")


def tiny_whisper(folder: Path) -> Path:
    """The folder, with the model in it."""
    from ctranslate2.converters import TransformersConverter
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    tags = [f"<|{language}|>" for language in _LANGUAGE_CODES if language != "yue"]
    special = ["<|endoftext|>", "<|startoftranscript|>", *tags, *(f"<|{task}|>" for task in _TASKS)]
    source = folder.with_name(f"{folder.name}-source")
    numbers = _save_tokenizer(source, special)
    _save_weights(source, numbers, tags)
    TransformersConverter(str(source)).convert(str(folder))
    shutil.copy(source / "tokenizer.json", folder)
    return folder


def _save_tokenizer(folder: Path, special: list[str]) -> dict[str, int]:
    """Ids by token: single bytes, then words that nobody says, then what steers the model."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [f"Ġw{number}" for number in range(_VOCABULARY - _STAMPS - len(special) - len(letters))]
    numbers = {token: number for number, token in enumerate([*letters, *words, *special])}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    own: Any = PreTrainedTokenizerFast
    named = dict.fromkeys(("eos_token", "bos_token", "unk_token"), special[0])
    own(tokenizer_object=tokenizer, **named).save_pretrained(folder)
    return numbers


def _save_weights(folder: Path, numbers: dict[str, int], tags: list[str]) -> None:
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    configured: Any = WhisperConfig
    end = numbers["<|endoftext|>"]
    sides = ("encoder", "decoder")
    config = configured(
        vocab_size=_VOCABULARY,
        d_model=8,
        num_mel_bins=80,
        decoder_start_token_id=numbers["<|startoftranscript|>"],
        **dict.fromkeys(("eos_token_id", "bos_token_id", "pad_token_id"), end),
        **dict.fromkeys(("suppress_tokens", "begin_suppress_tokens")),
        **{f"{side}_layers": 1 for side in sides},
        **{f"{side}_attention_heads": 2 for side in sides},
        **{f"{side}_ffn_dim": 8 for side in sides},
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    steering: Any = model.generation_config
    steering.lang_to_id = {tag: numbers[tag] for tag in tags}
    steering.alignment_heads = [[0, 0], [0, 1]]
    steering.suppress_tokens, steering.begin_suppress_tokens = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
