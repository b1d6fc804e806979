"""A checkpoint in memory with its batch, ready to speak; belongs to the engine's thread."""

import functools
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch

from koe.core.errors import Busy, EngineUnavailable
from koe.engine.qwen.batch import Batch, Model
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.clone_prompts import ClonePrompts, Listener
from koe.engine.qwen.codec import StreamingDecoder
from koe.engine.qwen.codec_modules import TorchCodec
from koe.engine.qwen.cpu.cores import threads
from koe.engine.qwen.cpu.files import Graphs, graphs
from koe.engine.qwen.cpu.making import ensure
from koe.engine.qwen.cpu.precision import chosen_precision
from koe.engine.qwen.cpu.sharing import Cores, Part
from koe.engine.qwen.device import Device, choose_device, release_memory, taken_memory
from koe.engine.qwen.frames import frame_generator, graph_generator
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.loading import LoadedCheckpoint, load, load_codec
from koe.engine.qwen.priming import Priming
from koe.engine.qwen.prompt import PromptBuilder
from koe.engine.qwen.prompt_files import fingerprint, folder
from koe.engine.qwen.reference import ReferenceEncoder
from koe.engine.qwen.sounding import SoundThread
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
    def __init__(
        self,
        settings: QwenSettings,
        data_dir: Path,
        counters: Counters,
        room_comes: Callable[[], bool],
        poke: Callable[[], None],
    ) -> None:
        """`data_dir`: prompts of clips and quantised weights are kept there. `room_comes` as of Batch; `poke`: there is
        something to do."""
        self._settings, self._data_dir, self._counters = settings, data_dir, counters
        self._room_comes, self._poke = room_comes, poke
        self._cores = Cores(1)
        self._sound: SoundThread | None = None
        self._clone_prompts = ClonePrompts(folder(data_dir), counters)
        self._device: Device | None = None
        self._decoders: WeakKeyDictionary[Any, StreamingDecoder] = WeakKeyDictionary()
        """By their codec, which checkpoints may share."""

    def load(
        self, checkpoint: Checkpoint, codec_of: LoadedCheckpoint | None, check_stopping: Callable[[], None]
    ) -> Household:
        """`check_stopping` is called between its parts, which take seconds each. Raises what `loading.load` does."""
        begin, settings, device = time.monotonic(), self._settings, self._chosen_device()
        before = taken_memory(device)
        weights = fingerprint(checkpoint)
        check_stopping()
        quantised = self._quantised(checkpoint, device, check_stopping)
        graph_bytes = quantised.memory if quantised else None
        loaded = load(checkpoint.folder, device, codec_of=codec_of, graph_bytes=graph_bytes)
        check_stopping()
        listener = Listener(checkpoint.name, weights, ReferenceEncoder(loaded.model))
        model = self._model(loaded, listener, quantised)
        batch = Batch(model, settings.lead_seconds, settings.text_wait, self._counters, self._room_comes)
        check_stopping()
        if settings.warm_up:
            batch.warm_up()
            self._tell_pace(checkpoint, batch)
        after = taken_memory(device)
        self.release()
        memory = (graph_bytes or 0) + _weight(loaded) if before is None or after is None else after - before
        how = f", {quantised.precision}" if quantised else ""
        _log.info("%s loaded in %.1f s%s", checkpoint.name, time.monotonic() - begin, how)
        return Household(checkpoint, loaded, batch, memory, time.monotonic())

    def _tell_pace(self, checkpoint: Checkpoint, batch: Batch) -> None:
        if batch.pace.slow:
            what = "they hear the fallback voice" if self._settings.slow == "fallback" else "their speech begins later"
            _log.warning(
                "%s takes %.1f s for a second of speech on this machine, too long for rooms: %s (engine.qwen.slow)",
                checkpoint.name,
                batch.pace.real_time,
                what,
            )

    def load_codec(self, checkpoint: Checkpoint) -> Any:
        return load_codec(checkpoint, self._chosen_device())

    def rest(self) -> None:
        """Leave the cores to the sound: no frame is made for a while."""
        self._cores.frames.rest()

    def release(self) -> None:
        """Give back the memory of what nobody holds any more."""
        if self._device is not None:
            release_memory(self._device)

    def close(self) -> None:
        """End what was begun beside the engine's thread."""
        if self._sound is not None:
            self._sound.close()

    def _chosen_device(self) -> Device:
        if self._device is None:
            torch.set_num_threads(min(threads(), torch.get_num_threads()))
            self._device = choose_device(self._settings.device, self._settings.dtype)
            self._cores = Cores(torch.get_num_threads())
            _log.info("computing on %s", self._device.reason)
        return self._device

    def _quantised(self, checkpoint: Checkpoint, device: Device, check_stopping: Callable[[], None]) -> Graphs | None:
        """The graphs to compute with, made where there are none; None: the model itself computes."""
        precision = chosen_precision(self._settings, device)
        if precision == "fp32":
            return None

        def tell(step: str) -> None:
            check_stopping()
            _log.info(step)

        place = graphs(self._data_dir, checkpoint, precision)
        try:
            ensure(place, tell)
        except (EngineUnavailable, Busy) as error:
            if self._settings.precision != "auto":
                raise
            _log.warning("%s computes with fp32, which is slower: %s", checkpoint.name, error.message)
            return None
        return place

    def _model(self, loaded: LoadedCheckpoint, listener: Listener, quantised: Graphs | None) -> Model:
        slots, decoder = self._settings.slots, self._decoder(loaded, quantised)
        if quantised is None:
            frames = frame_generator(loaded.model, slots, _POSITIONS)
        else:
            frames = graph_generator(loaded.model, quantised.folder, slots, _POSITIONS, self._cores.frames)
        beside = quantised is not None and self._cores.beside
        if beside and self._sound is None:
            self._sound = SoundThread(self._poke)
        return Model(
            frames=frames,
            decoder=decoder,
            priming=Priming(decoder, self._counters),
            prompts=PromptBuilder(loaded.model, loaded.processor.tokenizer),
            hear=functools.partial(self._clone_prompts.get, listener=listener),
            sound=self._sound if beside else None,
            rest=self._cores.frames.rest,
        )

    def _decoder(self, loaded: LoadedCheckpoint, quantised: Graphs | None) -> StreamingDecoder:
        if loaded.device.kind != "cpu" or loaded.device.codec_dtype != torch.float32:
            return StreamingDecoder(TorchCodec(loaded.codec.decoder))
        if (decoder := self._decoders.get(loaded.codec)) is None:
            from koe.engine.qwen.cpu.codec import FoundWeights, GraphCodec

            modules = loaded.codec.decoder
            if quantised is not None:
                codec = GraphCodec(modules, self._cores.sound, quantised.folder)
            else:
                found = FoundWeights(modules, loaded.checkpoint.codec_folder)
                codec = GraphCodec(modules, Part(torch.get_num_threads()), found)
            decoder = self._decoders[loaded.codec] = StreamingDecoder(codec)
        return decoder


def _weight(loaded: LoadedCheckpoint) -> int:
    tensors = itertools.chain(loaded.model.parameters(), loaded.codec.parameters(), loaded.codec.buffers())
    return sum(each.nbytes for each in tensors)
