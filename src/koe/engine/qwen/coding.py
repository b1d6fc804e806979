"""The codec for everybody: what may be encoded and decoded, and how a decoded sound arrives. Loads no torch."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from koe.core.errors import EngineTimeout, LimitExceeded, MalformedInput
from koe.engine.pipe import PcmPipe

_T = TypeVar("_T")

SAMPLE_RATE = 24_000
"""Hz."""

FRAME_RATE = 12.5
"""Hz."""

CODEBOOKS = 16
CODEBOOK_SIZE = 2048

FRAME_SAMPLES = 1920

MAX_ENCODE_SECONDS = 30.0
"""The codec hears it all at once, and whoever begins to speak meanwhile waits for it."""

MAX_DECODE_FRAMES = 7500
"""Ten minutes."""

MOST_SECONDS = 180.0
"""To wait for an answer: rooms may speak, and a model may be loading."""


class DecodedSound:
    """Iterated as a SpeechStream is."""

    sample_rate = SAMPLE_RATE

    def __init__(self, poke: Callable[[], None]) -> None:
        self.pipe = PcmPipe(on_room=poke)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Raises EngineTimeout."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await anext(self.pipe)
        except TimeoutError:
            raise _too_slow("the codec gave no sound", MOST_SECONDS) from None

    async def aclose(self) -> None:
        self.pipe.close()


def check_sound(samples: NDArray[np.float32]) -> None:
    """Whether it can be encoded. Raises MalformedInput, LimitExceeded."""
    if len(samples) < FRAME_SAMPLES:
        raise MalformedInput(
            f"{len(samples)} samples at 24 kHz are too few to encode: {FRAME_SAMPLES} at least (80 ms)"
        )
    if len(samples) > MAX_ENCODE_SECONDS * SAMPLE_RATE:
        seconds = len(samples) / SAMPLE_RATE
        raise LimitExceeded(f"{seconds:.1f} seconds; at most {MAX_ENCODE_SECONDS:g} can be encoded at once: cut it")


def check_codes(codes: NDArray[np.int64]) -> None:
    """Whether they may be decoded. Raises LimitExceeded; what their values may be, the codec knows."""
    if len(codes) > MAX_DECODE_FRAMES:
        raise LimitExceeded(f"{len(codes)} frames; at most {MAX_DECODE_FRAMES} can be decoded at once: cut them")


async def within(seconds: float, answer: "Future[_T]", otherwise: str) -> _T:
    """What the engine's thread gives. Raises EngineTimeout."""
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(answer)
    except TimeoutError:
        raise _too_slow(otherwise, seconds) from None


def _too_slow(what: str, seconds: float) -> EngineTimeout:
    return EngineTimeout(f"{what} within {seconds:g} seconds: try again later")
