"""An utterance in the format that a client asked for, while it is spoken."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from koe.audio.files import AudioFormat
from koe.audio.flow import FlowEncoder, FlowFormat
from koe.speech import Utterance

CONTENT_TYPES = {
    FlowFormat.WAV: "audio/wav",
    FlowFormat.PCM: "audio/pcm",
    FlowFormat.FLAC: "audio/flac",
    FlowFormat.MP3: "audio/mpeg",
    FlowFormat.OPUS: "audio/ogg",
}

PCM_RATE = 24_000
"""Hz of PCM without a header, where the client names no other: what OpenAI's clients take it for."""


_FILES = {FlowFormat.PCM: AudioFormat.WAV}


def file_format(format: FlowFormat) -> AudioFormat:
    """In which a run keeps what was asked for in that format."""
    return _FILES.get(format) or AudioFormat(format)


async def encoded(pcm: AsyncIterable[bytes], encoder: FlowEncoder) -> AsyncGenerator[bytes]:
    """A piece for each one, though the encoder may still hold back what it was given, and one at the end."""
    async for piece in pcm:
        # Where it is cancelled, the thread ends by itself, and the encoder with it.
        yield encoder.feed(piece) if encoder.quick else await asyncio.to_thread(encoder.feed, piece)
    yield encoder.finish() if encoder.quick else await asyncio.to_thread(encoder.finish)


class EncodedSpeech:
    """Iterated once; closing the iterator frees the engine."""

    def __init__(self, utterance: Utterance, format: FlowFormat) -> None:
        self._utterance, self.format = utterance, format
        self.stats = utterance.stats
        self.sample_rate = 0
        """Hz; known from the first piece on."""

    async def pieces(self) -> AsyncGenerator[bytes]:
        """One for each piece of PCM, though an encoder may still hold back what it was given, and one at the end."""
        encoder: FlowEncoder | None = None
        async with aclosing(self._utterance):
            async for pcm in self._utterance:
                if encoder is None:
                    encoder = FlowEncoder(self.format, self._utterance.sample_rate)
                    self.sample_rate = encoder.sample_rate
                # Where it is cancelled, the thread ends by itself, and the encoder with it.
                yield encoder.feed(pcm) if encoder.quick else await asyncio.to_thread(encoder.feed, pcm)
        if encoder is not None:
            yield encoder.finish() if encoder.quick else await asyncio.to_thread(encoder.finish)
