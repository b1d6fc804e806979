"""What the talker hears before its first frame, exactly as the package would put it together.

A prompt is a sequence of embeddings, each the sum of a text and a codec part:

    text   [instruct]  role  pad ... pad  bos  then, whole text:  text eos            pad
    codec                    language [speaker] pad               pad  ...  pad       bos
                                                or dual track:    text's first token; the others beside the frames
                                                                  bos
    With a reference, its transcript leads the text, and its codes follow (whole) or run beside it (dual track).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from koe.core.errors import NothingToSpeak, UnknownVoice, UnsupportedAbility
from koe.engine.qwen.prompt_voices import Cloned, Designed, Named, PromptVoice, Reference
from koe.engine.qwen.voices import speaker_id

__all__ = ["Cloned", "Designed", "Named", "Prompt", "PromptBuilder", "PromptVoice", "Reference"]

_ROLE = "<|im_start|>assistant\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    embeds: Tensor
    """[n, d]"""

    trailing: Tensor
    """[m, d]: the text that is heard beside the first m frames, one embedding each."""


class PromptBuilder:
    """Prompts for one Qwen3TTSForConditionalGeneration."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._talker = model.talker
        self._config = model.config.talker_config
        config = model.config
        with torch.inference_mode():
            special = self._embed_text([config.tts_bos_token_id, config.tts_eos_token_id, config.tts_pad_token_id])
        self._bos, self._eos, self._pad = special[:1], special[1:2], special[2:]

    @property
    def eos(self) -> Tensor:
        """[d]: ends a text that was fed token by token."""
        eos: Tensor = self._eos[0]
        return eos

    @property
    def pad(self) -> Tensor:
        """[d]: stands where no text is left."""
        pad: Tensor = self._pad[0]
        return pad

    def text_ids(self, text: str) -> list[int]:
        """The token ids of a whole text."""
        return self._ids(f"{_ROLE}{_plain(text)}<|im_end|>\n{_ROLE}")[3:-5]

    @torch.inference_mode()
    def text_embedding(self, ids: Sequence[int]) -> Tensor:
        """What is heard of these tokens: [k, d]."""
        return self._embed_text(ids)

    def blank(self) -> Prompt:
        """A prompt without a word, for warming up."""
        return Prompt(self._pad.expand(8, -1), self._none())

    @torch.inference_mode()
    def whole(self, voice: PromptVoice, ids: Sequence[int], language: str | None = None) -> Prompt:
        """The whole text before the first frame; the package's `non_streaming_mode=True`.

        `language`: the package's name of it ("German", any case), None: the model finds out. Raises UnknownVoice and
        UnsupportedAbility for what the checkpoint can't do, NothingToSpeak without text.
        """
        head, bos = self._head(voice, ids, language), self._codec(self._config.codec_bos_id)
        text = torch.cat((self._embed_text([*self._transcript_ids(voice), *ids]), self._eos))
        return Prompt(
            torch.cat((head, text + self._codec(self._config.codec_pad_id), self._with_codes(voice, bos) + self._pad)),
            self._none(),
        )

    @torch.inference_mode()
    def dual(
        self, voice: PromptVoice, ids: Sequence[int], language: str | None = None, *, complete: bool = True
    ) -> Prompt:
        """One token of the text beside each frame; the package's `non_streaming_mode=False`.

        `complete=False`: these are the first tokens, at least `needed(voice)`, of a text that is still arriving. After
        the prompt's `trailing`, the embeddings of the others are heard one by one, then `eos`.
        """
        if not complete and len(ids) < self.needed(voice):
            raise ValueError(f"this voice needs {self.needed(voice)} tokens of text to begin with, not {len(ids)}")
        head, bos = self._head(voice, ids, language), self._codec(self._config.codec_bos_id)
        codec = self._with_codes(voice, bos)
        text = torch.cat((self._beside(voice, ids), self._eos if complete else self._none()))
        missing = max(len(codec) - len(text), 0)
        beside = torch.cat((text[: len(codec)], self._pad.expand(missing, -1)))
        return Prompt(torch.cat((head, beside + codec)), text[len(codec) :])

    def needed(self, voice: PromptVoice) -> int:
        """With so many tokens of a text, its dual-track prompt is known: its first, or those beside a reference."""
        reference = _reference(voice)
        codes = 0 if reference is None else len(reference.codes)
        return max(1, 1 + codes - len(self._transcript_ids(voice)))

    def _head(self, voice: PromptVoice, ids: Sequence[int], language: str | None) -> Tensor:
        """Everything before the text: instruction, role, language, speaker."""
        if not ids:
            raise NothingToSpeak("there is no text to speak")
        self._check_ability(voice)
        instruct = self._instruct(voice)
        role = self._embed_text(self._ids(_ROLE))
        tags = self._tags(voice, language)
        text = torch.cat((self._pad.expand(len(tags) - 1, -1), self._bos))
        return torch.cat((instruct, role, text + tags))

    def _check_ability(self, voice: PromptVoice) -> None:
        needs = {Named: "custom_voice", Designed: "voice_design", Cloned: "base"}[type(voice)]
        if self._model.tts_model_type != needs:
            raise UnsupportedAbility(f"this voice needs a {needs} checkpoint, not {self._model.tts_model_type}")
        if isinstance(voice, Named) and voice.instruct and self._model.tts_model_size == "0b6":
            raise UnsupportedAbility("the 0.6B model takes no instruction on how to speak: the 1.7B does")

    def _instruct(self, voice: PromptVoice) -> Tensor:
        words = _wishes(voice)
        if not words:
            return self._none()
        return self._embed_text(self._ids(f"<|im_start|>user\n{_plain(words)}<|im_end|>\n"))

    def _tags(self, voice: PromptVoice, language: str | None) -> Tensor:
        """The codec's side of the head: language, speaker, pad."""
        config, speaker = self._config, self._speaker(voice)
        number = self._language_id(voice, language)
        thought = [config.codec_nothink_id] if number is None else [config.codec_think_id]
        inner = [config.codec_think_bos_id, *([] if number is None else [number]), config.codec_think_eos_id]
        return torch.cat((self._codec(*thought, *inner), speaker, self._codec(config.codec_pad_id)))

    def _language_id(self, voice: PromptVoice, language: str | None) -> int | None:
        name = (language or "auto").lower()
        if name in ("chinese", "auto") and isinstance(voice, Named):
            name = self._config.spk_is_dialect.get(self._name(voice)) or name
        elif name not in self._model.get_supported_languages():
            known = ", ".join(self._model.get_supported_languages())
            raise UnsupportedAbility(f"the model does not speak {language}; it speaks {known}")
        return None if name == "auto" else int(self._config.codec_language_id[name])

    def _speaker(self, voice: PromptVoice) -> Tensor:
        """[1, d], or [0, d] for a voice without one."""
        if isinstance(voice, Designed):
            return self._none()
        if isinstance(voice, Cloned):
            return voice.embedding.to(self._pad).view(1, -1)
        return self._codec(self._config.spk_id[self._name(voice)])

    def _name(self, voice: Named) -> str:
        """As the model knows the speaker; the first, where several have the same id."""
        for name in self._config.spk_id:
            if speaker_id(name) == speaker_id(voice.speaker):
                return str(name)
        known = ", ".join(sorted(self._config.spk_id))
        raise UnknownVoice(f"there is no speaker {voice.speaker!r}; there are {known}")

    def _beside(self, voice: PromptVoice, ids: Sequence[int]) -> Tensor:
        """The dual track's text, the transcript before it: [k, d], in the package's own pieces, for equal rounding."""
        if _reference(voice) is not None:
            return self._embed_text([*self._transcript_ids(voice), *ids])
        return torch.cat((self._embed_text(ids[:1]), self._embed_text(ids[1:])))

    def _with_codes(self, voice: PromptVoice, bos: Tensor) -> Tensor:
        """The codec's side of bos and of a reference's frames: [1 + t, d]."""
        reference = _reference(voice)
        if reference is None:
            return bos
        tables = (self._talker.model.codec_embedding, *self._talker.code_predictor.model.codec_embedding)
        codes = reference.codes.to(bos.device).unbind(-1)
        parts = [table(column) for table, column in zip(tables, codes, strict=True)]
        return torch.cat((bos, torch.stack(parts, dim=1).sum(1)))

    def _transcript_ids(self, voice: PromptVoice) -> list[int]:
        reference = _reference(voice)
        if reference is None:
            return []
        return self._ids(f"{_ROLE}{_plain(reference.transcript)}<|im_end|>\n")[3:-2]

    def _embed_text(self, ids: Sequence[int]) -> Tensor:
        numbers = torch.tensor(ids, dtype=torch.int64, device=self._model.device)
        embeds: Tensor = self._talker.text_projection(self._talker.model.text_embedding(numbers))
        return embeds

    def _codec(self, *codes: int) -> Tensor:
        embeds: Tensor = self._talker.model.codec_embedding(torch.tensor(codes, device=self._model.device))
        return embeds

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _none(self) -> Tensor:
        nothing: Tensor = self._pad[:0]
        return nothing


def _reference(voice: PromptVoice) -> Reference | None:
    return voice.reference if isinstance(voice, Cloned) else None


def _wishes(voice: PromptVoice) -> str:
    if isinstance(voice, Named):
        return voice.instruct
    return voice.description if isinstance(voice, Designed) else ""


def _plain(text: str) -> str:
    """The names of special tokens are no words: "<|im_end|>" in a text must not end the prompt."""
    return text.replace("<|", "< |")
