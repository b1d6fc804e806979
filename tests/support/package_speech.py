"""The `qwen_tts` package speaking by itself: the codes that Koe's own loop must equal."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.package import import_qwen_tts
from koe.engine.qwen.prompt_voices import Cloned, Designed, Named, PromptVoice, Reference
from koe.engine.qwen.sampling import Sampling
from tests.support.checkpoint_configs import Kind


@dataclass
class _Ear:
    """In the codec's place: hears the codes that the package would decode."""

    codes: list[Tensor] = field(default_factory=list)

    def decode(self, batch: list[dict[str, Tensor]]) -> tuple[list[Any], int]:
        self.codes += [one["audio_codes"] for one in batch]
        return [one["audio_codes"].new_zeros(1).numpy() for one in batch], 24000


@dataclass
class Heard:
    """What the package's talker was given at first."""

    embeds: Tensor
    trailing: Tensor


class Package:
    def __init__(self, folder: Path) -> None:
        self.tts = import_qwen_tts().Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32)
        self.model: Any = self.tts.model.eval()
        self.model.tts_model_size = "1b7"  # so that a tiny one takes instructions
        self.tokenizer: Any = self.tts.processor.tokenizer

    def codes(
        self,
        voice: PromptVoice,
        text: str,
        language: str | None = None,
        *,
        whole: bool,
        tokens: int,
        sampling: Sampling,
        seed: int = 0,
    ) -> Tensor:
        """int64 [frames, 16], of at most tokens - 1 frames."""
        ear = _Ear()
        self.model.load_speech_tokenizer(ear)
        torch.manual_seed(seed)
        speak, extra = self._way(voice)
        values = {"non_streaming_mode": whole, "max_new_tokens": tokens, **_arguments(sampling)}
        speak(text=text, language=language, **extra, **values)
        reference = voice.reference if isinstance(voice, Cloned) else None
        return ear.codes[0][0 if reference is None else len(reference.codes) :]

    def heard(self, voice: PromptVoice, text: str, language: str | None = None, *, whole: bool) -> Heard:
        calls: list[dict[str, Any]] = []
        hook = self.model.talker.register_forward_pre_hook(
            lambda module, args, kwargs: calls.append(kwargs), with_kwargs=True
        )
        try:
            self.codes(voice, text, language, whole=whole, tokens=2, sampling=Sampling.greedy())
        finally:
            hook.remove()
        return Heard(calls[0]["inputs_embeds"][0], calls[0]["trailing_text_hidden"][0])

    def _way(self, voice: PromptVoice) -> tuple[Callable[..., Any], dict[str, Any]]:
        match voice:
            case Named():
                return self.tts.generate_custom_voice, {"speaker": voice.speaker, "instruct": voice.instruct}
            case Designed():
                return self.tts.generate_voice_design, {"instruct": voice.description}
            case Cloned():
                return self.tts.generate_voice_clone, {"voice_clone_prompt": [_clone_item(voice)]}


def _clone_item(voice: Cloned) -> Any:
    item = importlib.import_module("qwen_tts.inference.qwen3_tts_model").VoiceClonePromptItem
    reference = voice.reference
    return item(
        ref_code=None if reference is None else reference.codes,
        ref_spk_embedding=voice.embedding,
        x_vector_only_mode=reference is None,
        icl_mode=reference is not None,
        ref_text=None if reference is None else reference.transcript,
    )


def _arguments(sampling: Sampling) -> dict[str, Any]:
    first, rest = sampling.first, sampling.rest
    return {
        **{"do_sample": first.do_sample, "top_k": first.top_k, "top_p": first.top_p},
        **{"temperature": first.temperature, "repetition_penalty": sampling.repetition_penalty},
        **{"subtalker_dosample": rest.do_sample, "subtalker_top_k": rest.top_k},
        **{"subtalker_top_p": rest.top_p, "subtalker_temperature": rest.temperature},
    }


TEXT = "Good night, see you tomorrow."


def a_clone(*, frames: int = 0, transcript: str = "The front door is locked.") -> Cloned:
    """Of no one; with a reference of so many frames."""
    chance = torch.Generator().manual_seed(frames)
    embedding = torch.randn(64, generator=chance)
    codes = torch.randint(0, 2048, (frames, 16), generator=chance)
    return Cloned(embedding, Reference(codes, transcript) if frames else None)


CASES: dict[str, tuple[Kind, PromptVoice, str | None]] = {
    "named": ("custom_voice", Named("Ryan"), None),
    "named in a language": ("custom_voice", Named("ono_anna"), "German"),
    "instructed": ("custom_voice", Named("Vivian", "Slowly, with a calm voice."), "English"),
    "dialect by itself": ("custom_voice", Named("Eric"), None),
    "dialect in Chinese": ("custom_voice", Named("dylan"), "Chinese"),
    "dialect in another language": ("custom_voice", Named("Dylan"), "French"),
    "designed": ("voice_design", Designed("A young woman with a cheerful tone."), None),
    "designed in a language": ("voice_design", Designed("A warm voice."), "Italian"),
    "cloned by embedding": ("base", a_clone(), "English"),
    "cloned, reference longer than text": ("base", a_clone(frames=60), None),
    "cloned, reference shorter than text": ("base", a_clone(frames=7), "Korean"),
}
