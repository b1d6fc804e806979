"""Qwen3-TTS as an engine: requests go to one thread, which owns the models and steps all of them together."""

import asyncio
import importlib.util
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from koe.core.errors import EngineUnavailable, KoeError, RequestError
from koe.core.installation import install
from koe.core.languages import base
from koe.core.profile import Clip
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.checkpoints import Checkpoint, find
from koe.engine.qwen.choice import Wanted, choose
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.prompt_files import folder as prompts_folder
from koe.engine.qwen.published import Ability, Size, published
from koe.engine.qwen.voices import named_voices, speaker_of
from koe.settings import QwenSettings

if TYPE_CHECKING:
    from koe.engine.qwen.prompt_voices import PromptVoice
    from koe.engine.qwen.stream import Inbox
    from koe.engine.qwen.worker import Worker

_log = logging.getLogger(__name__)

SAMPLE_RATE = 24000

_SPEAKING = (Ability.NAMED, Ability.CLONE, Ability.DESIGN)

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
        self._checkpoints: Sequence[Checkpoint] = ()
        self._able: Mapping[Ability, Checkpoint] = {}
        self._voices: tuple[Voice, ...] = ()
        self._worker: Worker | None = None
        self._unknown: set[str] = set()
        """Languages that a checkpoint didn't know, and that was said."""

    async def start(self) -> None:
        if missing := _missing():
            raise EngineUnavailable(f"{missing} is not installed: run {install('qwen')}")
        self._checkpoints = await asyncio.to_thread(find, self._data_dir)
        self._able = self._find_able()
        self._voices = named_voices(self._named(), tuple(self._settings.styles))
        # Importing torch takes a second or more: off the event loop.
        self._worker = await asyncio.to_thread(_make_worker, self._settings, self._data_dir)
        self._worker.start()

    def warm_up(self) -> None:
        """Begin to load, for whoever stays; without it, the first request has the checkpoint loaded."""
        if self._worker is not None and self._settings.warm_up:
            self._worker.want(next(iter(self._able.values())))

    async def stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.stop)

    def voices(self) -> Sequence[Voice]:
        return self._voices

    @property
    def can_clone(self) -> bool:
        """Whether it speaks in the voices of clips: a checkpoint for that was here at the start."""
        return Ability.CLONE in self._able

    @property
    def can_design(self) -> bool:
        """Whether it speaks in voices of a description."""
        return Ability.DESIGN in self._able

    @property
    def counters(self) -> Counters:
        """What it has done since it started."""
        return self._worker.counters if self._worker is not None else Counters()

    def open(self, voice: Voice, options: SpeechOptions) -> "QwenStream":
        if self._worker is None:
            raise EngineUnavailable("the qwen engine is not running")
        from koe.engine.qwen.sampling import Sampling
        from koe.engine.qwen.stream import Inbox, Request
        from koe.engine.qwen.worker import Order

        instruct = options.instruct or self._settings.styles.get(options.style or "", "")
        checkpoint = self._choose(_wanted(voice, options, instruct))
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
        stream = QwenStream(Inbox(), self._worker.poke, request.seed)
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

    def _named(self) -> Sequence[Checkpoint]:
        """Those with named voices: the house's own choice, then the published ones, then fine-tunes."""
        if Ability.NAMED not in self._able:
            return ()
        named = [each for each in self._checkpoints if each.ability is Ability.NAMED and not each.problem]
        favourite, size = self._able[Ability.NAMED] if self._settings.checkpoint else None, self._settings.size
        return sorted(named, key=lambda each: (each is not favourite, published(each.name) is None, each.size != size))

    def _find_able(self) -> Mapping[Ability, Checkpoint]:
        """For each ability the checkpoint that has it, the named voices' first. Raises as `choose` where nobody can
        speak at all."""
        able: dict[Ability, Checkpoint] = {}
        obstacles: dict[Ability, KoeError] = {}
        for ability in _SPEAKING:
            try:
                able[ability] = self._choose(Wanted(ability))
            except KoeError as error:
                obstacles[ability] = error
        if not able:
            raise obstacles[Ability.NAMED]
        if Ability.NAMED in obstacles:
            _log.warning("there are no named voices: %s", obstacles[Ability.NAMED].message)
        return able

    def _choose(self, wanted: Wanted) -> Checkpoint:
        return choose(wanted, self._checkpoints, self._settings.size, preferred=self._settings.checkpoint)


def cloner(found: Sequence[Checkpoint], settings: QwenSettings, size: str | None) -> Checkpoint:
    """The checkpoint that would speak a cloned voice of this size. Raises EngineUnavailable, RequestError."""
    wanted = Wanted(Ability.CLONE, size=_size(size))
    return choose(wanted, found, settings.size, preferred=settings.checkpoint)


class QwenStream:
    sample_rate = SAMPLE_RATE

    def __init__(self, inbox: "Inbox", poke: Callable[[], None], seed: int) -> None:
        """`poke` tells the engine's thread that something has changed."""
        self.inbox, self._poke, self.seed = inbox, poke, seed
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
    from koe.engine.qwen.worker import Worker

    return Worker(settings, prompts_folder(data_dir))
