"""The talker and the code predictor as graphs: TalkerExecutor and PredictorExecutor on onnxruntime."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koe.engine.qwen.cpu.build import PREDICTOR, TALKER
from koe.engine.qwen.cpu.memory import GraphMemory, Stretch
from koe.engine.qwen.cpu.session import Binding, Session, bind_memory
from koe.engine.qwen.cpu.sharing import Part
from koe.engine.qwen.cpu.transformer import Sizes
from koe.engine.qwen.executors import Choose, Outlook
from koe.engine.qwen.kv_cache import SavedSlot
from koe.engine.qwen.layers import rotation


class GraphTalker:
    """The talker of a Qwen3TTSForConditionalGeneration as a TalkerExecutor."""

    def __init__(self, talker: Any, folder: Path, slots: int, positions: int, cores: Part) -> None:
        """`talker`: for its configuration; `folder`: of its graphs; `positions` as in Talker."""
        config, sizes = talker.config, Sizes.of(talker.config)
        limit = min(positions, config.max_position_embeddings)
        self._config, self._session = config, Session(folder / TALKER, cores)
        # One more than is ever used, for slots between others (GraphMemory.extend).
        self._memory = GraphMemory(
            sizes.layers, sizes.kv_heads, sizes.head_dim, slots, limit + 1, torch.empty(0, dtype=torch.float32)
        )
        self._cos, self._sin = _rotation(talker.model.rotary_emb, limit + 1)
        self._bindings: dict[Stretch, Binding] = {}
        self._positions = self._memory.positions

    @property
    def slots(self) -> int:
        return self._memory.slots

    def room(self, slot: int) -> int:
        return self._memory.room(slot) - 1

    @torch.inference_mode()
    def prefill(self, slot: int, embeds: Tensor) -> Outlook:
        self._memory.clear(slot)
        stretch = self._memory.begin(slot, embeds.shape[0])
        return self._run(stretch, [embeds.shape[0] - 1], embeds[None])

    @torch.inference_mode()
    def step(self, slots: Sequence[int], embeds: Tensor) -> Outlook:
        stretch = self._memory.extend(slots)
        rows = [slot - stretch.first for slot in slots]
        x = embeds.new_zeros(stretch.count, 1, embeds.shape[1])
        x[rows, 0] = embeds
        outlook = self._run(stretch, self._memory.last(stretch, slots), x)
        if rows == list(range(stretch.count)):
            return outlook
        return Outlook(outlook.hidden[rows], outlook.logits[rows])

    @torch.inference_mode()
    def save(self, slot: int) -> SavedSlot:
        return self._memory.save(slot)

    @torch.inference_mode()
    def restore(self, slot: int, saved: SavedSlot) -> None:
        self._memory.restore(slot, saved)

    @torch.inference_mode()
    def release(self, slot: int) -> None:
        self._memory.clear(slot)

    def _run(self, stretch: Stretch, last: list[int], x: Tensor) -> Outlook:
        """x [n, s, d], and the last position of each row."""
        hidden = x.new_empty(len(x), self._config.hidden_size)
        logits = x.new_empty(len(x), self._config.vocab_size)
        seen, longest = torch.tensor(last, dtype=torch.int32), torch.tensor(max(last) + 1, dtype=torch.int32)
        x = x.contiguous()
        binding = self._binding(stretch)
        for name, tensor in (("x", x), ("seen", seen), ("longest", longest)):
            binding.input(name, tensor)
        binding.output("hidden", hidden)
        binding.output("logits", logits)
        self._session.run(binding)
        return Outlook(hidden, logits)

    def _binding(self, stretch: Stretch) -> Binding:
        if self._positions != self._memory.positions:
            self._bindings.clear()
            self._positions = self._memory.positions
        if (binding := self._bindings.get(stretch)) is None:
            binding = self._bindings[stretch] = self._session.binding()
            bind_memory(binding, self._memory.keys(stretch), self._memory.values(stretch))
            binding.input("cos", self._cos)
            binding.input("sin", self._sin)
        return binding


class GraphPredictor:
    """The code predictor of a Qwen3TTSTalkerForConditionalGeneration as a PredictorExecutor."""

    def __init__(self, talker: Any, folder: Path, rows: int, cores: Part) -> None:
        """`talker`: for its configuration and its embeddings; `rows`: at most so many at once."""
        predictor = talker.code_predictor
        self._embeddings = (talker.model.codec_embedding, *predictor.model.codec_embedding)
        self._session = Session(folder / PREDICTOR, cores)
        self._sizes, self._vocabulary = Sizes.of(predictor.config), int(predictor.config.vocab_size)
        self._cos, self._sin = _rotation(predictor.model.rotary_emb, len(self._embeddings))
        self._steps: dict[int, list[_Step]] = {}
        """By the number of rows."""

        shape = (rows, self._sizes.kv_heads, len(self._embeddings), self._sizes.head_dim)
        self._keys = [torch.zeros(shape) for _ in range(self._sizes.layers)]
        self._values = [torch.zeros(shape) for _ in range(self._sizes.layers)]

    @torch.inference_mode()
    def predict(self, hidden: Tensor, first: Tensor, choose: Choose) -> tuple[Tensor, Tensor]:
        rows, width = hidden.shape
        if (steps := self._steps.get(rows)) is None:
            steps = self._steps[rows] = [self._step(rows, width, group) for group in range(1, len(self._embeddings))]
        codes = first.new_empty(rows, len(self._embeddings))
        embeds = hidden.new_empty(*codes.shape, width)
        codes[:, 0], embeds[:, 0] = first, self._embeddings[0](first)
        x = torch.stack((hidden, embeds[:, 0]), dim=1)
        for group, step in enumerate(steps, start=1):
            step.x.copy_(x)
            self._session.run(step.binding)
            codes[:, group] = choose(step.logits)
            embeds[:, group] = self._embeddings[group](codes[:, group])
            x = embeds[:, group, None]
        return codes, embeds.sum(1)

    def _step(self, rows: int, width: int, group: int) -> "_Step":
        """The sub-step that gives the scores of a frame's code number `group`, counted from 0: the first one hears two
        positions."""
        heard = 2 if group == 1 else 1
        x, logits = torch.empty(rows, heard, width), torch.empty(rows, self._vocabulary)
        seen, longest = torch.full((rows,), group, dtype=torch.int32), torch.tensor(group + 1, dtype=torch.int32)
        head = torch.tensor(group - 1, dtype=torch.int32)
        binding = self._session.binding()
        bind_memory(binding, [each[:rows] for each in self._keys], [each[:rows] for each in self._values])
        inputs = {"x": x, "seen": seen, "longest": longest, "head": head, "cos": self._cos, "sin": self._sin}
        for name, tensor in inputs.items():
            binding.input(name, tensor)
        binding.output("logits", logits)
        return _Step(binding, x, logits, (seen, longest, head))


@dataclass(frozen=True, slots=True)
class _Step:
    """One sub-step of the code predictor for a number of rows, on memory of its own."""

    binding: Binding

    x: Tensor
    """[n, s, d]"""

    logits: Tensor
    """[n, vocabulary]"""

    kept: tuple[Tensor, ...]
    """What the binding reads besides."""


def _rotation(rotary: Any, positions: int) -> tuple[Tensor, Tensor]:
    """cos and sin [positions, head_dim / 2]: both halves of a head turn by the same angles."""
    cos, sin = rotation(rotary, torch.arange(positions), torch.float32)
    half = cos.shape[-1] // 2
    return cos[:, 0, :half].contiguous(), sin[:, 0, :half].contiguous()
