"""A WAV file while it arrives."""

import struct

import numpy as np

from koe.core.pcm import BYTES_PER_SAMPLE

_HEAD = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_PCM, _EXTENSIBLE = 1, 0xFFFE
_MOST_HEADER = 64 * 1024
_ENDLESS = 0x7FFF0000
"""From here on a size means that nobody knew it: a live stream."""


class NotWav(ValueError):
    """Says in words what it is instead."""


class WavReader:
    """`feed` the bytes as they come, cut anywhere, and get 16-bit little-endian mono PCM."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left: int | None = None
        """Bytes of sound that are still to come; None: nobody knows."""
        self._channels = 0
        self._begun = False
        self.sample_rate = 0
        """Hz; known as soon as there is sound."""

    @property
    def complete(self) -> bool:
        """Whether all the sound came that the header told of."""
        return self._begun and not self._left

    def feed(self, data: bytes) -> bytes:
        """Raises NotWav."""
        self._buffer += data
        if not self._begun and not self._read_header():
            if len(self._buffer) > _MOST_HEADER:
                raise NotWav("a WAV whose header doesn't end")
            return b""
        return self._take()

    def _take(self) -> bytes:
        frame = BYTES_PER_SAMPLE * self._channels
        usable = len(self._buffer) if self._left is None else min(len(self._buffer), self._left)
        usable -= usable % frame
        sound = bytes(self._buffer[:usable])
        if self._left is None:
            del self._buffer[:usable]
        else:
            self._left -= usable
            # Behind the sound there may be tags.
            del self._buffer[: usable if self._left else None]
        return sound if self._channels == 1 else _mixed(sound, self._channels)

    def _read_header(self) -> bool:
        """Whether the sound begins at the head of the buffer now."""
        data = self._buffer
        if len(data) < _HEAD.size:
            return False
        riff, _, wave = _HEAD.unpack_from(data)
        if (riff, wave) != (b"RIFF", b"WAVE"):
            raise NotWav("no WAV, though it says so")
        at = _HEAD.size
        while len(data) >= at + _CHUNK.size:
            name, size = _CHUNK.unpack_from(data, at)
            at += _CHUNK.size
            if name == b"data":
                self._begin(at, size)
                return True
            if len(data) < at + size:
                return False
            if name == b"fmt ":
                self._take_format(bytes(data[at : at + size]))
            at += size + size % 2
        return False

    def _begin(self, at: int, size: int) -> None:
        if not self._channels:
            raise NotWav("a WAV without a format")
        del self._buffer[:at]
        self._left = size - size % (BYTES_PER_SAMPLE * self._channels) if 0 < size < _ENDLESS else None
        self._begun = True

    def _take_format(self, chunk: bytes) -> None:
        if len(chunk) < _FORMAT.size:
            raise NotWav("a WAV with a broken format")
        kind, channels, rate, _, _, bits = _FORMAT.unpack_from(chunk)
        if kind not in (_PCM, _EXTENSIBLE) or bits != 8 * BYTES_PER_SAMPLE or not 1 <= channels <= 8:
            raise NotWav(f"a WAV of {channels} channels and {bits} bits (format {kind}), not of 16-bit PCM")
        if not 4000 <= rate <= 384_000:
            raise NotWav(f"a WAV of {rate} Hz")
        self._channels, self.sample_rate = channels, rate


def _mixed(sound: bytes, channels: int) -> bytes:
    samples = np.frombuffer(sound, dtype="<i2").reshape(-1, channels)
    mono: bytes = samples.mean(axis=1).round().astype("<i2").tobytes()
    return mono
