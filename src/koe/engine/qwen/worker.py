"""The engine's thread: it loads checkpoints, steps their batches, and lets go of what nobody uses."""

import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from koe.core.errors import EngineError, EngineUnavailable, KoeError, ShuttingDown
from koe.engine import MODEL_THREAD, Priority
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.batch import as_koe_error
from koe.engine.qwen.calls import Calls
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.codec_work import CodecWork, Decoding, Encoding
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.held import Held, Speaking
from koe.engine.qwen.household import Household, Loader
from koe.engine.qwen.stream import Inbox, Request, Stream
from koe.settings import QwenSettings

_log = logging.getLogger(__name__)

_SWITCH_SECONDS = 0.001
"""After which Python lets another thread go on, for which this one waits many times a frame: a room beside a job heard
its first sound after 22 to 30 ms instead of 25 to 29 with the usual 5 ms, and one in 20 after 26 to 43 instead of 39 to
44 (four runs each, tiny checkpoint, 2 cores)."""
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


class Worker:
    def __init__(self, settings: QwenSettings, data_dir: Path) -> None:
        """`data_dir`: prompts of clips and quantised weights are kept there."""
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name=MODEL_THREAD, daemon=True)
        self._changed = threading.Condition()
        self._poked = False
        self._stopping = False
        self._arrived: list[Order] = []
        self._wanted: dict[str, Checkpoint] = {}
        self._calls = Calls()
        self._loading: str | None = None
        # From here on, written by the thread alone.
        self._households: dict[str, Household] = {}
        self._waiting: list[Order] = []
        self._failed: dict[str, tuple[float, KoeError]] = {}
        self._old: set[str] = set()
        self.counters = Counters()
        self._loader = Loader(settings, data_dir, self.counters, self._room_comes, self.poke)
        self._codec_work = CodecWork(self._loader.load_codec)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End all streams with ShuttingDown and the thread with them."""
        self._stopping = True
        self.poke()
        self._thread.join(_STOP_SECONDS)

    def want(self, checkpoint: Checkpoint) -> None:
        """Have it loaded, without a request for it."""
        if self.failure(checkpoint.name) is None:
            with self._changed:
                self._wanted[checkpoint.name] = checkpoint
            self.poke()

    def submit(self, order: Order) -> None:
        name = order.checkpoint.name
        if not order.wait and name not in self._households:
            # At once, for the thread may be busy loading it for a minute.
            order.pipe.end(self.failure(name) or EngineUnavailable(f"{name} is still being loaded"))
            self.want(order.checkpoint)
            return
        if reason := self._too_slow(order):
            order.pipe.end(EngineUnavailable(reason))
            return
        with self._changed:
            self._arrived.append(order)
        self.poke()

    def _too_slow(self, order: Order) -> str | None:
        """Why a room should rather hear another voice, where the settings want that."""
        household = self._households.get(order.checkpoint.name)
        if self._settings.slow != "fallback" or order.request.priority is not Priority.ROOM or household is None:
            return None
        pace = household.batch.pace
        return f"this machine takes {pace.real_time:.1f} s for a second of speech" if pace.slow_of_late else None

    def code(self, order: Encoding | Decoding) -> None:
        """Raises Busy."""
        self._codec_work.add(order)
        self.poke()

    def held(self) -> dict[str, Held]:
        """By name; from any thread."""
        with self._changed:
            coming = {*self._wanted, *([self._loading] if self._loading else ())}
        there = {
            name: Held(ready=True, streams=each.batch.streams, memory=each.memory)
            for name, each in self._households.copy().items()
        }
        return {name: Held(ready=False) for name in coming} | there

    def unload(self, name: str) -> "Future[None]":
        """Between two steps; raises Speaking where it speaks for somebody."""
        return self._call(lambda: self._give_up(name))

    def renew(self, found: Sequence[Checkpoint]) -> "Future[None]":
        """What has been replaced on disk is let go as soon as it speaks for nobody."""
        return self._call(lambda: self._mark_old(found))

    def poke(self) -> None:
        """Something has changed: text has come, a consumer has taken sound or left."""
        with self._changed:
            self._poked = True
            self._changed.notify()

    def _run(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            while not self._stopping:
                self._take_orders()
                self._calls.run()
                if self._step():
                    self._code(room_speaks=any(each.batch.serves_rooms for each in self._households.values()))
                elif any(each.batch.lacks_sound for each in self._households.values()):
                    # A moment's pause in the middle of speech: to load a checkpoint takes seconds.
                    self._sleep()
                elif not (self._load_one() or self._code(room_speaks=False) or self._unload_idle()):
                    self._sleep()
        finally:
            self._end_all()

    def _sleep(self) -> None:
        lacks_text = any(each.batch.lacks_text for each in self._households.values())
        idle = self._settings.text_wait if lacks_text else self._settings.idle_unload
        timeout = min((each for each in (idle, self._codec_work.wait) if each is not None), default=None)
        self._loader.rest()
        with self._changed:
            self._changed.wait_for(lambda: self._poked, timeout=timeout)
            self._poked = False

    def _code(self, *, room_speaks: bool) -> bool:
        codecs = [each.loaded.codec for each in self._households.values()]
        return self._codec_work.step(codecs, room_speaks=room_speaks)

    def _call(self, work: Callable[[], None]) -> "Future[None]":
        answer = self._calls.add(work)
        self.poke()
        return answer

    def _room_comes(self) -> bool:
        return any(order.request.priority is Priority.ROOM for order in self._arrived)

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
        if (failure := self.failure(name)) is not None:
            order.pipe.end(failure)
            return
        self._waiting.append(order)
        with self._changed:
            self._wanted[name] = order.checkpoint

    def failure(self, name: str) -> KoeError | None:
        """Why it could not be loaded a moment ago, if that is so."""
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
            self._loading = wanted.name
        try:
            codec_of = next((each.loaded for each in self._households.values()), None)
            self._households[wanted.name] = self._loader.load(wanted, codec_of, self._check_stopping)
        except ShuttingDown:
            return True
        except Exception as error:
            failure = as_koe_error(error)
            _log.warning("%s can't be loaded: %s", wanted.name, failure.message)
            self._failed[wanted.name] = (time.monotonic(), failure)
        else:
            self._failed.pop(wanted.name, None)
        finally:
            self._loading = None
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            self._place(order)
        return True

    def _check_stopping(self) -> None:
        if self._stopping:
            raise ShuttingDown(_STOPPING)

    def _make_place(self) -> bool:
        while len(self._households) >= self._settings.loaded:
            idle = [name for name, each in self._households.items() if not each.batch.streams]
            if not idle:
                return False
            self._unload(min(idle, key=lambda name: self._households[name].used))
        return True

    def _unload_idle(self) -> bool:
        limit = self._settings.idle_unload
        since = time.monotonic() - limit if limit is not None else -math.inf
        idle = {name: each.used for name, each in self._households.items() if not each.batch.streams}
        old = [name for name, used in idle.items() if used <= since or name in self._old]
        for name in old:
            self._unload(name)
        return bool(old)

    def _give_up(self, name: str) -> None:
        household = self._households.get(name)
        if household is not None and household.batch.streams:
            raise Speaking(f"{name} is speaking: wait until it has ended, or end it")
        if any(order.checkpoint.name == name for order in self._waiting):
            raise Speaking(f"somebody waits for {name} to speak")
        with self._changed:
            self._wanted.pop(name, None)
        if household is not None:
            self._unload(name)

    def _mark_old(self, found: Sequence[Checkpoint]) -> None:
        now = {each.name: each for each in found}
        self._old = {name for name, each in self._households.items() if now.get(name) != each.checkpoint}

    def _unload(self, name: str) -> None:
        del self._households[name]
        self._old.discard(name)
        self._loader.release()
        _log.info("%s unloaded", name)

    def _end_all(self) -> None:
        error = ShuttingDown(_STOPPING)
        for household in self._households.values():
            household.batch.close(error)
        self._take_rest(lambda order: order.pipe.end(error))
        self._codec_work.close(error)
        self._calls.fail(error)
        self._households.clear()
        self._loader.close()

    def _take_rest(self, end: Callable[[Order], None]) -> None:
        with self._changed:
            rest = [*self._waiting, *self._arrived]
            self._waiting, self._arrived = [], []
        for order in rest:
            end(order)
