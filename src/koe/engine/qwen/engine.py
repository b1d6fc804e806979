"""Qwen3-TTS as an engine: requests go to one thread, which owns the models and steps all of them together."""

import asyncio
import importlib.util
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from koe.core.errors import EngineUnavailable
from koe.core.languages import base
from koe.core.voice import Voice
from koe.engine import SpeechOptions
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.checkpoints import Checkpoint, find
from koe.engine.qwen.choice import Wanted, choose
from koe.engine.qwen.guards import Counters
from koe.engine.qwen.published import Ability
from koe.engine.qwen.voices import named_voices, speaker_of
from koe.settings import QwenSettings

if TYPE_CHECKING:
    from koe.engine.qwen.stream import Inbox
    from koe.engine.qwen.worker import Worker

_log = logging.getLogger(__name__)

SAMPLE_RATE = 24000

_ENOUGH_WHOLE = 300
_ENOUGH_LIVE = 120
"""Characters after which a generation ends with its sentence: where the text is heard beside the frames, the pace
drifts in long generations."""


def is_installed() -> bool:
    """Whether the extra is; loads nothing."""
    return not _missing()


def has_checkpoint(data_dir: Path) -> bool:
    """Whether there is one that speaks."""
    return any(each.ability is Ability.NAMED and not each.problem for each in find(data_dir))


class QwenEngine:
    name = "qwen"
    takes_live_text = True

    def __init__(self, settings: QwenSettings, data_dir: Path) -> None:
        """Checkpoints are looked for in `data_dir`/models and in the Hugging Face cache."""
        self._settings, self._data_dir = settings, data_dir
        self._checkpoints: Sequence[Checkpoint] = ()
        self._voices: tuple[Voice, ...] = ()
        self._worker: Worker | None = None

    async def start(self) -> None:
        if missing := _missing():
            raise EngineUnavailable(f"{missing} is not installed: run `pip install 'koe[qwen]'`")
        self._checkpoints = await asyncio.to_thread(find, self._data_dir)
        named = self._choose(Wanted(Ability.NAMED))
        self._voices = named_voices(named, tuple(self._settings.styles))
        # Importing torch takes a second or more: off the event loop.
        self._worker = await asyncio.to_thread(_make_worker, self._settings)
        self._worker.start()
        if self._settings.warm_up:
            self._worker.want(named)

    async def stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.stop)

    def voices(self) -> Sequence[Voice]:
        return self._voices

    @property
    def counters(self) -> Counters:
        """What it has done since it started."""
        return self._worker.counters if self._worker is not None else Counters()

    def open(self, voice: Voice, options: SpeechOptions) -> "QwenStream":
        if self._worker is None:
            raise EngineUnavailable("the qwen engine is not running")
        from koe.engine.qwen.prompt_voices import Named
        from koe.engine.qwen.sampling import Sampling
        from koe.engine.qwen.stream import Inbox, Request
        from koe.engine.qwen.worker import Order

        instruct = options.instruct or self._settings.styles.get(options.style or "", "")
        speaker = speaker_of(voice)
        wanted = Wanted(Ability.NAMED, speaker, instruct=bool(instruct))
        checkpoint = self._choose(wanted)
        request = Request(
            voice=Named(speaker, instruct),
            language=checkpoint.languages.get(base(options.language)) if options.language else None,
            tag=options.language,
            sampling=Sampling(),
            seed=secrets.randbits(32) if options.seed is None else options.seed,
            priority=options.priority,
            max_seconds=options.max_seconds,
            live=options.live_text,
            enough=_ENOUGH_LIVE if options.live_text else _ENOUGH_WHOLE,
        )
        stream = QwenStream(Inbox(), self._worker.poke, request.seed)
        self._worker.submit(Order(checkpoint, request, stream.pipe, stream.inbox, options.wait))
        return stream

    def _choose(self, wanted: Wanted) -> Checkpoint:
        return choose(wanted, self._checkpoints, self._settings.size, preferred=self._settings.checkpoint)


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


def _make_worker(settings: QwenSettings) -> "Worker":
    from koe.engine.qwen.worker import Worker

    return Worker(settings)
