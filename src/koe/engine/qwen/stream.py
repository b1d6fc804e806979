"""One request in the engine's thread: its text on the way to a row of the batch, its codes on the way to PCM."""

import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from koe.core.pcm import BYTES_PER_SAMPLE, to_int16
from koe.core.profile import Clip
from koe.engine import Priority
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.codec import DecoderState
from koe.engine.qwen.frames import Row
from koe.engine.qwen.guards import FRAMES_PER_SECOND, SilenceGuard
from koe.engine.qwen.live_text import Cut, GenerationCutter, TokenFeed, Tokenizer
from koe.engine.qwen.prompt import Prompt, PromptBuilder, PromptVoice
from koe.engine.qwen.sampling import Sampling

SAMPLE_RATE = 24000
_LONGEST_CHUNK = 8
_SEED_STEP = 0x9E3779B97F4A7C15
_SEEDS = 2**63


@dataclass(frozen=True, slots=True)
class Request:
    voice: PromptVoice | Clip
    """A clip has to be heard before it is a voice."""

    language: str | None
    """The model's word for it; None: the model finds out."""

    tag: str | None
    """BCP-47 tag of the text, where it is known: sentences end by its rules."""

    sampling: Sampling
    seed: int
    priority: Priority
    max_seconds: float

    live: bool
    """Whether the text is heard token by token beside the frames, or whole before the first."""

    enough: int
    """Characters after which a generation ends with its sentence."""


class Inbox:
    """Text from the event loop to the engine's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: list[str] = []
        self._finished = False

    def put(self, text: str) -> None:
        with self._lock:
            self._texts.append(text)

    def finish(self) -> None:
        with self._lock:
            self._finished = True

    @property
    def has_text(self) -> bool:
        return bool(self._texts)

    def take(self) -> tuple[str, bool]:
        """What has come since the last time, and whether that was all."""
        with self._lock:
            text, self._texts = "".join(self._texts), []
            return text, self._finished


@dataclass(slots=True)
class Generation:
    """The text of one prompt and its frames."""

    ids: list[int] = field(default_factory=list)

    heard: int = 0
    """So many of them have gone into the prompt or beside a frame."""

    complete: bool = False

    @property
    def waiting(self) -> int:
        return len(self.ids) - self.heard

    def take(self, count: int) -> list[int]:
        self.heard += count
        return self.ids[self.heard - count : self.heard]


class Text:
    """Characters in, generations out."""

    def __init__(self, tokenizer: Tokenizer, enough: int, tag: str | None) -> None:
        self._cutter = GenerationCutter(enough, tag)
        self._feed = TokenFeed(tokenizer)
        self.generations: deque[Generation] = deque([Generation()])
        self.finished = False

    def add(self, text: str, *, last: bool) -> None:
        for part in self._cutter.feed(text):
            self._pass_on(part)
        if last and not self.finished:
            for part in self._cutter.finish():
                self._pass_on(part)
            self._complete()
            self.finished = True

    @property
    def at_sentence_end(self) -> bool:
        """Whether the text so far could end here, though more may come."""
        return not self.generations[-1].complete and self._cutter.at_sentence_end

    def end_generation_here(self) -> bool:
        """Where the text pauses behind a sentence, what follows belongs to another generation; False elsewhere."""
        if self.finished or not self.at_sentence_end:
            return False
        for part in self._cutter.finish():
            self._pass_on(part)
        self._pass_on(Cut())
        return True

    def _pass_on(self, part: str | Cut) -> None:
        if isinstance(part, Cut):
            self._complete()
            self.generations.append(Generation())
        else:
            self._hear(self._feed.feed(part))

    def _complete(self) -> None:
        self._hear(self._feed.finish())
        self.generations[-1].complete = True

    def _hear(self, ids: list[int]) -> None:
        self.generations[-1].ids += ids


class Stream:
    """All that the batch keeps of one request. `voice` is set once its clip was heard, `row` and `decoder` while a
    generation is under way."""

    def __init__(self, request: Request, pipe: PcmPipe, inbox: Inbox, tokenizer: Tokenizer) -> None:
        self.request, self.pipe, self._inbox = request, pipe, inbox
        self.text = Text(tokenizer, request.enough, request.tag)
        self.voice: PromptVoice | None = None if isinstance(request.voice, Clip) else request.voice
        self.row: Row | None = None
        self.decoder: DecoderState | None = None
        self.codes: list[Tensor] = []
        """Frames that are not sound yet, each int64 [16]."""

        self.sounding: Future[Tensor] | None = None
        """What is being made of earlier codes on a thread of its own."""

        self.frames = 0
        """All there have been, also of earlier generations."""

        self.sent_bytes = 0
        """All there have been, also those that are held back."""

        self.heard = False
        """Whether the consumer gets what there is: not before its head start is complete."""

        self._held: list[bytes] = []
        self.retried = False
        self.silence = SilenceGuard()
        self._beside: deque[Tensor] = deque()
        """Text embeddings for the frames to come."""

        self._ends_heard = False
        """Whether the talker knows where the text ends."""

        self._starving_since: float | None = None
        self._generation = 0
        self._chunk = 1
        """Frames of a chunk of sound: it grows, so that the first comes early and the others cost little."""

    @property
    def seed(self) -> int:
        """Of the generation at hand: each has its own, all from the request's."""
        return (self.request.seed + self._generation * _SEED_STEP) % _SEEDS

    @property
    def generation(self) -> Generation | None:
        return self.text.generations[0] if self.text.generations else None

    @property
    def waits_to_begin(self) -> bool:
        """Whether text has come for one who hears nothing yet."""
        return self.row is None and self._inbox.has_text

    @property
    def done(self) -> bool:
        """Whether everything has been spoken."""
        return self.text.finished and self.row is None and not self.text.generations

    @property
    def spent(self) -> bool:
        """Whether it has had all the sound that it may have."""
        return self.frames >= self.request.max_seconds * FRAMES_PER_SECOND

    @property
    def due(self) -> bool:
        """Whether there are codes enough for the next chunk of sound."""
        assert self.row is not None
        return len(self.codes) >= (1 if self.row.finished or self.spent else self._chunk)

    @property
    def behind(self) -> bool:
        """Whether the next chunk is due, and the last one isn't sound yet."""
        return self.sounding is not None and self.due

    @property
    def next_chunk(self) -> int:
        """Frames of the next chunk of sound."""
        return min(self._chunk, len(self.codes))

    def take_text(self) -> None:
        text, last = self._inbox.take()
        if text or last:
            self.text.add(text, last=last)
            if self.row is None:
                self._starving_since = None
        while self.row is None and (head := self.generation) and head.complete and not head.ids:
            self.text.generations.popleft()

    def ready_to_begin(self, prompts: PromptBuilder) -> bool:
        """Whether there is text enough for a prompt; a voice with a reference needs some."""
        head = self.generation
        if self.voice is None or head is None or self.row is not None:
            return False
        if head.complete or not self.request.live:
            return head.complete and bool(head.ids)
        if head.ids and head.waiting >= prompts.needed(self.voice):
            return True
        # A first word may be held back altogether, as more could belong to it ("OK.").
        if self._starving_since is None and (head.ids or self.text.at_sentence_end):
            self._starving_since = time.monotonic()
        return False

    def prompt(self, prompts: PromptBuilder) -> Prompt:
        """The prompt of the next generation; takes from its text what it needs."""
        head, request, voice = self.text.generations[0], self.request, self.voice
        assert voice is not None
        self._starving_since = None
        needed = prompts.needed(voice)
        self._ends_heard = not request.live or head.waiting < needed
        ids = head.take(head.waiting if self._ends_heard else needed)
        if not request.live:
            prompt = prompts.whole(voice, ids, request.language)
        else:
            prompt = prompts.dual(voice, ids, request.language, complete=self._ends_heard)
        self._beside = deque(prompt.trailing)
        return prompt

    def hear(self, prompts: PromptBuilder) -> bool:
        """Have the text of the next frame at hand; False where it is still to come."""
        head = self.text.generations[0]
        if self._beside or self._ends_heard:
            return True
        if head.waiting:
            # One by one, for the embedding of several at once differs in its last bits.
            self._beside.extend(prompts.text_embedding(head.take(1)))
        elif head.complete:
            self._beside.append(prompts.eos)
            self._ends_heard = True
        self._starving_since = None if self._beside else self._starving_since or time.monotonic()
        return bool(self._beside)

    @property
    def starving(self) -> float:
        """Seconds for which its prompt or its next frame has lacked text."""
        return 0.0 if self._starving_since is None else time.monotonic() - self._starving_since

    @property
    def next_text(self) -> Tensor | None:
        """What is heard beside the next frame; None where no text is left."""
        return self._beside[0] if self._beside else None

    def note_frame(self, codes: Tensor) -> None:
        """The next frame has been made: codes [16]."""
        if self._beside:
            self._beside.popleft()
        self.codes.append(codes)
        self.frames += 1

    def take_codes(self) -> Tensor:
        """The frames for the next chunk of sound: [1, t, 16]."""
        taken, self.codes = self.codes[: self._chunk], self.codes[self._chunk :]
        self._chunk = min(2 * self._chunk, _LONGEST_CHUNK)
        return torch.stack(taken)[None]

    def send(self, samples: Tensor, head_start: float = 0.0) -> bool:
        """Give sound [n] to the consumer, from when there are `head_start` seconds of it; silence before the first word
        is not sent. False where it is no sound, but NaN."""
        wave = samples.cpu().numpy()
        if not np.isfinite(wave).all():
            return False
        self.silence.hear(wave, SAMPLE_RATE)
        if self.sent_bytes or not self.silence.quiet:
            pcm = to_int16(wave)
            self.sent_bytes += len(pcm)
            self._held.append(pcm)
            if self.heard or self.sent_bytes >= head_start * SAMPLE_RATE * BYTES_PER_SAMPLE:
                self.let_hear()
        return True

    def let_hear(self) -> None:
        """Hold nothing back any more."""
        if self._held:
            self.heard = True
            self.pipe.put(b"".join(self._held))
            self._held.clear()

    def has_room(self, lead_seconds: float) -> bool:
        """Whether it is not too far ahead of its consumer."""
        return self.pipe.buffered + sum(map(len, self._held)) < lead_seconds * SAMPLE_RATE * BYTES_PER_SAMPLE

    def end_generation(self) -> None:
        """The row has been closed: what follows is another generation's, also the text that it had not heard yet."""
        self.let_hear()
        self._begin_anew()
        head = self.text.generations[0]
        if head.complete and not head.waiting:
            self.text.generations.popleft()
        else:
            head.ids, head.heard = head.ids[head.heard :], 0

    def try_again(self) -> None:
        """Once more from the beginning of the generation, with another seed."""
        self._begin_anew()
        self.retried = True
        self.text.generations[0].heard = 0

    def _begin_anew(self) -> None:
        self.row, self.decoder, self.codes, self.sounding = None, None, [], None
        self._starving_since = None
        self.silence = SilenceGuard()
        self._generation += 1
