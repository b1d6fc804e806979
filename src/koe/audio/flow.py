"""Audio encoded for somebody who listens while it is made: nothing waits for the end, and nothing is mended there.

    encoder = FlowEncoder(FlowFormat.OPUS, 22050)
    encoder.feed(pcm) ... encoder.finish()

What a file states at its beginning about its length (WAV, FLAC) or its seek points (MP3) stays unknown or out.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from koe.audio.files import UNKNOWN_SIZE, wav_header
from koe.audio.resample import StreamResampler
from koe.core.pcm import BYTES_PER_SAMPLE


class FlowFormat(StrEnum):
    WAV = "wav"
    PCM = "pcm"
    """The samples alone."""

    FLAC = "flac"
    MP3 = "mp3"
    OPUS = "opus"
    """In OGG."""


RATES = {
    FlowFormat.MP3: (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    FlowFormat.OPUS: (8000, 12000, 16000, 24000, 48000),
}
"""Hz that a format can hold, in order; one that isn't here can hold any."""


def fitting_rate(format: FlowFormat, sample_rate: int) -> int:
    """The lowest rate of the format that loses nothing, else its highest."""
    rates = RATES.get(format, (sample_rate,))
    return next((rate for rate in rates if rate >= sample_rate), rates[-1])


class FlowEncoder:
    """`feed` 16-bit mono PCM and get what is ready, which may be nothing; `finish` gives the rest."""

    def __init__(self, format: FlowFormat, sample_rate: int, *, samples: int | None = None) -> None:
        """`sample_rate`: of the PCM. `samples`: how many there will be, at a rate that the format can hold: WAV and
        FLAC say it at their beginning."""
        self.sample_rate = fitting_rate(format, sample_rate)
        """Hz of what comes out."""

        self.quick = format in (FlowFormat.WAV, FlowFormat.PCM)
        """Whether it only copies; the other formats take a few per cent of the time that the audio lasts."""

        self._resampler = StreamResampler(sample_rate, self.sample_rate) if sample_rate != self.sample_rate else None
        self._encoder = _encoder(format, self.sample_rate, samples)

    def feed(self, pcm: bytes) -> bytes:
        """Whole samples."""
        return self._encoder.feed(self._resampler.feed(pcm) if self._resampler is not None else pcm)

    def finish(self) -> bytes:
        rest = self._encoder.feed(self._resampler.finish()) if self._resampler is not None else b""
        return rest + self._encoder.finish()


class _Encoder(Protocol):
    def feed(self, pcm: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class _Plain:
    def __init__(self, header: bytes) -> None:
        self._header = header

    def feed(self, pcm: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + pcm

    def finish(self) -> bytes:
        return self.feed(b"")


_PAGE_LATENCY = (0x1302, 100.0)
"""libsndfile's SFC_SET_OGG_PAGE_LATENCY_MS: by itself it holds back a second."""


class _Compressed:
    def __init__(self, format: FlowFormat, sample_rate: int, samples: int | None) -> None:
        # Loads libsndfile, which WAV has no use for.
        import soundfile

        self._flow = _Flow(drop_first=format is FlowFormat.MP3)
        self._stated = samples if format is FlowFormat.FLAC else None
        self._file = soundfile.SoundFile(self._flow, "w", sample_rate, 1, **_FORMS[format])
        if format is FlowFormat.OPUS:
            # soundfile has no public way to say it.
            command, milliseconds = _PAGE_LATENCY
            value = soundfile._ffi.new("double*", milliseconds)
            soundfile._snd.sf_command(self._file._file, command, value, soundfile._ffi.sizeof("double"))

    def feed(self, pcm: bytes) -> bytes:
        self._file.buffer_write(pcm, dtype="int16")
        return self._take()

    def finish(self) -> bytes:
        self._file.close()
        return self._take()

    def _take(self) -> bytes:
        taken, stated = self._flow.take(), self._stated
        if stated is None or not taken:
            return taken
        self._stated = None
        # STREAMINFO comes first, whole, and ends a number of 64 bits with the count of samples, which is still 0.
        known = int.from_bytes(taken[_COUNT_AT]) | min(stated, _MOST_STATED)
        return taken[: _COUNT_AT.start] + known.to_bytes(8) + taken[_COUNT_AT.stop :]


_COUNT_AT = slice(18, 26)
_MOST_STATED = 2**36 - 1

# MP3 of a constant bitrate: without the table that a file of a variable one begins with, players take its length from
# the first frames, and are far off.
_FORMS: Mapping[FlowFormat, Mapping[str, Any]] = {
    FlowFormat.FLAC: {"format": "FLAC"},
    FlowFormat.MP3: {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": 0.5},
    FlowFormat.OPUS: {"format": "OGG", "subtype": "OPUS"},
}


class _Flow:
    """A file for libsndfile of which nobody keeps what has gone: whatever it would write there again is dropped."""

    def __init__(self, *, drop_first: bool) -> None:
        """`drop_first`: its first write only keeps a place for what would be known at the end."""
        self._drop_first = drop_first
        self._ready = bytearray()
        self._position = self._end = 0

    def write(self, data: bytes) -> int:
        new = bytes(data)[self._end - self._position :]
        self._position += len(data)
        self._end = max(self._end, self._position)
        if self._drop_first:
            self._drop_first = False
        else:
            self._ready += new
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._end)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        return b""

    def take(self) -> bytes:
        ready, self._ready = bytes(self._ready), bytearray()
        return ready


def _encoder(format: FlowFormat, sample_rate: int, samples: int | None) -> _Encoder:
    if format is FlowFormat.WAV:
        length = samples * BYTES_PER_SAMPLE if samples is not None else UNKNOWN_SIZE
        return _Plain(wav_header(sample_rate, length))
    return _Plain(b"") if format is FlowFormat.PCM else _Compressed(format, sample_rate, samples)
