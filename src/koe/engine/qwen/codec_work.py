"""Sound to codes and back, for those who want the codec itself: done between the steps of those who speak.

encode     in one go, as the codec hears all of a sound at once: when no room is waiting for its next frame
decode     piece by piece, beside a room's speech in small ones
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from koe.core.errors import Busy, EngineError, KoeError, MalformedInput
from koe.core.pcm import BYTES_PER_SAMPLE, to_int16
from koe.engine.pipe import PcmPipe
from koe.engine.qwen.batch import as_koe_error
from koe.engine.qwen.checkpoints import Checkpoint
from koe.engine.qwen.codec import DecoderState, StreamingDecoder
from koe.engine.qwen.codec_modules import TorchCodec
from koe.engine.qwen.reference import SAMPLE_RATE, encode

Codes = NDArray[np.int64]
"""[frames, 16]"""

_MOST = 8
"""Orders at a time."""

_PIECE, _SMALL_PIECE = 25, 2
"""Frames that are decoded at once; the small one where a room's speech goes on beside it."""

_LEAD = 10 * SAMPLE_RATE * BYTES_PER_SAMPLE
"""Bytes that a decoded sound may be ahead of its listener."""

_PATIENCE = 60.0
"""Seconds that a sound waits for a pause of the rooms."""

_KEPT = 60.0
"""Seconds that a codec stays in memory that nobody who speaks uses."""


@dataclass(frozen=True, slots=True)
class Encoding:
    samples: NDArray[np.float32]
    """[n], mono, 24 kHz."""

    checkpoint: Checkpoint
    """Its codec is loaded where none is in memory."""

    answer: "Future[Codes]" = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Decoding:
    codes: Codes
    checkpoint: Checkpoint
    pipe: PcmPipe
    done: int = 0
    """Frames."""

    decoder: StreamingDecoder | None = None
    state: DecoderState | None = None
    device: Any = None


class CodecWork:
    """Orders may be given from anywhere; everything else belongs to the engine's thread."""

    def __init__(self, load: Callable[[Checkpoint], Any]) -> None:
        """`load`: a whole codec into memory."""
        self._load = load
        self._orders: deque[Encoding | Decoding] = deque()
        self._own: Any = None
        self._used = 0.0

    def add(self, order: Encoding | Decoding) -> None:
        """Raises Busy."""
        if len(self._orders) >= _MOST:
            raise Busy(f"{_MOST} sounds are being encoded or decoded already: try again later")
        self._orders.append(order)

    @property
    def wait(self) -> float | None:
        """Seconds after which the codec may go; None: there is none, or somebody still wants it."""
        if self._own is None or self._orders:
            return None
        return max(0.0, self._used + _KEPT - time.monotonic())

    def step(self, codecs: Sequence[Any], *, room_speaks: bool) -> bool:
        """The next piece of one order; False where there is nothing to do. `codecs`: those that are in memory."""
        # An order stays in line while it is worked at, so that `add` counts it.
        for _ in range(len(self._orders)):
            order = self._orders[0]
            may_go_on = not _is_over(order) and self._may_go_on(order, codecs, room_speaks=room_speaks)
            if may_go_on:
                over = self._advance(order, codecs, _SMALL_PIECE if room_speaks else _PIECE)
            else:
                over = _is_over(order) or _has_waited_enough(order)
            if over:
                self._orders.popleft()
            else:
                self._orders.rotate(-1)
            if may_go_on:
                return True
        return self._release()

    def close(self, error: KoeError) -> None:
        while self._orders:
            _end(self._orders.popleft(), error)
        self._own = None

    def _may_go_on(self, order: Encoding | Decoding, codecs: Sequence[Any], *, room_speaks: bool) -> bool:
        if isinstance(order, Encoding):
            return not room_speaks
        # To load one takes a second.
        at_hand = order.decoder is not None or self._at_hand(codecs, encoder=False) is not None
        return order.pipe.buffered < _LEAD and (at_hand or not room_speaks)

    def _advance(self, order: Encoding | Decoding, codecs: Sequence[Any], most: int) -> bool:
        """Whether that was all."""
        try:
            if isinstance(order, Decoding):
                return self._decode(order, codecs, most)
            self._encode(order, codecs)
        except Exception as error:
            _end(order, as_koe_error(error))
        return True

    def _encode(self, order: Encoding, codecs: Sequence[Any]) -> None:
        codec = self._codec(order.checkpoint, codecs, encoder=True)
        if order.answer.set_running_or_notify_cancel():
            order.answer.set_result(encode(codec, order.samples).cpu().numpy())

    def _decode(self, order: Decoding, codecs: Sequence[Any], most: int) -> bool:
        """Whether that was all."""
        if order.decoder is None or order.state is None:
            codec = self._codec(order.checkpoint, codecs, encoder=False)
            _check(order.codes, codec.config.decoder_config)
            order.device = codec.device
            order.decoder = StreamingDecoder(TorchCodec(codec.decoder))
            order.state = order.decoder.open()
        piece = torch.from_numpy(order.codes[order.done : order.done + most]).to(order.device)
        wave = order.decoder.decode([order.state], piece[None])[0].cpu().numpy()
        if not np.isfinite(wave).all():
            raise EngineError("the codec computed no numbers: its weights are damaged")
        order.done += len(piece)
        order.pipe.put(to_int16(wave))
        if order.done < len(order.codes):
            return False
        order.pipe.end()
        return True

    def _codec(self, checkpoint: Checkpoint, codecs: Sequence[Any], *, encoder: bool) -> Any:
        codec = self._at_hand(codecs, encoder=encoder)
        if codec is None:
            codec = self._own = self._load(checkpoint)
        self._used = time.monotonic()
        return codec

    def _at_hand(self, codecs: Sequence[Any], *, encoder: bool) -> Any:
        there = [*codecs, self._own]
        return next((each for each in there if each is not None and (each.encoder is not None or not encoder)), None)

    def _release(self) -> bool:
        if self.wait != 0:
            return False
        self._own = None
        return True


def _is_over(order: Encoding | Decoding) -> bool:
    """Whether nobody waits for it any more."""
    return order.answer.cancelled() if isinstance(order, Encoding) else order.pipe.closed


def _has_waited_enough(order: Encoding | Decoding) -> bool:
    if isinstance(order, Decoding) or time.monotonic() - order.since <= _PATIENCE:
        return False
    _end(order, Busy(f"rooms have been speaking for {_PATIENCE:g} seconds without a pause: try again later"))
    return True


def _end(order: Encoding | Decoding, error: KoeError) -> None:
    if isinstance(order, Decoding):
        order.pipe.end(error)
    elif order.answer.running() or order.answer.set_running_or_notify_cancel():
        order.answer.set_exception(error)


def _check(codes: Codes, config: Any) -> None:
    """A code beyond its codebook would bring down a GPU."""
    if codes.ndim != 2 or codes.shape[1] != config.num_quantizers or not len(codes):
        raise MalformedInput(f"codes are {config.num_quantizers} for each frame, not {list(codes.shape)}")
    if codes.min() < 0 or codes.max() >= config.codebook_size:
        raise MalformedInput(f"codes lie from 0 to {config.codebook_size - 1}, not {codes.min()} to {codes.max()}")
