"""Frames of any number of streams, step by step: each gets exactly the codes that it would get alone."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koe.core.errors import Busy, EngineError, LimitExceeded
from koe.engine.qwen.code_predictor import CodePredictor
from koe.engine.qwen.cpu.sharing import Part
from koe.engine.qwen.executors import Outlook, PredictorExecutor, TalkerExecutor
from koe.engine.qwen.projection import can_pack
from koe.engine.qwen.prompt import Prompt
from koe.engine.qwen.sampling import FirstCodes, Sampling, draw
from koe.engine.qwen.talker import Talker


@dataclass(slots=True, eq=False)
class Row:
    """One stream; only its FrameGenerator changes it."""

    slot: int
    sampling: Sampling
    generator: torch.Generator

    frames: int = 0
    """So many have been made."""

    finished: bool = False
    """The speech has ended: the last frame was the last."""

    broken: bool = False
    """The model's numbers for it are no numbers any more (NaN, or beyond what they are stored in): a frame made of them
    would be noise."""

    closed: bool = False

    suspended: bool = False
    """It has no slot at present."""


class GaveWay(Exception):
    """A frame was not made, for others are waiting: the rows are as they were."""


class FrameGenerator:
    """Makes the next frame of any of its rows. Rows join, pause and leave at any frame.

    Whoever opens a row closes it. Like all of the model, it belongs to one thread.
    """

    def __init__(self, talker: TalkerExecutor, predictor: PredictorExecutor, rules: FirstCodes, pad: Tensor) -> None:
        """`pad` [d]: what is added to a frame that has no text."""
        self._talker, self._predictor, self._rules = talker, predictor, rules
        self._pad = pad
        self._free = list(range(talker.slots))
        self._hidden = pad.new_zeros(talker.slots, pad.shape[0])
        self._pending = torch.zeros(talker.slots, dtype=torch.int64, device=pad.device)
        """The first code of each slot's next frame."""

        self._aside: dict[Row, Any] = {}
        """All there is of the rows without a slot."""

    @property
    def executors(self) -> tuple[TalkerExecutor, PredictorExecutor]:
        """Who computes, to be measured."""
        return self._talker, self._predictor

    @property
    def free(self) -> int:
        """So many rows can be opened."""
        return len(self._free)

    @staticmethod
    def failure() -> EngineError:
        """What has become of a row that is broken."""
        return EngineError(
            "the model computed no numbers: its weights are damaged, or too large for engine.qwen.dtype (try float32)"
        )

    def room(self, row: Row) -> int:
        """So many more frames fit."""
        return self._talker.room(row.slot)

    @torch.inference_mode()
    def open(self, prompt: Prompt, sampling: Sampling, seed: int | None = None, *, slot: int | None = None) -> Row:
        """A stream in a free slot, in this one where it is given. Without a seed every stream is another.

        Raises Busy where there is none, LimitExceeded where the prompt leaves no room for a frame, EngineError where
        the row is broken from the start.
        """
        if not self._free or (slot is not None and slot not in self._free):
            raise Busy("all places of the model are taken: try again later")
        slot = self._free[0] if slot is None else slot
        self._check_length(prompt, self._talker.room(slot))
        generator = torch.Generator(self._pad.device)
        _ = generator.seed() if seed is None else generator.manual_seed(seed)
        row = Row(slot, sampling, generator)
        self._rules.begin(slot, sampling.repetition_penalty)
        self._look_ahead([row], self._talker.prefill(slot, prompt.embeds))
        if row.broken:
            self._talker.release(slot)
            raise self.failure()
        self._free.remove(slot)
        return row

    @torch.inference_mode()
    def advance(
        self, rows: Sequence[Row], text: Sequence[Tensor | None], must_give_way: Callable[[], bool] | None = None
    ) -> Tensor:
        """One frame of each of these rows: codes int64 [n, 16].

        `text`: the embedding [d] that the talker hears beside each frame (the prompt's `trailing`, one after the
        other), None for none left. Afterwards, `row.finished` tells whose last frame this was, and `row.broken` whose
        is none. Raises LimitExceeded where a row has no room, before any row is touched; GaveWay where, between two
        codes, it `must_give_way`.
        """
        slots = self._checked_slots(rows)
        index = torch.tensor(slots, device=self._pad.device)
        ways, generators = [row.sampling.rest for row in rows], [row.generator for row in rows]
        before = [generator.get_state() for generator in generators] if must_give_way is not None else []
        seen: list[Tensor] = []

        def choose(scores: Tensor) -> Tensor:
            if must_give_way is not None and must_give_way():
                raise GaveWay
            seen.append(scores)
            return draw(scores, ways, generators)

        try:
            codes, embeds = self._predictor.predict(self._hidden[index], self._pending[index], choose)
        except GaveWay:
            for generator, state in zip(generators, before, strict=True):
                generator.set_state(state)
            raise
        embeds = embeds + torch.stack([self._pad if one is None else one for one in text])
        self._look_ahead(rows, self._talker.step(slots, embeds), seen)
        for row in rows:
            row.frames += 1
        return codes

    @torch.inference_mode()
    def suspend(self, row: Row) -> None:
        """Put a row aside: its slot is free for another, until `resume`."""
        slot = row.slot
        self._aside[row] = (
            self._talker.save(slot),
            self._rules.save(slot),
            self._hidden[slot].clone(),
            self._pending[slot].clone(),
        )
        row.suspended = True
        self._give_back(slot)

    @torch.inference_mode()
    def resume(self, row: Row) -> None:
        """Go on with a row that was put aside. Raises Busy where there is no free slot."""
        if not self._free:
            raise Busy("all places of the model are taken: try again later")
        talker, rules, hidden, pending = self._aside.pop(row)
        row.slot, row.suspended = self._free.pop(0), False
        self._talker.restore(row.slot, talker)
        self._rules.restore(row.slot, rules)
        self._hidden[row.slot], self._pending[row.slot] = hidden, pending

    @torch.inference_mode()
    def close(self, row: Row) -> None:
        """Give the slot back; nothing of the stream stays. Closing twice is harmless."""
        if row.closed:
            return
        row.closed = True
        if row.suspended:
            del self._aside[row]
        else:
            self._give_back(row.slot)

    def _give_back(self, slot: int) -> None:
        self._talker.release(slot)
        # The lowest is taken next: memory that no stream has used yet stays so.
        bisect.insort(self._free, slot)

    def _look_ahead(self, rows: Sequence[Row], outlook: Outlook, seen: Sequence[Tensor] = ()) -> None:
        """Choose the first codes of the rows' next frames. `seen`: the scores of the frame's other codes."""
        slots = [row.slot for row in rows]
        scores = self._rules.scores(slots, outlook.logits)
        codes = draw(scores, [row.sampling.first for row in rows], [row.generator for row in rows])
        self._rules.note(slots, codes)
        self._hidden[slots], self._pending[slots] = outlook.hidden, codes
        finite = outlook.logits.isfinite().all(-1)
        if seen:
            finite = finite & torch.cat(list(seen), dim=-1).isfinite().all(-1)
        # All in one: a GPU is waited for only here.
        for row, (code, sound) in zip(rows, torch.stack((codes, finite.to(codes)), dim=1).tolist(), strict=True):
            row.finished, row.broken = code == self._rules.end, not sound

    def _checked_slots(self, rows: Sequence[Row]) -> list[int]:
        slots = [row.slot for row in rows]
        if not rows or len(set(slots)) < len(rows) or any(row.closed or row.finished or row.suspended for row in rows):
            raise ValueError("advance takes rows that are open, unfinished and all different")
        if not all(self._talker.room(slot) for slot in slots):
            raise LimitExceeded("the speech is too long for one generation: cut its text into shorter parts")
        return slots

    def _check_length(self, prompt: Prompt, room: int) -> None:
        if len(prompt.embeds) >= room:
            raise LimitExceeded(f"text and reference take {len(prompt.embeds)} of the model's {room} positions")


def frame_generator(model: Any, slots: int, positions: int) -> FrameGenerator:
    """On a Qwen3TTSForConditionalGeneration: `slots` streams at once, of `positions` each, prompt and frames together.

    A position costs 2 x layers x key-value heads x head size numbers in each slot: 229 kB in float32.
    """
    talker = model.talker
    pack = slots > 1 and can_pack(talker)
    executors = Talker(talker, slots, positions, pack=pack), CodePredictor(talker, slots, pack=pack)
    return FrameGenerator(*executors, _rules(model, slots), _pad(model))


def graph_generator(model: Any, graphs: Path, slots: int, positions: int, cores: Part) -> FrameGenerator:
    """As frame_generator, computed by the graphs in a folder: of the model itself, only embeddings are used."""
    from koe.engine.qwen.cpu.executors import GraphPredictor, GraphTalker

    talker = model.talker
    executors = GraphTalker(talker, graphs, slots, positions, cores), GraphPredictor(talker, graphs, slots, cores)
    return FrameGenerator(*executors, _rules(model, slots), _pad(model))


def _rules(model: Any, slots: int) -> FirstCodes:
    config = model.config.talker_config
    return FirstCodes(slots, config.vocab_size, config.codec_eos_token_id, model.device)


@torch.inference_mode()
def _pad(model: Any) -> Tensor:
    pad = torch.tensor([model.config.tts_pad_token_id], device=model.device)
    embed: Tensor = model.talker.text_projection(model.talker.model.text_embedding(pad))[0]
    return embed
