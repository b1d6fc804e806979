"""The sound of an answer, in whichever form it comes; told apart by its Content-Type.

audio/pcm           the sound alone, 16-bit little-endian mono; of 24 kHz unless a header says otherwise
audio/wav           with a header before it
text/event-stream   speech.audio.delta events with either of them in base64, then done or error
"""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator
from typing import NamedTuple, Protocol

import aiohttp
from pydantic import BaseModel, ValidationError

from koe.core.pcm import BYTES_PER_SAMPLE
from koe.engine.remote.events import Event, EventReader
from koe.engine.remote.failures import ServerFailure, Why
from koe.engine.remote.refusals import Refusal
from koe.engine.remote.wav import NotWav, WavReader

USUAL_RATE = 24_000
"""Hz of PCM that doesn't say."""

_PROGRESS = 1920 * BYTES_PER_SAMPLE
"""A frame of 80 ms: a server from which less trickles within its time is as good as silent."""

_ENDED_EARLY = "its answer ended in the middle"

_RATE_HEADERS = ("X-Sample-Rate", "X-Audio-Sample-Rate")
_PCM_TYPES = ("audio/pcm", "audio/x-pcm", "application/octet-stream")
_WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")


class Sound(NamedTuple):
    pcm: bytes
    """16-bit little-endian mono, whole samples, not empty."""

    sample_rate: int
    """Hz."""


class SoundReader(Protocol):
    @property
    def sample_rate(self) -> int:
        """Hz; known as soon as there is sound."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing follows, whatever the connection does."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Whole samples. Raises NotWav, ValueError."""
        ...

    def check_end(self) -> None:
        """Raises ServerFailure where the sound can't end here."""
        ...


class PcmReader:
    """Bytes may be cut in the middle of a sample."""

    ended = False

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._half = b""

    def feed(self, data: bytes) -> bytes:
        data = self._half + data
        whole = len(data) - len(data) % BYTES_PER_SAMPLE
        self._half = data[whole:]
        return data[:whole]

    def check_end(self) -> None:
        """It has no end of its own: where the body is whole, it is."""


class WavSoundReader:
    ended = False

    def __init__(self) -> None:
        self._wav = WavReader()

    @property
    def sample_rate(self) -> int:
        return self._wav.sample_rate

    def feed(self, data: bytes) -> bytes:
        return self._wav.feed(data)

    def check_end(self) -> None:
        if not self._wav.complete:
            raise ServerFailure(Why.BROKEN, _ENDED_EARLY)


class _Delta(BaseModel):
    audio: str
    response_format: str = "pcm"


class _Failed(BaseModel):
    error: Refusal


class EventSoundReader:
    def __init__(self) -> None:
        self._events = EventReader()
        self._inner: SoundReader | None = None
        self._done = False
        self._failure: ServerFailure | None = None

    @property
    def ended(self) -> bool:
        return self._done or self._failure is not None

    @property
    def sample_rate(self) -> int:
        return self._inner.sample_rate if self._inner is not None else 0

    def feed(self, data: bytes) -> bytes:
        return b"".join(self._heard(event) for event in self._events.feed(data) if not self.ended)

    def check_end(self) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._done:
            raise ServerFailure(Why.BROKEN, _ENDED_EARLY)
        if self._inner is not None:
            self._inner.check_end()

    def _heard(self, event: Event) -> bytes:
        kind = event.name or _type_of(event)
        if kind == "speech.audio.delta":
            delta = _Delta.model_validate_json(event.data)
            if self._inner is None:
                self._inner = WavSoundReader() if delta.response_format == "wav" else PcmReader(USUAL_RATE)
            return self._inner.feed(base64.b64decode(delta.audio, validate=True))
        if kind == "speech.audio.error":
            # What came before it is heard all the same.
            words = _Failed.model_validate_json(event.data).error.told
            self._failure = ServerFailure(Why.BROKEN, words or "it failed")
        self._done = self._done or kind == "speech.audio.done"
        return b""


class _Typed(BaseModel):
    type: str = ""


def _type_of(event: Event) -> str:
    return _Typed.model_validate_json(event.data).type if event.data.startswith("{") else ""


def reader_of(response: aiohttp.ClientResponse) -> SoundReader:
    """Raises ServerFailure for an answer that is no sound."""
    kind = response.content_type
    if kind in _PCM_TYPES:
        return PcmReader(_rate(response))
    if kind in _WAV_TYPES:
        return WavSoundReader()
    if kind == "text/event-stream":
        return EventSoundReader()
    raise ServerFailure(Why.REFUSED, f"it answers with {kind[:100]}, not with PCM or WAV")


async def sounds(
    response: aiohttp.ClientResponse, reader: SoundReader, first: float, following: float
) -> AsyncGenerator[Sound]:
    """`first`, `following`: seconds to wait for the first sound, and for each further frame. Time in which nobody asks
    for more doesn't count. Raises ServerFailure where it breaks off."""
    clock = asyncio.get_running_loop().time
    left, progress, begun = first, 0, False
    try:
        while True:
            asked = clock()
            async with asyncio.timeout(left):
                data = await response.content.readany()
            if not data:
                break
            left -= clock() - asked
            if pcm := reader.feed(data):
                progress += len(pcm)
                if not begun or progress >= _PROGRESS:
                    left, progress, begun = following, 0, True
                yield Sound(pcm, reader.sample_rate)
            if reader.ended:
                break
    except TimeoutError:
        what = f"no more sound within {following:g}" if begun else f"no sound within {round(first, 1):g}"
        raise ServerFailure(Why.BROKEN, f"it gave {what} seconds") from None
    except (NotWav, ValidationError, ValueError) as error:
        words = str(error) if isinstance(error, NotWav) else "something that can't be understood"
        raise ServerFailure(Why.BROKEN, f"it sent {words}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ServerFailure(Why.BROKEN, f"its answer broke off ({type(error).__name__})") from error
    reader.check_end()


def _rate(response: aiohttp.ClientResponse) -> int:
    """Of PCM alone. Raises ServerFailure for one that no sound has."""
    stated = re.search(r"rate=\"?(\d{1,7})", response.headers.get("Content-Type", ""))
    text = (
        stated[1]
        if stated
        else next((response.headers[name] for name in _RATE_HEADERS if name in response.headers), "")
    )
    rate = int(text) if text.isdecimal() and len(text) < 8 else USUAL_RATE
    if not 4000 <= rate <= 384_000:
        raise ServerFailure(Why.BROKEN, f"it sends sound of {rate} Hz")
    return rate
