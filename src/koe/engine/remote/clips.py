"""Recordings of voices, as servers get them."""

import asyncio
import base64
import io
from collections import OrderedDict

import numpy as np
import soundfile
from numpy.typing import NDArray

from koe.audio.reference import to_wav
from koe.core.profile import REFERENCE_RATE, Clip
from koe.engine.remote.listing import UPLOAD_DIGITS, UPLOAD_PREFIX, Kind

_MOST_SECONDS = 30
"""That vLLM-Omni takes; the half second of silence at the end may be shorter."""

_KEPT = 8
"""Encoded clips, of at most 2 MB each."""


class Clips:
    """Encoded once, as long as they are in use."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def data_uri(self, clip: Clip, kind: Kind) -> str:
        """Raises KoeError where its files can't be read."""
        # Another Koe takes 1 MiB of request: FLAC needs about half of what WAV does.
        form = "flac" if kind == "koe" else "wav"
        key = clip.digest, form
        if key not in self._encoded:
            self._encoded[key] = await asyncio.to_thread(_data_uri, clip, form)
        self._encoded.move_to_end(key)
        while len(self._encoded) > _KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[key]


async def wav_of(clip: Clip) -> bytes:
    """Raises KoeError where its files can't be read."""
    return await asyncio.to_thread(lambda: to_wav(_samples(clip)))


def upload_name(clip: Clip) -> str:
    return UPLOAD_PREFIX + clip.digest[:UPLOAD_DIGITS]


def _data_uri(clip: Clip, form: str) -> str:
    samples = _samples(clip)
    content = _flac(samples) if form == "flac" else to_wav(samples)
    return f"data:audio/{form};base64,{base64.b64encode(content).decode()}"


def _samples(clip: Clip) -> NDArray[np.float32]:
    return clip.samples()[: _MOST_SECONDS * REFERENCE_RATE]


def _flac(samples: NDArray[np.float32]) -> bytes:
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, REFERENCE_RATE, format="FLAC", subtype="PCM_16")
    return encoded.getvalue()
