"""How a code is chosen from the model's scores: transformers 4.57.3's processors, in its order, with its draws."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from koe.core import profile
from koe.core.errors import RequestError

_MIN_TOKENS = 2
"""The end of speech is not among a stream's first so many codes."""

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Draw:
    """From scores to a code."""

    do_sample: bool = True
    """False: the highest score; the rest is then without effect."""

    top_k: int = 50
    """0: all."""

    top_p: float = 1.0
    temperature: float = 0.9

    def __post_init__(self) -> None:
        if self.top_k < 0 or not 0 <= self.top_p <= 1 or not 0 < self.temperature < math.inf:
            raise RequestError(f"sampling needs top_k >= 0, 0 <= top_p <= 1 and temperature > 0: {self}")


@dataclass(frozen=True, slots=True)
class Sampling:
    first: Draw = field(default_factory=Draw)
    """Of each frame's first code, by the talker."""

    rest: Draw = field(default_factory=Draw)
    """Of the other codes, by the code predictor (the package's `subtalker_*`)."""

    repetition_penalty: float = 1.05
    """On the first codes that the stream has had."""

    def __post_init__(self) -> None:
        if not 0 < self.repetition_penalty < math.inf:
            raise RequestError(f"repetition_penalty must be more than 0, not {self.repetition_penalty}")

    @classmethod
    def greedy(cls) -> "Sampling":
        return cls(Draw(do_sample=False), Draw(do_sample=False))

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> "Sampling":
        """From a checkpoint's generation_config.json, or anything with its keys; what it doesn't say is the default."""
        keys = ("do_sample", "top_k", "top_p", "temperature")
        first = {key: values[key] for key in keys if key in values}
        names = {key: "subtalker_dosample" if key == "do_sample" else f"subtalker_{key}" for key in keys}
        rest = {key: values[name] for key, name in names.items() if name in values}
        penalty = values.get("repetition_penalty", cls().repetition_penalty)
        return cls(Draw(**first), Draw(**rest), penalty)

    def as_wished(self, wishes: profile.Sampling) -> "Sampling":
        """With what somebody asks for in the place of its own; for the first code and for the others alike."""
        keys = ("temperature", "top_k", "top_p")
        values: dict[str, Any] = {key: value for key in keys if (value := getattr(wishes, key)) is not None}
        penalty = self.repetition_penalty if wishes.repetition_penalty is None else wishes.repetition_penalty
        return Sampling(replace(self.first, **values), replace(self.rest, **values), penalty)


class FirstCodes:
    """What the talker may not say, or not so easily: the state of each slot's stream."""

    def __init__(self, slots: int, vocabulary: int, end: int, device: torch.device) -> None:
        """`end`: the code of the end of speech. The last 1024 codes but this are no sounds."""
        self.end = end
        self._mute = torch.zeros(vocabulary, dtype=torch.bool, device=device)
        self._mute[vocabulary - 1024 :] = True
        self._mute[end] = False
        self._had = torch.zeros(slots, vocabulary, dtype=torch.bool, device=device)
        self._penalty = torch.ones(slots, 1, device=device)
        self._count = [0] * slots

    def begin(self, slot: int, penalty: float) -> None:
        """A new stream in this slot."""
        self._had[slot] = False
        self._penalty[slot] = penalty
        self._count[slot] = 0

    def save(self, slot: int) -> tuple[Tensor, Tensor, int]:
        """A copy of the slot's stream, for `restore`."""
        return self._had[slot].clone(), self._penalty[slot].clone(), self._count[slot]

    def restore(self, slot: int, saved: tuple[Tensor, Tensor, int]) -> None:
        """Go on with a saved stream."""
        self._had[slot], self._penalty[slot], self._count[slot] = saved

    def scores(self, slots: Sequence[int], logits: Tensor) -> Tensor:
        """logits [n, vocabulary], one row for each of these slots -> the scores to draw from, float32."""
        index = torch.tensor(slots, device=logits.device)
        scores, penalty = logits.float(), self._penalty[index]
        dearer = torch.where(scores < 0, scores * penalty, scores / penalty)
        scores = torch.where(self._had[index], dearer, scores).masked_fill(self._mute, _NEVER)
        for row, slot in enumerate(slots):
            if self._count[slot] < _MIN_TOKENS:
                scores[row, self.end] = _NEVER
        return scores

    def note(self, slots: Sequence[int], codes: Tensor) -> None:
        """These slots' streams go on with codes [n]."""
        self._had[torch.tensor(slots, device=codes.device), codes] = True
        for slot in slots:
            self._count[slot] += 1


def draw(scores: Tensor, ways: Sequence[Draw], generators: Sequence[torch.Generator]) -> Tensor:
    """scores float32 [n, vocabulary], a way and a generator for each row -> ids int64 [n].

    A row's ids are those that torch.multinomial draws for this row alone.
    """
    kinds = set(ways)
    if len(kinds) == 1:
        return _draw_alike(scores, ways[0], generators)
    ids = torch.empty(len(ways), dtype=torch.int64, device=scores.device)
    for kind in kinds:
        rows = [row for row, way in enumerate(ways) if way == kind]
        ids[rows] = _draw_alike(scores[rows], kind, [generators[row] for row in rows])
    return ids


def _draw_alike(scores: Tensor, way: Draw, generators: Sequence[torch.Generator]) -> Tensor:
    if not way.do_sample:
        return scores.argmax(-1)
    return _multinomial(_likely(scores / way.temperature, way).softmax(-1), generators)


def _likely(scores: Tensor, way: Draw) -> Tensor:
    if way.top_k:
        least = scores.topk(min(way.top_k, scores.shape[-1])).values[:, -1:]
        scores = scores.masked_fill(scores < least, _NEVER)
    if way.top_p < 1:
        ordered, order = scores.sort(descending=False)
        unlikely = ordered.softmax(-1).cumsum(-1) <= 1 - way.top_p
        unlikely[:, -1] = False
        scores = scores.masked_fill(unlikely.scatter(1, order, unlikely), _NEVER)
    return scores


def _multinomial(probabilities: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """As torch.multinomial takes one sample, which is a race of exponentials; each row with its own generator."""
    race = torch.empty_like(probabilities)
    for row, generator in zip(race, generators, strict=True):
        row.exponential_(generator=generator)
    return probabilities.div(race).argmax(-1)
