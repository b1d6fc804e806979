"""Audio on its way into a file or a pipe, encoded while it arrives.

with AudioWriter(Path("hello.flac"), 22050) as writer:
    writer.write(pcm)
"""

import secrets
import shutil
import struct
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from koe.core.errors import LimitExceeded, UnsupportedAbility
from koe.core.pcm import BYTES_PER_SAMPLE

UNKNOWN_SIZE = 0xFFFFFFFF
_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")

MOST_WAV_BYTES = 0xFFFFFFFF - _WAV_HEADER.size
"""Of PCM in a file whose header says how many: 24 hours at 24 kHz."""

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
"""Hz; of what has another rate, the next higher is made."""

# libvorbis keeps a whole write on the stack: minutes of audio at once end the process with a segmentation
# fault (https://github.com/xiph/vorbis/issues/99).
_MOST_AT_ONCE = 64 * 1024


class AudioFormat(StrEnum):
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    """Vorbis."""

    MP3 = "mp3"
    RAW = "raw"
    """The PCM alone."""

    OPUS = "opus"
    """In OGG."""

    @classmethod
    def of(cls, path: Path) -> "AudioFormat":
        """By the extension. Raises UnsupportedAbility that names the extensions there are."""
        try:
            return cls(path.suffix.lower().removeprefix("."))
        except ValueError:
            known = ", ".join(f".{each}" for each in cls)
            raise UnsupportedAbility(f"can't write {path.name!r}: end the name with one of {known}") from None


class AudioWriter:
    """Takes 16-bit little-endian mono PCM and writes it in the format asked for.

    A path appears only once everything is written, and not at all where the block is left by an exception.
    A stream need not be seekable and stays open; WAV and raw audio flow through it at once, the compressed
    formats at the end. `format` is needed for a stream; for a path it defaults to what the extension says.
    """

    def __init__(self, target: Path | BinaryIO, sample_rate: int, format: AudioFormat | None = None) -> None:
        if isinstance(target, Path):
            format = format or AudioFormat.of(target)
            self._sink: _Sink = _FileSink(target)
        else:
            format = format or AudioFormat.WAV
            self._sink = _StreamSink(target) if format in _FLOWING else _SpooledSink(target)
        try:
            self._encoder = _encoder(format, self._sink.file, sample_rate)
        except BaseException:
            self._sink.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._encoder.close()
            if kind is None:
                self._sink.keep()
        finally:
            self._sink.discard()

    def write(self, pcm: bytes) -> None:
        """Whole samples."""
        self._encoder.write(pcm)


class _Sink(Protocol):
    """Where encoded bytes go; `discard` after `keep` is harmless."""

    file: BinaryIO

    def keep(self) -> None: ...
    def discard(self) -> None: ...


class _FileSink:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        self.file: BinaryIO = self._temporary.open("x+b")

    def keep(self) -> None:
        self.file.close()
        self._temporary.replace(self._path)

    def discard(self) -> None:
        try:
            self.file.close()
        finally:
            self._temporary.unlink(missing_ok=True)


class _StreamSink:
    def __init__(self, stream: BinaryIO) -> None:
        self.file = stream

    def keep(self) -> None:
        self.file.flush()

    def discard(self) -> None:
        """What has flowed can't be taken back."""


class _SpooledSink:
    """Holds back what an encoder may still seek in, until it is whole."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.file: BinaryIO = tempfile.TemporaryFile("w+b")  # noqa: SIM115  # closed by keep or discard

    def keep(self) -> None:
        self.file.seek(0)
        shutil.copyfileobj(self.file, self._stream)
        self._stream.flush()
        self.file.close()

    def discard(self) -> None:
        self.file.close()


class _Encoder(Protocol):
    def write(self, pcm: bytes) -> None: ...
    def close(self) -> None: ...


class _Raw:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, pcm: bytes) -> None:
        self._file.write(pcm)
        self._file.flush()

    def close(self) -> None:
        pass


class _Wav(_Raw):
    """Its header gives no length, as in every live stream, until all is written and it can be mended."""

    def __init__(self, file: BinaryIO, sample_rate: int) -> None:
        super().__init__(file)
        self._sample_rate = sample_rate
        self._length = 0
        file.write(wav_header(sample_rate))

    def write(self, pcm: bytes) -> None:
        self._length += len(pcm)
        if self._length > MOST_WAV_BYTES and self._file.seekable():
            raise LimitExceeded("a WAV file holds no more than 4 GB: write FLAC instead")
        super().write(pcm)

    def close(self) -> None:
        if self._file.seekable() and self._length <= MOST_WAV_BYTES:
            self._file.seek(-self._length - _WAV_HEADER.size, 1)
            self._file.write(wav_header(self._sample_rate, self._length))
            self._file.seek(0, 2)


def wav_header(sample_rate: int, length: int = UNKNOWN_SIZE) -> bytes:
    """What stands before so many bytes of PCM; without a length, before a live stream."""
    riff = min(length + _WAV_HEADER.size - 8, UNKNOWN_SIZE)
    rate, width = sample_rate, BYTES_PER_SAMPLE
    form = (b"fmt ", 16, 1, 1, rate, rate * width, width, 8 * width)
    return _WAV_HEADER.pack(b"RIFF", riff, b"WAVE", *form, b"data", min(length, UNKNOWN_SIZE))


class Guarded:
    """A file for libsndfile, whose callbacks can't raise: the first failure waits for `check`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None
        self.tell, self.read = file.tell, file.read

    def write(self, data: bytes) -> int:
        return self._guard(lambda: self._file.write(data), len(data))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._guard(lambda: self._file.seek(offset, whence), offset)

    def _guard(self, call: Callable[[], int], otherwise: int) -> int:
        if self._error is None:
            try:
                return call()
            except OSError as error:
                self._error = error
        return otherwise

    def check(self) -> None:
        if self._error is not None:
            raise self._error


class _Compressed:
    def __init__(self, file: BinaryIO, sample_rate: int, format: AudioFormat) -> None:
        # Loads numpy and libsndfile, which WAV has no use for.
        import soundfile

        self._guarded = Guarded(file)
        kind = {"format": "OGG", "subtype": "OPUS"} if format is AudioFormat.OPUS else {"format": format.upper()}
        try:
            self._file = soundfile.SoundFile(self._guarded, "w", sample_rate, 1, **kind)
        except soundfile.LibsndfileError as error:
            raise UnsupportedAbility(f"can't write {format} at {sample_rate} Hz: {error}") from error

    def write(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), _MOST_AT_ONCE):
            self._file.buffer_write(pcm[start : start + _MOST_AT_ONCE], dtype="int16")
        self._guarded.check()

    def close(self) -> None:
        self._file.close()
        self._guarded.check()


class _Resampled:
    def __init__(self, file: BinaryIO, source_rate: int, target_rate: int, format: AudioFormat) -> None:
        from koe.audio.resample import StreamResampler

        self._resampler = StreamResampler(source_rate, target_rate)
        self._encoder = _Compressed(file, target_rate, format)

    def write(self, pcm: bytes) -> None:
        self._encoder.write(self._resampler.feed(pcm))

    def close(self) -> None:
        self._encoder.write(self._resampler.finish())
        self._encoder.close()


_FLOWING = (AudioFormat.WAV, AudioFormat.RAW)


def _encoder(format: AudioFormat, file: BinaryIO, sample_rate: int) -> _Encoder:
    if format is AudioFormat.RAW:
        return _Raw(file)
    if format is AudioFormat.WAV:
        return _Wav(file, sample_rate)
    if format is AudioFormat.OPUS and sample_rate not in OPUS_RATES:
        higher = next((rate for rate in OPUS_RATES if rate > sample_rate), OPUS_RATES[-1])
        return _Resampled(file, sample_rate, higher, format)
    return _Compressed(file, sample_rate, format)
