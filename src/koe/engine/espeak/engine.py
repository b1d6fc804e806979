"""The espeak engine: one thread owns the library and speaks requests by priority, in the order they came."""

import asyncio
import itertools
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from koe.core.errors import EngineError, EngineUnavailable, ShuttingDown
from koe.core.languages import best_match
from koe.core.pcm import BYTES_PER_SAMPLE
from koe.core.voice import Voice
from koe.engine import Priority, SpeechOptions
from koe.engine.espeak.library import EspeakLibrary
from koe.engine.espeak.seam import Seam
from koe.engine.espeak.voices import to_voice
from koe.engine.pipe import MAX_TAKE_BYTES, PcmPipe

_log = logging.getLogger(__name__)

_STOP_TIMEOUT = 5.0
_FIRST = -1
_OPENING_BYTES = 6600
"""150 ms: long enough to sound until everybody else's opening has been spoken."""


@dataclass(order=True, slots=True)
class _Job:
    priority: int
    opened: bool
    """Openings go before what follows an opening."""

    number: int
    """Otherwise jobs keep their order."""

    pipe: PcmPipe | None = field(compare=False)
    """None: the thread is to end."""

    identifier: str = field(default="", compare=False)
    text: str = field(default="", compare=False)
    max_bytes: int = field(default=0, compare=False)
    opening: bytes = field(default=b"", compare=False)
    """What has been spoken of it, if it was broken off."""

    manner: tuple[int, int] = field(compare=False, default=(0, 0))
    """Rate and pitch, the same for its opening and what follows."""


class _GrowingChunks:
    """espeak-ng's buffers on their way into a pipe: the first leaves at once, then each chunk is twice as long as the
    one before, because what a chunk costs on its way to the client doesn't depend on its length."""

    def __init__(self, pipe: PcmPipe, max_bytes: int) -> None:
        self._pipe, self._left = pipe, max_bytes
        self._waiting = bytearray()
        self._enough = 1

    def add(self, pcm: bytes) -> bool:
        """False when no more is wanted: the bound is reached or the consumer gone."""
        self._waiting += pcm[: self._left]
        self._left -= len(pcm)
        if len(self._waiting) >= self._enough and not self.flush():
            return False
        return self._left > 0

    def flush(self) -> bool:
        """Hand over what waits; False when the consumer is gone."""
        chunk = bytes(self._waiting)
        self._waiting.clear()
        self._enough = min(2 * len(chunk), MAX_TAKE_BYTES)
        return not chunk or self._pipe.put(chunk)


class EspeakEngine:
    name = "espeak"
    takes_live_text = False

    def __init__(self, rate: int = 175, pitch: int = 50) -> None:
        """`rate` in words per minute (80-450), `pitch` 0-99."""
        self._manner = (rate, pitch)
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._identifiers: dict[str, str] = {}
        self._voices: tuple[Voice, ...] = ()
        self.sample_rate = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        started: asyncio.Future[None] = loop.create_future()

        def report(error: EngineUnavailable | None) -> None:
            loop.call_soon_threadsafe(_settle, started, error)

        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, args=(report,), name="espeak", daemon=True)
        self._thread.start()
        try:
            await started
        except EngineUnavailable:
            self._thread = None
            raise

    async def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        self._jobs.put(_Job(_FIRST, False, next(self._numbers), None))
        await asyncio.to_thread(thread.join, _STOP_TIMEOUT)

    def speak_at(self, rate: int, pitch: int) -> None:
        """From the next segment on; as in `__init__`."""
        self._manner = (rate, pitch)

    def voices(self) -> Sequence[Voice]:
        return self._voices

    def open(self, voice: Voice, options: SpeechOptions) -> "EspeakStream":
        return EspeakStream(self, self._voice_for(voice, options.language), options)

    def _voice_for(self, voice: Voice, language: str | None) -> str:
        """espeak-ng's voices speak one language each: a foreign passage needs another voice."""
        if language is None or best_match(language, voice.languages) is not None:
            return voice.id
        tag = best_match(language, [v.languages[0] for v in self._voices])
        return next((v.id for v in self._voices if v.languages[0] == tag), voice.id)

    def submit(self, pipe: PcmPipe, voice_id: str, text: str, options: SpeechOptions) -> None:
        """Have a text spoken into a pipe."""
        if self._thread is None:
            pipe.end(EngineUnavailable("the espeak engine is not running"))
            return
        max_bytes = int(options.max_seconds * self.sample_rate) * BYTES_PER_SAMPLE
        identifier = self._identifiers[voice_id]
        number = next(self._numbers)
        self._jobs.put(_Job(options.priority, False, number, pipe, identifier, text, max_bytes, manner=self._manner))

    def _run(self, report: Callable[[EngineUnavailable | None], None]) -> None:
        try:
            library = self._load()
        except EngineUnavailable as error:
            report(error)
            return
        report(None)
        while (job := self._jobs.get()).pipe is not None:
            self._speak(library, job, job.pipe)
        library.close()
        self._refuse_waiting()

    def _load(self) -> EspeakLibrary:
        library = EspeakLibrary()
        try:
            found = [(to_voice(voice), voice.identifier) for voice in library.voices()]
        except Exception as error:
            library.close()
            raise EngineUnavailable(f"espeak-ng's voices can't be read: {error}") from error
        self.sample_rate = library.sample_rate
        self._identifiers = {voice.id: identifier for voice, identifier in found}
        self._voices = tuple(voice for voice, _ in found)
        return library

    def _speak(self, library: EspeakLibrary, job: _Job, pipe: PcmPipe) -> None:
        if pipe.closed:
            return
        try:
            library.select(job.identifier, *job.manner)
            if job.priority > Priority.ROOM:
                self._speak_aside(library, job, pipe)
            elif not job.opened and not self._jobs.empty():
                self._speak_opening(library, job, pipe)
            else:
                self._speak_whole(library, job, pipe)
        except EngineError as error:
            pipe.end(error)
        except Exception as error:
            # Whatever it was, the thread goes on: without it the house would be silent.
            _log.exception("unexpected failure in the espeak engine")
            pipe.end(EngineError(f"an unexpected failure in the espeak engine: {type(error).__name__}"))

    def _speak_opening(self, library: EspeakLibrary, job: _Job, pipe: PcmPipe) -> None:
        """Others wait for their first audio: break off early, and go on when they have theirs."""
        enough = min(_OPENING_BYTES, job.max_bytes)
        opening = bytearray()

        def collect(pcm: bytes) -> bool:
            opening.extend(pcm)
            return len(opening) < enough

        library.synthesize(job.text, collect)
        if len(opening) < enough:
            pipe.put(bytes(opening))
            pipe.end()
            return
        job.opened, job.opening = True, bytes(opening)
        if pipe.put(Seam(job.opening).sent):
            self._jobs.put(job)

    def _speak_whole(self, library: EspeakLibrary, job: _Job, pipe: PcmPipe) -> None:
        seam = Seam(job.opening)
        chunks = _GrowingChunks(pipe, job.max_bytes - len(seam.sent))
        library.synthesize(job.text, lambda pcm: chunks.add(seam.feed(pcm)) and not self._stopping.is_set())
        chunks.add(seam.finish())
        chunks.flush()
        pipe.end(ShuttingDown("the server is stopping") if self._stopping.is_set() else None)

    def _speak_aside(self, library: EspeakLibrary, job: _Job, pipe: PcmPipe) -> None:
        """Nobody waits for its first sound: as soon as a room has something to say, it is broken off, and begun anew
        when the rooms are quiet."""
        spoken, broken_off = bytearray(), False

        def collect(pcm: bytes) -> bool:
            nonlocal broken_off
            spoken.extend(pcm[: job.max_bytes - len(spoken)])
            broken_off = pipe.closed or self._goes_before(job)
            return not broken_off and len(spoken) < job.max_bytes

        library.synthesize(job.text, collect)
        if broken_off:
            self._jobs.put(job)
            return
        if spoken:
            pipe.put(bytes(spoken))
        pipe.end()

    def _goes_before(self, job: _Job) -> bool:
        """Whether something more urgent waits, the end among it. Looked at from outside of the queue's lock: what comes
        in that moment is seen with the next buffer."""
        waiting = self._jobs.queue
        return bool(waiting) and waiting[0].priority < job.priority

    def _refuse_waiting(self) -> None:
        while not self._jobs.empty():
            if (pipe := self._jobs.get().pipe) is not None:
                pipe.end(ShuttingDown("the server is stopping"))


class EspeakStream:
    """One segment: espeak-ng begins when its text is complete."""

    seed = None
    checkpoint = None

    def __init__(self, engine: EspeakEngine, voice_id: str, options: SpeechOptions) -> None:
        self._engine, self._voice_id, self._options = engine, voice_id, options
        self._text: list[str] = []
        self._pipe = PcmPipe()

    @property
    def sample_rate(self) -> int:
        return self._engine.sample_rate

    def feed(self, text: str) -> None:
        self._text.append(text)

    def finish(self) -> None:
        self._engine.submit(self._pipe, self._voice_id, "".join(self._text), self._options)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pipe

    async def aclose(self) -> None:
        self._pipe.close()


def _settle(started: asyncio.Future[None], error: EngineUnavailable | None) -> None:
    if started.done():
        return
    if error is None:
        started.set_result(None)
    else:
        started.set_exception(error)
