"""What quantised weights lose: their scores beside those of the weights as they are, where both hear the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.code_predictor import CodePredictor
from koe.engine.qwen.cpu.executors import GraphPredictor, GraphTalker
from koe.engine.qwen.cpu.files import Graphs
from koe.engine.qwen.cpu.sharing import Part
from koe.engine.qwen.device import choose_device
from koe.engine.qwen.executors import PredictorExecutor, TalkerExecutor
from koe.engine.qwen.loading import load
from koe.engine.qwen.prompt import Prompt, PromptBuilder
from koe.engine.qwen.prompt_voices import Cloned, Designed, Named, PromptVoice
from koe.engine.qwen.published import Ability
from koe.engine.qwen.sampling import FirstCodes, Sampling, draw
from koe.engine.qwen.talker import Talker

TEXT = "The washing machine is finished, and it is raining: please close the window in the kitchen."
FRAMES = 64

_POSITIONS = 512
_SEED = 1
_FAITHFUL, _FAIR = (0.999, 0.95), (0.98, 0.85)
"""Cosine and share of equal first choices."""

_FINE = 0.99
"""Cosine within frames, which make the detail of the sound."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two models' scores."""

    cosine: float
    """The mean over all scores; 1: the same."""

    top1: float
    """The share of scores with the same highest."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    talker: Agreement
    predictor: Agreement
    frames: int

    @property
    def told(self) -> str:
        """For people."""
        figures = (self.talker.cosine, self.talker.top1)
        faithful = all(figure >= needed for figure, needed in zip(figures, _FAITHFUL, strict=True))
        if faithful and self.predictor.cosine >= _FINE:
            words = "as good as the original: no difference is to be expected by ear"
        elif faithful:
            words = "true in words and intonation, but not in the detail of the sound: listen before you keep it"
        elif all(figure >= needed for figure, needed in zip(figures, _FAIR, strict=True)):
            words = "close to the original: the same words and voice, now and then another intonation"
        else:
            words = "some way from the original: listen before you keep it, or use int8"
        return (
            f"Over {self.frames} frames of a fixed text it is {words}. The scores agree to {self.talker.cosine:.4f} "
            f"(1 is the same), their first choice in {self.talker.top1:.0%}; within frames to "
            f"{self.predictor.cosine:.4f} and in {self.predictor.top1:.0%}."
        )


class _Scores:
    """Pairs of scores, and how well they agree."""

    def __init__(self) -> None:
        self._cosines: list[float] = []
        self._same: list[bool] = []

    def note(self, true: Tensor, other: Tensor) -> None:
        """Each [1, vocabulary]."""
        self._cosines.append(float(torch.cosine_similarity(true.float(), other.float()).item()))
        self._same.append(bool(true.argmax() == other.argmax()))

    def agreement(self) -> Agreement:
        return Agreement(sum(self._cosines) / len(self._cosines), sum(self._same) / len(self._same))


def measure(place: Graphs) -> Fidelity:
    """Takes a minute or two, and memory for the checkpoint in float32. Raises EngineUnavailable as `loading.load`."""
    loaded = load(place.checkpoint.folder, choose_device("cpu", "float32"))
    prompts = PromptBuilder(loaded.model, loaded.processor.tokenizer)
    voice = _voice(loaded.model, place.checkpoint.ability)
    prompt = prompts.whole(voice, prompts.text_ids(TEXT), None)
    return compare(loaded.model, place, prompt, prompts.pad)


@torch.inference_mode()
def compare(model: Any, place: Graphs, prompt: Prompt, pad: Tensor, frames: int = FRAMES) -> Fidelity:
    """`model`: a whole Qwen3TTSForConditionalGeneration in float32; `pad` [d]: what is heard beside a frame."""
    talker, cores = model.talker, Part(torch.get_num_threads())
    true = Talker(talker, 1, _POSITIONS), CodePredictor(talker, 1)
    other = (
        GraphTalker(talker, place.folder, 1, _POSITIONS, cores),
        GraphPredictor(talker, place.folder, 1, cores),
    )
    config = model.config.talker_config
    rules = FirstCodes(1, config.vocab_size, config.codec_eos_token_id, pad.device)
    firsts, rest = _Scores(), _Scores()
    for kind, one, another in _steps(true, other, rules, prompt, pad, frames):
        (firsts if kind == "first" else rest).note(one, another)
    return Fidelity(firsts.agreement(), rest.agreement(), frames)


_Executors = tuple[TalkerExecutor, PredictorExecutor]


def _steps(
    true: _Executors, other: _Executors, rules: FirstCodes, prompt: Prompt, pad: Tensor, frames: int
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The scores of both, for each code of each frame; both hear the codes that are drawn from the true scores."""
    sampling, generator = Sampling(), torch.Generator().manual_seed(_SEED)
    rules.begin(0, sampling.repetition_penalty)
    outlooks = [each[0].prefill(0, prompt.embeds) for each in (true, other)]
    for _ in range(frames):
        yield "first", outlooks[0].logits, outlooks[1].logits
        first = draw(rules.scores([0], outlooks[0].logits), [sampling.first], [generator])
        rules.note([0], first)
        heard: list[Tensor] = []

        def choose(scores: Tensor, heard: list[Tensor] = heard) -> Tensor:
            heard.append(scores.clone())
            return draw(scores, [sampling.rest], [generator])

        codes, embeds = true[1].predict(outlooks[0].hidden, first, choose)
        others: list[Tensor] = []

        def repeat(scores: Tensor, others: list[Tensor] = others, codes: Tensor = codes) -> Tensor:
            others.append(scores.clone())
            return codes[:, len(others)]

        other[1].predict(outlooks[1].hidden, first, repeat)
        yield from (("rest", one, another) for one, another in zip(heard, others, strict=True))
        outlooks = [each[0].step([0], embeds + pad) for each in (true, other)]


def _voice(model: Any, ability: Ability) -> PromptVoice:
    """One that needs nothing from outside."""
    config = model.config.talker_config
    if ability is Ability.NAMED:
        return Named(next(iter(config.spk_id)))
    if ability is Ability.DESIGN:
        return Designed("A calm voice.")
    return Cloned(torch.zeros(config.hidden_size), None)
