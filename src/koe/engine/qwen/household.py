"""A checkpoint in memory with its batch, ready to speak; belongs to the engine's thread."""

import functools
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koe.engine.qwen.batch import Batch, Model
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.clone_prompts import ClonePrompts, Listener
from koe.engine.qwen.codec import StreamingDecoder
from koe.engine.qwen.device import Device, choose_device, release_memory, taken_memory
from koe.engine.qwen.frames import frame_generator
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.loading import LoadedCheckpoint, load, load_codec
from koe.engine.qwen.priming import Priming
from koe.engine.qwen.prompt import PromptBuilder
from koe.engine.qwen.prompt_files import fingerprint
from koe.engine.qwen.reference import ReferenceEncoder
from koe.settings import QwenSettings

_log = logging.getLogger(__name__)

_POSITIONS = 2048
"""Of one generation, prompt and frames: about two and a half minutes."""


@dataclass(slots=True)
class Household:
    """A checkpoint in memory and those it speaks for."""

    checkpoint: Checkpoint
    """As it was found on disk."""

    loaded: LoadedCheckpoint
    batch: Batch

    memory: int
    """Bytes: on a GPU all that it took there, on a CPU its weights."""

    used: float


class Loader:
    def __init__(self, settings: QwenSettings, prompts: Path, counters: Counters) -> None:
        """`prompts`: the folder for those of clips."""
        self._settings, self._counters = settings, counters
        self._clone_prompts = ClonePrompts(prompts, counters)
        self._device: Device | None = None

    def load(
        self, checkpoint: Checkpoint, codec_of: LoadedCheckpoint | None, check_stopping: Callable[[], None]
    ) -> Household:
        """`check_stopping` is called between its parts, which take seconds each. Raises what `loading.load` does."""
        begin, settings, device = time.monotonic(), self._settings, self._chosen_device()
        before = taken_memory(device)
        weights = fingerprint(checkpoint)
        check_stopping()
        loaded = load(checkpoint.folder, device, codec_of=codec_of)
        check_stopping()
        listener = Listener(checkpoint.name, weights, ReferenceEncoder(loaded.model))
        batch = Batch(self._model(loaded, listener), settings.lead_seconds, settings.text_wait, self._counters)
        check_stopping()
        if settings.warm_up:
            batch.warm_up()
        after = taken_memory(device)
        memory = _weight(loaded) if before is None or after is None else after - before
        _log.info("%s loaded in %.1f s", checkpoint.name, time.monotonic() - begin)
        return Household(checkpoint, loaded, batch, memory, time.monotonic())

    def load_codec(self, checkpoint: Checkpoint) -> Any:
        return load_codec(checkpoint, self._chosen_device())

    def release(self) -> None:
        """Give back the memory of what nobody holds any more."""
        if self._device is not None:
            release_memory(self._device)

    def _chosen_device(self) -> Device:
        if self._device is None:
            self._device = choose_device(self._settings.device, self._settings.dtype)
            _log.info("computing on %s", self._device.reason)
        return self._device

    def _model(self, loaded: LoadedCheckpoint, listener: Listener) -> Model:
        decoder = StreamingDecoder(loaded.codec.decoder)
        return Model(
            frames=frame_generator(loaded.model, self._settings.slots, _POSITIONS),
            decoder=decoder,
            priming=Priming(decoder, self._counters),
            prompts=PromptBuilder(loaded.model, loaded.processor.tokenizer),
            hear=functools.partial(self._clone_prompts.get, listener=listener),
        )


def _weight(loaded: LoadedCheckpoint) -> int:
    tensors = itertools.chain(loaded.model.parameters(), loaded.codec.parameters(), loaded.codec.buffers())
    return sum(each.nbytes for each in tensors)
