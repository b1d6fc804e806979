"""Qwen3-TTS as an engine: requests go to one thread, which owns the models and steps all of them together."""

import asyncio
import importlib.util
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from koe.core.errors import EngineUnavailable, KoeError, RequestError, UsualProblem
from koe.core.installation import install
from koe.core.languages import base
from koe.core.profile import Clip
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.checkpoints import Checkpoint, find
from koe.engine.qwen.choice import Wanted, choose
from koe.engine.qwen.coding import MOST_SECONDS, SAMPLE_RATE, DecodedSound, check_codes, check_sound, within
from koe.engine.qwen.cpu.cores import wait_quietly
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.held import Held
from koe.engine.qwen.published import Ability, Size
from koe.engine.qwen.shelf import Shelf
from koe.engine.qwen.voices import speaker_of
from koe.settings import QwenSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from koe.engine.qwen.prompt_voices import PromptVoice
    from koe.engine.qwen.stream import Inbox
    from koe.engine.qwen.worker import Worker

_log = logging.getLogger(__name__)

_CHANGE_SECONDS = 30.0

_ENOUGH_WHOLE = 300
_ENOUGH_LIVE = 120
"""Characters after which a generation ends with its sentence: where the text is heard beside the frames, the pace
drifts in long generations. Clones always hear it so, as the package has it."""


def is_installed() -> bool:
    """Whether the extra is; loads nothing."""
    return not _missing()


class QwenEngine:
    name = "qwen"
    takes_live_text = True

    def __init__(self, settings: QwenSettings, data_dir: Path) -> None:
        """Checkpoints are looked for in `data_dir`/models and in the Hugging Face cache."""
        self._settings, self._data_dir = settings, data_dir
        self._shelf = Shelf((), settings)
        self._worker: Worker | None = None
        self._changing = asyncio.Lock()
        self._stopped = False
        self._unknown: set[str] = set()
        """Languages that a checkpoint didn't know, and that was said."""

    async def start(self) -> None:
        """Without a checkpoint it only waits for one: `lacks` says so."""
        need_installed()
        await self._look()

    @property
    def lacks(self) -> str:
        """Why nobody can speak, and what to do; empty where somebody can."""
        return self._shelf.lacks

    @property
    def problem(self) -> UsualProblem | None:
        """The name of that, where it has one."""
        return self._shelf.problem

    async def refresh(self) -> None:
        """Look for checkpoints again: some have come, or gone."""
        could_speak = not self.lacks
        await self._look()
        if not could_speak:
            self.warm_up()

    def warm_up(self) -> None:
        """Begin to load, for whoever stays; without it, the first request has the checkpoint loaded."""
        if self._worker is not None and self._settings.warm_up and self._shelf.able:
            self._worker.want(next(iter(self._shelf.able.values())))

    async def stop(self) -> None:
        self._stopped = True
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.stop)

    def use_styles(self, styles: Mapping[str, str]) -> None:
        """What a voice is told for each style that requests name from now on."""
        self._settings = self._settings.model_copy(update={"styles": styles})
        self._shelf = Shelf(self._shelf.found, self._settings)

    def voices(self) -> Sequence[Voice]:
        return self._shelf.voices

    def speaks_with(self, voice: Voice) -> str | None:
        """The name of the checkpoint that speaks a named voice in its usual manner; None where none can."""
        try:
            return self._shelf.choose(Wanted(Ability.NAMED, speaker_of(voice))).name
        except KoeError:
            return None

    @property
    def can_clone(self) -> bool:
        """Whether it speaks in the voices of clips."""
        return Ability.CLONE in self._shelf.able

    @property
    def can_design(self) -> bool:
        """Whether it speaks in voices of a description."""
        return Ability.DESIGN in self._shelf.able

    @property
    def counters(self) -> Counters:
        """What it has done since it started."""
        return self._worker.counters if self._worker is not None else Counters()

    def open(self, voice: Voice, options: SpeechOptions) -> "QwenStream":
        if self._worker is None:
            raise EngineUnavailable(self.lacks or "the qwen engine is not running")
        from koe.engine.qwen.sampling import Sampling
        from koe.engine.qwen.stream import Inbox, Request
        from koe.engine.qwen.worker import Order

        instruct = options.instruct or self._settings.styles.get(options.style or "", "")
        checkpoint = self._shelf.choose(_wanted(voice, options, instruct))
        live = options.live_text or checkpoint.ability is Ability.CLONE
        request = Request(
            voice=_prompt_voice(voice, options, instruct),
            language=self._word(checkpoint, options.language),
            tag=options.language,
            sampling=Sampling().as_wished(options.sampling),
            seed=secrets.randbits(32) if options.seed is None else options.seed,
            priority=options.priority,
            max_seconds=options.max_seconds,
            live=live,
            enough=_ENOUGH_LIVE if live else _ENOUGH_WHOLE,
        )
        stream = QwenStream(Inbox(), self._worker.poke, request.seed, checkpoint.name)
        self._worker.submit(Order(checkpoint, request, stream.pipe, stream.inbox, options.wait))
        return stream

    def _word(self, checkpoint: Checkpoint, language: str | None) -> str | None:
        """The checkpoint's own for it; None: it finds out, also where it doesn't know the language."""
        if language is None:
            return None
        tag = base(language)
        if (word := checkpoint.languages.get(tag)) is None and tag not in self._unknown:
            self._unknown.add(tag)
            known = ", ".join(sorted(checkpoint.languages))
            _log.warning("%s doesn't know %s and pronounces it as it likes; it knows %s", checkpoint.name, tag, known)
        return word

    # Its checkpoints

    def held(self) -> Mapping[str, Held]:
        """The checkpoints that are in memory or on their way there, by name."""
        return self._worker.held() if self._worker is not None else {}

    def failure(self, name: str) -> str | None:
        """Why it could not be loaded a moment ago, if that is so."""
        failure = self._worker.failure(name) if self._worker is not None else None
        return failure.message if failure is not None else None

    def load(self, name: str) -> None:
        """Begin to. Raises RequestError, EngineUnavailable where it can't be, or a moment ago could not be loaded."""
        checkpoint = self._shelf.speaking(name)
        if self._worker is None:
            raise EngineUnavailable("the qwen engine is not running")
        if failure := self._worker.failure(name):
            raise failure
        self._worker.want(checkpoint)

    async def unload(self, name: str) -> None:
        """Raises Speaking where it speaks for somebody, EngineTimeout where it is still being loaded."""
        if self._worker is not None:
            await within(
                _CHANGE_SECONDS, self._worker.unload(name), "the model, which is being loaded, could not be unloaded"
            )

    async def forget(self, name: str) -> None:
        """Nobody gets this checkpoint any more, until the next refresh: its files may go. Raises as `unload`."""
        async with self._changing:
            before, self._shelf = self._shelf, self._shelf.without(name)
            try:
                await self.unload(name)
            except BaseException:
                self._shelf = before
                raise

    # The codec itself

    async def encode(self, samples: "NDArray[np.float32]") -> "NDArray[np.int64]":
        """Codes [frames, 16] of a sound: mono, 24 kHz, from one frame to MAX_ENCODE_SECONDS; as the package's tokenizer
        gives them. Rooms go first. Raises MalformedInput, LimitExceeded, Busy, EngineError."""
        check_sound(samples)
        from koe.engine.qwen.codec_work import Encoding

        worker = await self._working()
        order = Encoding(np.require(samples, requirements=["C", "W"]), self._shelf.codec())
        worker.code(order)
        return await within(MOST_SECONDS, order.answer, "the codec gave no answer")

    async def decode(self, codes: "NDArray[np.int64]") -> DecodedSound:
        """The sound of codes [frames, 16], of MAX_DECODE_FRAMES at the most. Rooms go first.

        Raises LimitExceeded, Busy, EngineUnavailable; its iteration MalformedInput for codes beyond their codebooks.
        """
        check_codes(codes)
        from koe.engine.qwen.codec_work import Decoding

        worker = await self._working()
        sound = DecodedSound(worker.poke)
        worker.code(Decoding(codes, self._shelf.codec(), sound.pipe))
        return sound

    async def _look(self) -> None:
        async with self._changing:
            self._shelf = Shelf(await asyncio.to_thread(find, self._data_dir), self._settings)
            if self._shelf.lacks:
                # Only what is damaged is a reason to worry.
                level = logging.WARNING if any(each.problem for each in self._shelf.found) else logging.INFO
                _log.log(level, "the qwen engine can't speak yet: %s", self._shelf.lacks)
            elif self._worker is None:
                await self._employ()
            if self._worker is not None:
                self._worker.renew(self._shelf.found)

    async def _working(self) -> "Worker":
        """The thread, also where nobody can speak. Raises EngineUnavailable."""
        self._shelf.codec()
        async with self._changing:
            return self._worker or await self._employ()

    async def _employ(self) -> "Worker":
        need_installed()
        # Importing torch takes a second or more: off the event loop.
        worker = await asyncio.to_thread(_make_worker, self._settings, self._data_dir)
        if self._stopped:
            raise EngineUnavailable("the qwen engine is stopping")
        worker.start()
        self._worker = worker
        return worker


def cloner(found: Sequence[Checkpoint], settings: QwenSettings, size: str | None) -> Checkpoint:
    """The checkpoint that would speak a cloned voice of this size. Raises EngineUnavailable, RequestError."""
    wanted = Wanted(Ability.CLONE, size=_size(size))
    return choose(wanted, found, settings.size, preferred=settings.checkpoint)


def designer(found: Sequence[Checkpoint], settings: QwenSettings, size: str | None) -> Checkpoint:
    """The checkpoint that would make up a voice. Raises EngineUnavailable, RequestError."""
    wanted = Wanted(Ability.DESIGN, size=_size(size))
    return choose(wanted, found, settings.size, preferred=settings.checkpoint)


class QwenStream:
    sample_rate = SAMPLE_RATE

    def __init__(self, inbox: "Inbox", poke: Callable[[], None], seed: int, checkpoint: str) -> None:
        """`poke` tells the engine's thread that something has changed."""
        self.inbox, self._poke, self.seed, self.checkpoint = inbox, poke, seed, checkpoint
        self.pipe = PcmPipe(on_room=poke)

    def feed(self, text: str) -> None:
        self.inbox.put(text)
        self._poke()

    def finish(self) -> None:
        self.inbox.finish()
        self._poke()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pipe

    async def aclose(self) -> None:
        self.pipe.close()


def _missing() -> str | None:
    return next((name for name in ("torch", "qwen_tts") if importlib.util.find_spec(name) is None), None)


def need_installed() -> None:
    """Raises EngineUnavailable where the extra isn't."""
    if missing := _missing():
        raise EngineUnavailable(f"{missing} is not installed: run {install('qwen')}", problem="not-installed")


def _size(given: str | None) -> Size | None:
    sizes: tuple[Size, ...] = get_args(Size)
    size = next((each for each in sizes if each == given), None)
    if size is None and given is not None:
        raise RequestError(f"there is no checkpoint of size {given[:20]!r}, only of {' and '.join(sizes)}")
    return size


def _wanted(voice: Voice, options: SpeechOptions, instruct: str) -> Wanted:
    size = _size(options.size)
    if options.clip is not None:
        return Wanted(Ability.CLONE, instruct=bool(instruct), size=size)
    if options.description is not None:
        return Wanted(Ability.DESIGN, instruct=bool(instruct), size=size)
    return Wanted(Ability.NAMED, speaker_of(voice), instruct=bool(instruct), size=size)


def _prompt_voice(voice: Voice, options: SpeechOptions, instruct: str) -> "PromptVoice | Clip":
    from koe.engine.qwen.prompt_voices import Designed, Named

    if options.clip is not None:
        return options.clip
    if options.description is None:
        return Named(speaker_of(voice), instruct)
    if not options.description.strip():
        raise RequestError("a voice that is made up needs a description")
    return Designed(options.description)


def _make_worker(settings: QwenSettings, data_dir: Path) -> "Worker":
    wait_quietly()
    from koe.engine.qwen.worker import Worker

    return Worker(settings, data_dir)
