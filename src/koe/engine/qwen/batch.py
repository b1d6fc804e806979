"""Continuous batching: streams join, pause and leave at any frame, and one step makes a frame of each that can go on.

    take text -> hear one clip -> begin one newcomer -> a frame of each row that may go on -> sound, first chunks first

Where there is a thread for it, the sound is made beside the frames to come, and a later step passes it on.

Rooms go before batches, in the order they came: where places run out, a batch's row is put aside and goes on later. A
room that comes in the middle of a batch's step waits for its next code, or for one chunk of sound, not for the rest.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass

import torch

from koe.core.errors import EngineError, KoeError
from koe.core.profile import Clip
from koe.engine import Priority
from koe.engine.qwen.codec import StreamingDecoder
from koe.engine.qwen.device import is_out_of_memory
from koe.engine.qwen.frames import FrameGenerator, GaveWay, Row
from koe.engine.qwen.guards import Counters, frame_cap
from koe.engine.qwen.pace import Pace
from koe.engine.qwen.priming import Priming
from koe.engine.qwen.prompt import Cloned, Designed, PromptBuilder
from koe.engine.qwen.sampling import Sampling
from koe.engine.qwen.sounding import SoundThread
from koe.engine.qwen.stream import Stream

_log = logging.getLogger(__name__)

_ROOM_PIECE, _BATCH_PIECE = 4, 2
"""Frames that are made sound at once where there is a thread for it: then others have their turn, a room's between a
batch's, and how many cores there are for it is seen anew. Eight at once take as long for each as four."""

_FIRST_SECONDS = 10.0
"""So long a step waits for the first sound of a room at most."""

_WARM_SECONDS = 60.0
"""So long the warming up waits for its sound at most: on a slow machine too a checkpoint must come to be loaded."""

_PACE_FRAMES = 8
"""Are made at once while it warms up, from which it learns how fast it is."""


@dataclass(frozen=True, slots=True)
class Model:
    """What one checkpoint computes with; belongs to the engine's thread."""

    frames: FrameGenerator
    decoder: StreamingDecoder
    priming: Priming
    prompts: PromptBuilder

    hear: Callable[[Clip], Cloned]
    """A clip's voice, where the checkpoint clones."""

    sound: SoundThread | None = None
    """Makes the sound beside the frames to come; None: one after the other."""

    rest: Callable[[], None] = lambda: None
    """To be called before waiting for sound: that may then be made with all cores."""


class Batch:
    def __init__(
        self, model: Model, lead_seconds: float, text_wait: float, counters: Counters, room_comes: Callable[[], bool]
    ) -> None:
        """`lead_seconds`: how far a stream may be ahead of its consumer. `text_wait`: seconds after which a text that
        pauses behind a sentence is taken to end there. `room_comes`: whether a room is to be added."""
        self._model, self._lead, self._text_wait, self.counters = model, lead_seconds, text_wait, counters
        self._room_comes = room_comes
        self.pace = Pace()
        self._streams: list[Stream] = []
        self._behind_since: float | None = None

    @property
    def streams(self) -> int:
        return len(self._streams)

    @property
    def lacks_text(self) -> bool:
        """Whether a stream waits for text, so that time alone may change what there is to do."""
        return any(stream.starving for stream in self._streams)

    @property
    def lacks_sound(self) -> bool:
        """Whether sound is being made beside, and more is to be done as soon as it is there."""
        return any(stream.sounding is not None for stream in self._streams)

    @property
    def serves_rooms(self) -> bool:
        return any(stream.request.priority is Priority.ROOM for stream in self._streams)

    def add(self, stream: Stream) -> None:
        """In its place: by priority, then in the order they came."""
        before = [each for each in self._streams if each.request.priority <= stream.request.priority]
        self._streams.insert(len(before), stream)

    def step(self) -> bool:
        """One frame for whoever can go on; False where nobody can."""
        for stream in self._streams:
            stream.take_text()
            if stream.starving >= self._text_wait:
                stream.text.end_generation_here()
        self._let_go()
        heard = self._hear_one()
        began = self._begin_one()
        self._resume_those_put_aside()
        rows = [stream for stream in self._streams if self._can_go_on(stream)]
        only_rooms = any(map(_owes_a_room, rows))
        if only_rooms:
            rows = [stream for stream in rows if _is_room(stream)]
        began_at = time.perf_counter()
        try:
            if rows:
                self._advance(rows)
            passed_on = self._pass_on()
            due = [each for each in self._streams if each.row is not None and each.due and not each.behind]
            sounded = self._sound([each for each in due if _is_room(each) or not only_rooms])
            self._note_pace(began_at, stepped=bool(rows))
        except GaveWay:
            return True
        return heard or began or bool(rows) or passed_on or sounded

    def warm_up(self) -> None:
        """Compute some frames for nobody: the first computation on a device takes longer than all others, and from the
        others it learns its pace."""
        model = self._model
        row = model.frames.open(model.prompts.blank(), Sampling(), 0)
        state, codes = model.decoder.open(), self._frame_for_nobody(row)
        model.rest()
        model.decoder.decode([state], codes[:, None])
        for frames in (1, _PACE_FRAMES):
            begin, piece, sounding = time.perf_counter(), codes[:, None].repeat(1, frames, 1), None
            if model.sound is not None:
                sounding = model.sound.add(model.decoder, state, piece, _LAST, _ROOM_PIECE)
            for _ in range(frames):
                codes = self._frame_for_nobody(row)
            model.rest()
            if sounding is None:
                model.decoder.decode([state], piece)
            else:
                sounding.result(_WARM_SECONDS)
            if frames > 1:
                self.pace.note((time.perf_counter() - begin) / frames, frames)
        model.frames.close(row)

    def _frame_for_nobody(self, row: Row) -> torch.Tensor:
        """Its codes [1, 16]."""
        row.finished = False
        codes = self._model.frames.advance([row], [None])
        if row.broken:
            raise FrameGenerator.failure()
        return codes

    def close(self, error: KoeError) -> None:
        """End all streams."""
        self._fail(list(self._streams), error)

    def _let_go(self) -> None:
        """Of the streams that nobody listens to any more, and of those that have come to their end."""
        for stream in list(self._streams):
            if stream.pipe.closed or stream.done:
                self._remove(stream)
                stream.pipe.end()

    def _remove(self, stream: Stream) -> None:
        if stream.row is not None:
            self._model.frames.close(stream.row)
        if stream.sounding is not None:
            stream.sounding.cancel()
        self._streams.remove(stream)

    def _fail(self, streams: Sequence[Stream], error: KoeError) -> None:
        for stream in streams:
            self._remove(stream)
            stream.pipe.end(error)

    # Beginning

    def _hear_one(self) -> bool:
        """At most one clip a step."""
        for stream in self._streams:
            if isinstance(clip := stream.request.voice, Clip) and stream.voice is None:
                try:
                    stream.voice = self._model.hear(clip)
                except Exception as error:
                    self._fail([stream], as_koe_error(error))
                return True
        return False

    def _begin_one(self) -> bool:
        """At most one prompt a step, so that no running stream waits for more than one."""
        ready = (each for each in self._streams if each.ready_to_begin(self._model.prompts))
        stream = next(ready, None)
        if stream is None or not (self._model.frames.free or self._put_aside_for(stream)):
            return False
        try:
            self._begin(stream)
        except Exception as error:
            self._fail([stream], as_koe_error(error))
        return True

    def _begin(self, stream: Stream) -> None:
        model, voice = self._model, stream.voice
        assert voice is not None
        prompt = stream.prompt(model.prompts)
        stream.row = model.frames.open(prompt, stream.request.sampling, stream.seed)
        stream.decoder = model.priming.open(voice)
        self.counters.generations += 1
        self.counters.designs += isinstance(voice, Designed)

    def _put_aside_for(self, stream: Stream) -> bool:
        """Take the place of a stream that may wait longer: the last of lower priority."""
        holders = [each for each in self._streams if each.row is not None and not each.row.suspended]
        others = [each for each in holders if each.request.priority > stream.request.priority]
        if not others or others[-1].row is None:
            return False
        self._model.frames.suspend(others[-1].row)
        return True

    def _resume_those_put_aside(self) -> None:
        for stream in self._streams:
            if self._model.frames.free and stream.row is not None and stream.row.suspended:
                self._model.frames.resume(stream.row)

    def _can_go_on(self, stream: Stream) -> bool:
        row = stream.row
        if row is None or row.suspended or stream.behind or self._is_over(stream):
            return False
        return stream.has_room(self._lead) and stream.hear(self._model.prompts)

    def _is_over(self, stream: Stream) -> bool:
        """Whether all that is left of the generation is to make its last frames sound."""
        row, under_way = stream.row, stream.due or stream.sounding is not None
        return row is not None and under_way and (row.finished or stream.spent or not self._model.frames.room(row))

    def _room_waits(self) -> bool:
        """Whether a room is to be begun, for which a batch breaks its step off."""
        return self._room_comes() or any(_is_room(each) and each.waits_to_begin for each in self._streams)

    # Going on

    def _advance(self, streams: Sequence[Stream]) -> None:
        rows = [stream.row for stream in streams if stream.row is not None]
        give_way = None if any(map(_is_room, streams)) else self._room_waits
        try:
            codes = self._model.frames.advance(rows, [stream.next_text for stream in streams], give_way)
        except GaveWay:
            raise
        except Exception as error:
            self._fail(streams, as_koe_error(error))
            return
        self._fail(
            [stream for stream in streams if stream.row is not None and stream.row.broken], FrameGenerator.failure()
        )
        for stream, frame in zip(streams, codes, strict=True):
            stream.note_frame(frame)
        self.counters.frames += len(streams)

    def _sound(self, streams: Sequence[Stream]) -> bool:
        """Rooms before batches, first chunks before later ones, those of equal length together; whether there were any.

        Raises GaveWay once a room waits and what is left is for batches, which is then due at a later step.
        """
        if self._model.sound is not None:
            return self._sound_beside(streams, self._model.sound)
        while due := [each for each in streams if each in self._streams and each.due]:
            order = min(_order(each) for each in due)
            if order[0] and self._room_waits():
                raise GaveWay
            self._decode([each for each in due if _order(each) == order][: self._model.decoder.together])
        for stream in streams:
            if stream in self._streams:
                self._judge(stream)
        return bool(streams)

    def _decode(self, streams: Sequence[Stream]) -> None:
        try:
            codes = torch.cat([stream.take_codes() for stream in streams])
            states = [stream.decoder for stream in streams if stream.decoder is not None]
            for stream, wave in zip(streams, self._model.decoder.decode(states, codes), strict=True):
                if not stream.send(wave, self._head_start(stream)):
                    self._fail([stream], FrameGenerator.failure())
        except Exception as error:
            self._fail([stream for stream in streams if stream in self._streams], as_koe_error(error))

    def _sound_beside(self, streams: Sequence[Stream], sound: SoundThread) -> bool:
        for stream in streams:
            assert stream.decoder is not None
            order, most = _order(stream), _ROOM_PIECE if _is_room(stream) else _BATCH_PIECE
            stream.sounding = sound.add(self._model.decoder, stream.decoder, stream.take_codes(), order, most)
        # What a room hears first comes sooner where nothing else is computed.
        firsts = [each for each in streams if _is_room(each) and not each.sent_bytes and not self._head_start(each)]
        if firsts:
            self._model.rest()
            wait([each.sounding for each in firsts if each.sounding is not None], timeout=_FIRST_SECONDS)
        self._pass_on()
        return bool(streams)

    def _pass_on(self) -> bool:
        """The sound that has been made; whether there was any."""
        made = [each for each in self._streams if each.sounding is not None and each.sounding.done()]
        for stream in made:
            assert stream.sounding is not None
            answer, stream.sounding = stream.sounding, None
            try:
                if not stream.send(answer.result(), self._head_start(stream)):
                    self._fail([stream], FrameGenerator.failure())
                elif not stream.due:
                    self._judge(stream)
            except Exception as error:
                self._fail([stream], as_koe_error(error))
        return bool(made)

    def _note_pace(self, began_at: float, *, stepped: bool) -> None:
        """A step lasts from when a stream could have gone on, had its sound been made in time."""
        begin = self._behind_since or began_at
        if stepped:
            self.pace.note(time.perf_counter() - begin)
        self._behind_since = (
            begin if not stepped and any(each.row is not None and each.behind for each in self._streams) else None
        )

    def _head_start(self, stream: Stream) -> float:
        """Seconds of sound that a room's stream has before the first of it is heard."""
        generation = stream.generation
        if generation is None or stream.request.priority is not Priority.ROOM:
            return 0.0
        return self.pace.head_start(len(generation.ids))

    def _judge(self, stream: Stream) -> None:
        """Whether the generation has come to its end, by itself or by force."""
        row, generation = stream.row, stream.generation
        assert row is not None
        assert generation is not None
        if stream.spent:
            stream.let_hear()
            self._remove(stream)
            stream.pipe.end()
            return
        too_long = generation.complete and row.frames >= frame_cap(len(generation.ids))
        capped = too_long or not self._model.frames.room(row)
        if not (row.finished or stream.silence.dead or capped):
            return
        self._model.frames.close(row)
        if row.finished or stream.sent_bytes:
            self._count(stream, capped=capped and not row.finished)
            stream.end_generation()
        elif stream.retried:
            self._fail([stream], EngineError("the model stayed silent, also with another seed"))
        else:
            self.counters.retried += 1
            stream.try_again()

    def _count(self, stream: Stream, *, capped: bool) -> None:
        if stream.silence.dead:
            self.counters.silenced += 1
            _log.warning("a generation died away without an end: ended after %g s of silence", 3.0)
        elif capped:
            self.counters.capped += 1
            _log.warning("a generation did not end by itself: cut off at the length of its text")


def _is_room(stream: Stream) -> bool:
    return stream.request.priority is Priority.ROOM


def _owes_a_room(stream: Stream) -> bool:
    """Whether a room hears nothing yet of what is being generated for it: batches wait for that."""
    return _is_room(stream) and not stream.heard


_Order = tuple[bool, bool, int]
_LAST: _Order = (True, True, 0)


def _order(stream: Stream) -> _Order:
    return not _is_room(stream), stream.sent_bytes > 0, stream.next_chunk


def as_koe_error(error: Exception) -> KoeError:
    """Whatever went wrong with a model, in words for the one who asked."""
    if isinstance(error, KoeError):
        return error
    if is_out_of_memory(error):
        return EngineError("the model ran out of memory for this request; other requests go on")
    _log.error("the model failed", exc_info=error)
    return EngineError(f"the model failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
