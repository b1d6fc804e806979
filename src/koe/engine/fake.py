"""An engine that hums: tones instead of words, at a set pace, with failures on demand.

It is shipped because it shows an adapter, a page or a test what any engine may do: stream, take live text, be slow,
hang, fail before or after its first audio. It is built like an engine with a model: one thread steps all streams
together.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from koe.core.errors import EngineError, EngineUnavailable, ShuttingDown
from koe.core.pcm import duration, to_int16
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.pipe import PcmPipe

SAMPLE_RATE = 24000
CHUNK_SECONDS = 0.08
CHARACTERS_PER_CHUNK = 2
_STOP_TIMEOUT = 5.0

VOICES = (
    Voice("fake-low", "Low hum", ("en-US", "de-DE"), "fake", styles=("calm", "loud")),
    Voice("fake-high", "High hum", ("en-US",), "fake"),
)
_HERTZ = {"fake-low": 220.0, "fake-high": 440.0}


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, and when; chunks are counted per stream."""

    start: str | None = None
    """The engine can't start, for this reason."""

    fail_at: int | None = None
    """Each stream fails instead of making this chunk (0: before its first audio)."""

    hang_at: int | None = None
    """Each stream stays silent for ever instead of making this chunk."""

    before_step: Callable[[], object] | None = None
    """Called in the engine's thread before each step: a slow engine, or one that a test leads by the hand."""


class FakeEngine:
    name = "fake"

    def __init__(
        self,
        *,
        pace: float = 0.0,
        takes_live_text: bool = True,
        lead_seconds: float = 10.0,
        faults: Faults | None = None,
    ) -> None:
        """`pace`: seconds of audio per second (0: as fast as it can); `lead_seconds`: how far a stream may be ahead
        of its consumer."""
        self.takes_live_text = takes_live_text
        self._pace, self._lead, self._faults = pace, lead_seconds, faults or Faults()
        self._changed = threading.Condition()
        self._streams: list[FakeStream] = []
        self._thread: threading.Thread | None = None
        self._owner: int | None = None

    @property
    def open_streams(self) -> int:
        """Streams that hold a place in the engine."""
        with self._changed:
            return len(self._living())

    async def start(self) -> None:
        if self._faults.start is not None:
            raise EngineUnavailable(self._faults.start)
        self._thread = threading.Thread(target=self._run, name="fake", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None:
            await asyncio.to_thread(thread.join, _STOP_TIMEOUT)

    def voices(self) -> Sequence[Voice]:
        return VOICES

    def open(self, voice: Voice, options: SpeechOptions) -> "FakeStream":
        stream = FakeStream(voice, options, self._notify)
        with self._changed:
            if self._thread is None:
                stream.pipe.end(EngineUnavailable(self._faults.start or "the fake engine is not running"))
            else:
                self._streams.append(stream)
        return stream

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        me = threading.current_thread()
        self._owner = me.ident
        while True:
            with self._changed:
                while not (ready := self._ready()) and self._thread is me:
                    self._changed.wait()
                if self._thread is not me:
                    break
            self._step(ready)
        for stream in self._streams:
            stream.pipe.end(ShuttingDown("the server is stopping"))
        self._streams.clear()

    def _ready(self) -> list["FakeStream"]:
        """The streams of the next step; those that ended or were left lose their place."""
        self._streams = self._living()
        return [s for s in self._streams if s.has_work and self._has_room(s)]

    def _living(self) -> list["FakeStream"]:
        return [s for s in self._streams if not (s.pipe.closed or s.ended)]

    def _has_room(self, stream: "FakeStream") -> bool:
        return duration(stream.pipe.buffered, SAMPLE_RATE) < self._lead

    def _step(self, streams: list["FakeStream"]) -> None:
        if threading.get_ident() != self._owner:
            raise RuntimeError("the fake engine's model was touched from another thread")
        if self._faults.before_step is not None:
            self._faults.before_step()
        for stream in sorted(streams, key=lambda s: s.options.priority):
            stream.step(self._faults)
        if self._pace:
            with self._changed:
                self._changed.wait_for(lambda: self._thread is None, CHUNK_SECONDS / self._pace)


class FakeStream:
    """`CHARACTERS_PER_CHUNK` characters hum for one chunk."""

    sample_rate = SAMPLE_RATE
    seed: int | None = None
    checkpoint: str | None = None

    def __init__(self, voice: Voice, options: SpeechOptions, notify: Callable[[], None]) -> None:
        self.options = options
        self.pipe = PcmPipe(on_room=notify)
        self.ended = False
        self._notify = notify
        self._hertz = _HERTZ[voice.id]
        self._fed = self._hummed = self._chunks = 0
        self._finished = self._hung = False

    def feed(self, text: str) -> None:
        self._fed += len(text)
        self._notify()

    def finish(self) -> None:
        self._finished = True
        self._notify()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pipe

    async def aclose(self) -> None:
        self.pipe.close()

    @property
    def has_work(self) -> bool:
        """Whole chunks only, until the text is complete: so the cuts of the feeding don't show."""
        return not self._hung and (self._finished or self._fed - self._hummed >= CHARACTERS_PER_CHUNK)

    def step(self, faults: Faults) -> None:
        """Make one chunk, or end."""
        if self._chunks == faults.fail_at:
            self._end(EngineError(f"failed on demand before chunk {self._chunks}"))
        elif self._chunks == faults.hang_at:
            self._hung = True
        elif self._hummed >= self._fed or self._chunks * CHUNK_SECONDS >= self.options.max_seconds:
            self._end(None)
        else:
            self.pipe.put(self._tone())
            self._hummed += CHARACTERS_PER_CHUNK
            self._chunks += 1

    def _end(self, error: EngineError | None) -> None:
        self.ended = True
        self.pipe.end(error)

    def _tone(self) -> bytes:
        samples = round(CHUNK_SECONDS * SAMPLE_RATE)
        time = (np.arange(samples) + self._chunks * samples) / SAMPLE_RATE
        return to_int16(0.3 * np.sin(2 * np.pi * self._hertz * time))
