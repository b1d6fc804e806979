"""The configuration files of a Qwen3-TTS checkpoint: the published ones' values, or tiny ones of the same shape."""

from typing import Any, Literal

Size = Literal["tiny", "0.6B", "1.7B"]
Kind = Literal["custom_voice", "voice_design", "base"]
Config = dict[str, Any]

LANGUAGES = {
    **{"chinese": 2055, "english": 2050, "german": 2053, "italian": 2070, "portuguese": 2071},
    **{"spanish": 2054, "japanese": 2058, "korean": 2064, "french": 2061, "russian": 2069},
}
DIALECTS = {"beijing_dialect": 2074, "sichuan_dialect": 2062}
SPEAKERS = {
    **{"serena": 3066, "vivian": 3065, "uncle_fu": 3010, "ryan": 3061, "aiden": 2861},
    **{"ono_anna": 2873, "sohee": 2864, "eric": 2875, "dylan": 2878},
}
DIALECT_OF = {"eric": "sichuan_dialect", "dylan": "beijing_dialect"}

SPECIAL_TOKENS = {
    **{"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645},
    **{"<tts_pad>": 151671, "<tts_text_bos>": 151672, "<tts_text_eod>": 151673},
}
TINY_SPECIAL_TOKENS = {token: 1000 + index for index, token in enumerate(SPECIAL_TOKENS)}

GENERATION: Config = {
    **{"do_sample": True, "repetition_penalty": 1.05, "temperature": 0.9, "top_p": 1.0, "top_k": 50},
    **{"subtalker_dosample": True, "subtalker_temperature": 0.9, "subtalker_top_p": 1.0, "subtalker_top_k": 50},
    "max_new_tokens": 8192,
}

CODEC_FEATURES: Config = {
    **{"chunk_length_s": None, "feature_extractor_type": "EncodecFeatureExtractor", "feature_size": 1},
    **{"overlap": None, "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True},
    "sampling_rate": 24000,
}

_TRANSFORMER: Config = {
    **{"attention_bias": False, "attention_dropout": 0, "hidden_act": "silu", "initializer_range": 0.02},
    **{"head_dim": 128, "num_attention_heads": 16, "num_key_value_heads": 8, "num_code_groups": 16},
    **{"rms_norm_eps": 1e-06, "rope_theta": 1000000, "sliding_window": None, "use_sliding_window": False},
    "use_cache": True,
}
_TINY_TRANSFORMER: Config = {"head_dim": 16, "num_attention_heads": 4, "num_key_value_heads": 2}

_CODEC_DECODER: Config = {
    **{"attention_bias": False, "attention_dropout": 0.0, "latent_dim": 1024, "codebook_dim": 512},
    **{"codebook_size": 2048, "decoder_dim": 1536, "hidden_act": "silu", "hidden_size": 512},
    **{"intermediate_size": 1024, "layer_scale_initial_scale": 0.01, "max_position_embeddings": 8000},
    **{"head_dim": 64, "num_attention_heads": 16, "num_hidden_layers": 8, "num_key_value_heads": 16},
    **{"num_quantizers": 16, "num_semantic_quantizers": 1, "rms_norm_eps": 1e-05, "rope_theta": 10000},
    **{"semantic_codebook_size": 4096, "sliding_window": 72, "upsample_rates": [8, 5, 4, 3]},
    **{"upsampling_ratios": [2, 2], "vector_quantization_hidden_dimension": 512},
}
_TINY_CODEC_DECODER: Config = {
    **{"latent_dim": 32, "codebook_dim": 32, "decoder_dim": 64, "hidden_size": 32, "intermediate_size": 48},
    **{"head_dim": 8, "num_attention_heads": 4, "num_key_value_heads": 4, "num_hidden_layers": 2},
}
_CODEC_ENCODER: Config = {
    **{"_frame_rate": 12.5, "attention_bias": False, "attention_dropout": 0.0, "audio_channels": 1},
    **{"codebook_dim": 256, "codebook_size": 2048, "compress": 2, "dilation_growth_rate": 2, "head_dim": 64},
    **{"hidden_act": "gelu", "hidden_size": 512, "initializer_range": 0.02, "intermediate_size": 2048},
    **{"kernel_size": 7, "last_kernel_size": 3, "layer_scale_initial_scale": 0.01, "norm_eps": 1e-05},
    **{"max_position_embeddings": 8000, "normalize": False, "num_attention_heads": 8, "num_filters": 64},
    **{"num_hidden_layers": 8, "num_key_value_heads": 8, "num_quantizers": 32, "num_residual_layers": 1},
    **{"num_semantic_quantizers": 1, "pad_mode": "constant", "residual_kernel_size": 3, "rope_theta": 10000.0},
    **{"sampling_rate": 24000, "sliding_window": 250, "trim_right_ratio": 1.0, "upsample_groups": 512},
    **{"upsampling_ratios": [8, 6, 5, 4], "use_cache": False, "use_causal_conv": True},
    **{"use_conv_shortcut": False, "use_streaming": False, "vector_quantization_hidden_dimension": 256},
}
_TINY_CODEC_ENCODER: Config = {
    **{"codebook_dim": 16, "hidden_size": 32, "head_dim": 8, "intermediate_size": 48, "num_attention_heads": 4},
    **{"num_key_value_heads": 4, "num_filters": 4, "num_hidden_layers": 2, "upsample_groups": 32},
    "vector_quantization_hidden_dimension": 16,
}


def special_tokens(size: Size) -> dict[str, int]:
    return TINY_SPECIAL_TOKENS if size == "tiny" else SPECIAL_TOKENS


def main_config(size: Size, kind: Kind) -> Config:
    """config.json; a tiny voice_design says 1b7, as there is no smaller one."""
    tokens = special_tokens(size)
    large = size == "1.7B" or (size == "tiny" and kind == "voice_design")
    speaker_encoder = {"speaker_encoder_config": _speaker_encoder(size)} if kind == "base" else {}
    return {
        **{"architectures": ["Qwen3TTSForConditionalGeneration"], "model_type": "qwen3_tts"},
        **{"tokenizer_type": "qwen3_tts_tokenizer_12hz", "transformers_version": "4.57.3"},
        **{"tts_model_size": "1b7" if large else "0b6", "tts_model_type": kind},
        **{"assistant_token_id": 77091, "im_start_token_id": tokens["<|im_start|>"]},
        **{"im_end_token_id": tokens["<|im_end|>"], "tts_pad_token_id": tokens["<tts_pad>"]},
        **{"tts_bos_token_id": tokens["<tts_text_bos>"], "tts_eos_token_id": tokens["<tts_text_eod>"]},
        "talker_config": _talker(size, kind),
        **speaker_encoder,
    }


def codec_config(size: Size) -> Config:
    """speech_tokenizer/config.json"""
    tiny = size == "tiny"
    return {
        **{"architectures": ["Qwen3TTSTokenizerV2Model"], "model_type": "qwen3_tts_tokenizer_12hz"},
        **{"encoder_valid_num_quantizers": 16, "input_sample_rate": 24000, "output_sample_rate": 24000},
        **{"decode_upsample_rate": 1920, "encode_downsample_rate": 1920},
        "decoder_config": _CODEC_DECODER | (_TINY_CODEC_DECODER if tiny else {}),
        "encoder_config": _CODEC_ENCODER | (_TINY_CODEC_ENCODER if tiny else {}),
    }


def _talker(size: Size, kind: Kind) -> Config:
    hidden, intermediate = {"tiny": (64, 128), "0.6B": (1024, 3072), "1.7B": (2048, 6144)}[size]
    tiny = size == "tiny"
    sections = [4, 2, 2] if tiny else [24, 20, 20]
    return {
        **_TRANSFORMER,
        **{"model_type": "qwen3_tts_talker", "hidden_size": hidden, "intermediate_size": intermediate},
        **{"num_hidden_layers": 28, "max_position_embeddings": 32768, "position_id_per_seconds": 13},
        **{"text_hidden_size": 2048, "text_vocab_size": 151936, "vocab_size": 3072},
        **{"codec_bos_id": 2149, "codec_eos_token_id": 2150, "codec_pad_id": 2148, "codec_think_id": 2154},
        **{"codec_nothink_id": 2155, "codec_think_bos_id": 2156, "codec_think_eos_id": 2157},
        "rope_scaling": {"interleaved": True, "mrope_section": sections, "rope_type": "default", "type": "default"},
        "code_predictor_config": _code_predictor(size),
        **_voices(kind),
        **(_TINY_TRANSFORMER | {"num_hidden_layers": 3, "text_hidden_size": 96} if tiny else {}),
        **({"text_vocab_size": 1024} if tiny else {}),
    }


def _voices(kind: Kind) -> Config:
    named = kind == "custom_voice"
    return {
        "codec_language_id": LANGUAGES | DIALECTS if named else LANGUAGES,
        "spk_id": SPEAKERS if named else {},
        "spk_is_dialect": {name: DIALECT_OF.get(name, False) for name in SPEAKERS} if named else {},
    }


def _code_predictor(size: Size) -> Config:
    tiny = size == "tiny"
    layers = 2 if tiny else 5
    return {
        **_TRANSFORMER,
        **{"model_type": "qwen3_tts_talker_code_predictor", "hidden_size": 1024, "intermediate_size": 3072},
        **{"num_hidden_layers": layers, "layer_types": ["full_attention"] * layers, "max_window_layers": 28},
        **{"max_position_embeddings": 65536, "rope_scaling": None, "tie_word_embeddings": False},
        "vocab_size": 2048,
        **(_TINY_TRANSFORMER | {"hidden_size": 48, "intermediate_size": 96} if tiny else {}),
    }


def _speaker_encoder(size: Size) -> Config:
    if size != "tiny":
        return {"enc_dim": 1024 if size == "0.6B" else 2048, "sample_rate": 24000}
    channels = {"enc_channels": [16, 16, 16, 16, 48], "enc_attention_channels": 8}
    return {"enc_dim": 64, "sample_rate": 24000, **channels, "enc_res2net_scale": 4, "enc_se_channels": 8}
