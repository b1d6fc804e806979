"""The engine's thread: it loads checkpoints, steps their batches, and lets go of what nobody uses."""

import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from koe.core.errors import EngineError, EngineUnavailable, KoeError, ShuttingDown
from koe.engine import MODEL_THREAD
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.batch import Batch, Model, as_koe_error
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.clone_prompts import ClonePrompts, Listener
from koe.engine.qwen.codec import StreamingDecoder
from koe.engine.qwen.device import Device, choose_device, release_memory
from koe.engine.qwen.frames import frame_generator
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.loading import LoadedCheckpoint, load
from koe.engine.qwen.priming import Priming
from koe.engine.qwen.prompt import PromptBuilder
from koe.engine.qwen.prompt_files import fingerprint
from koe.engine.qwen.reference import ReferenceEncoder
from koe.engine.qwen.stream import Inbox, Request, Stream
from koe.settings import QwenSettings

_log = logging.getLogger(__name__)

_POSITIONS = 2048
"""Of one generation, prompt and frames: about two and a half minutes."""

_STOPPING = "the server is stopping"
_STOP_SECONDS = 10.0
_RETRY_SECONDS = 30.0
"""After a checkpoint could not be loaded."""


@dataclass(frozen=True, slots=True)
class Order:
    """A request on its way to the engine's thread."""

    checkpoint: Checkpoint
    request: Request
    pipe: PcmPipe
    inbox: Inbox

    wait: bool
    """For the checkpoint to be loaded; else it is an error that it isn't."""


@dataclass(slots=True)
class _Household:
    """A checkpoint in memory and those it speaks for."""

    loaded: LoadedCheckpoint
    batch: Batch
    used: float


class Worker:
    def __init__(self, settings: QwenSettings, prompts: Path) -> None:
        """`prompts`: the folder for those of clips."""
        self._settings = settings
        self._device: Device | None = None
        self._thread = threading.Thread(target=self._run, name=MODEL_THREAD, daemon=True)
        self._changed = threading.Condition()
        self._poked = False
        self._stopping = False
        self._arrived: list[Order] = []
        self._wanted: dict[str, Checkpoint] = {}
        # From here on, written by the thread alone.
        self._households: dict[str, _Household] = {}
        self._waiting: list[Order] = []
        self._failed: dict[str, tuple[float, KoeError]] = {}
        self.counters = Counters()
        self._clone_prompts = ClonePrompts(prompts, self.counters)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End all streams with ShuttingDown and the thread with them."""
        self._stopping = True
        self.poke()
        self._thread.join(_STOP_SECONDS)

    def want(self, checkpoint: Checkpoint) -> None:
        """Have it loaded, without a request for it."""
        if self._recent_failure(checkpoint.name) is None:
            with self._changed:
                self._wanted[checkpoint.name] = checkpoint
            self.poke()

    def submit(self, order: Order) -> None:
        name = order.checkpoint.name
        if not order.wait and name not in self._households:
            # At once, for the thread may be busy loading it for a minute.
            order.pipe.end(self._recent_failure(name) or EngineUnavailable(f"{name} is still being loaded"))
            self.want(order.checkpoint)
            return
        with self._changed:
            self._arrived.append(order)
        self.poke()

    def poke(self) -> None:
        """Something has changed: text has come, a consumer has taken sound or left."""
        with self._changed:
            self._poked = True
            self._changed.notify()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._take_orders()
                if not self._step() and not self._load_one() and not self._unload_idle():
                    self._sleep()
        finally:
            self._end_all()

    def _sleep(self) -> None:
        lacks_text = any(each.batch.lacks_text for each in self._households.values())
        timeout = self._settings.text_wait if lacks_text else self._settings.idle_unload
        with self._changed:
            self._changed.wait_for(lambda: self._poked, timeout=timeout)
            self._poked = False

    def _take_orders(self) -> None:
        with self._changed:
            arrived, self._arrived = self._arrived, []
        for order in arrived:
            self._place(order)

    def _place(self, order: Order) -> None:
        name = order.checkpoint.name
        if (household := self._households.get(name)) is not None:
            tokenizer = household.loaded.processor.tokenizer
            household.batch.add(Stream(order.request, order.pipe, order.inbox, tokenizer))
            return
        if (failure := self._recent_failure(name)) is not None:
            order.pipe.end(failure)
            return
        self._waiting.append(order)
        with self._changed:
            self._wanted[name] = order.checkpoint

    def _recent_failure(self, name: str) -> KoeError | None:
        since, failure = self._failed.get(name, (0.0, None))
        return failure if time.monotonic() - since < _RETRY_SECONDS else None

    def _step(self) -> bool:
        worked = False
        for name, household in list(self._households.items()):
            try:
                stepped = household.batch.step()
            except Exception:
                _log.exception("%s failed in an unexpected way and is loaded anew when it is asked for", name)
                household.batch.close(EngineError("the model failed in an unexpected way"))
                self._unload(name)
                continue
            if stepped:
                household.used = time.monotonic()
                worked = True
        return worked

    def _load_one(self) -> bool:
        """The next checkpoint that is wanted, if there is a place for it: never in that of one that is speaking."""
        with self._changed:
            # Whoever asked while it was being loaded wanted it again.
            self._wanted = {name: each for name, each in self._wanted.items() if name not in self._households}
            wanted = next(iter(self._wanted.values()), None)
        if wanted is None or not self._make_place():
            return False
        with self._changed:
            del self._wanted[wanted.name]
        try:
            self._households[wanted.name] = self._load(wanted)
        except ShuttingDown:
            return True
        except Exception as error:
            failure = as_koe_error(error)
            _log.warning("%s can't be loaded: %s", wanted.name, failure.message)
            self._failed[wanted.name] = (time.monotonic(), failure)
        else:
            self._failed.pop(wanted.name, None)
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            self._place(order)
        return True

    def _load(self, checkpoint: Checkpoint) -> _Household:
        begin, settings = time.monotonic(), self._settings
        if self._device is None:
            self._device = choose_device(self._settings.device, self._settings.dtype)
            _log.info("computing on %s", self._device.reason)
        codec_of = next((each.loaded for each in self._households.values()), None)
        weights = fingerprint(checkpoint)
        self._check_stopping()
        loaded = load(checkpoint.folder, self._device, codec_of=codec_of)
        self._check_stopping()
        listener = Listener(checkpoint.name, weights, ReferenceEncoder(loaded.model))
        batch = Batch(self._model(loaded, listener), settings.lead_seconds, settings.text_wait, self.counters)
        self._check_stopping()
        if self._settings.warm_up:
            batch.warm_up()
        _log.info("%s loaded in %.1f s", checkpoint.name, time.monotonic() - begin)
        return _Household(loaded, batch, time.monotonic())

    def _check_stopping(self) -> None:
        """Between the parts of a load, each of which takes seconds."""
        if self._stopping:
            raise ShuttingDown(_STOPPING)

    def _model(self, loaded: LoadedCheckpoint, listener: Listener) -> Model:
        decoder = StreamingDecoder(loaded.codec.decoder)
        return Model(
            frames=frame_generator(loaded.model, self._settings.slots, _POSITIONS),
            decoder=decoder,
            priming=Priming(decoder, self.counters),
            prompts=PromptBuilder(loaded.model, loaded.processor.tokenizer),
            hear=functools.partial(self._clone_prompts.get, listener=listener),
        )

    def _make_place(self) -> bool:
        while len(self._households) >= self._settings.loaded:
            idle = [name for name, each in self._households.items() if not each.batch.streams]
            if not idle:
                return False
            self._unload(min(idle, key=lambda name: self._households[name].used))
        return True

    def _unload_idle(self) -> bool:
        limit = self._settings.idle_unload
        if limit is None:
            return False
        now = time.monotonic()
        old = [n for n, each in self._households.items() if not each.batch.streams and now - each.used >= limit]
        for name in old:
            self._unload(name)
        return bool(old)

    def _unload(self, name: str) -> None:
        del self._households[name]
        if self._device is not None:
            release_memory(self._device)
        _log.info("%s unloaded", name)

    def _end_all(self) -> None:
        error = ShuttingDown(_STOPPING)
        for household in self._households.values():
            household.batch.close(error)
        self._take_rest(lambda order: order.pipe.end(error))
        self._households.clear()

    def _take_rest(self, end: Callable[[Order], None]) -> None:
        with self._changed:
            rest = [*self._waiting, *self._arrived]
            self._waiting, self._arrived = [], []
        for order in rest:
            end(order)
