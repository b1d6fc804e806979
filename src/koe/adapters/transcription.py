"""What is said in a clip, asked of a Wyoming speech-to-text server that the user has: whisper, vosk and their like.

text = await transcribe(pcm, 24000, "de", "tcp://192.168.1.5:10300")
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info

from koe.adapters.wyoming_peer import MALFORMED, Peer, conversation
from koe.adapters.wyoming_search import SEARCH_SECONDS, search
from koe.audio.resample import StreamResampler
from koe.core.errors import EngineError, EngineUnavailable
from koe.core.languages import base, canonical, matches
from koe.core.pcm import BYTES_PER_SAMPLE
from koe.core.text.transcript import clean

_ROLE = "speech-to-text server"

_DESCRIBE_SECONDS = 2.0

_SAMPLE_RATE = 16000
"""Hz, which every speech-to-text server understands."""

_CHUNK_BYTES = 8192

_REMEDY = "name one in the setting transcription.server (such as tcp://192.168.1.5:10300), or type what the clip says"


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A speech-to-text server that answers."""

    uri: str

    name: str
    """Its program's, such as faster-whisper."""

    languages: tuple[str, ...]
    """BCP-47 tags of its installed models, canonical."""

    def knows(self, language: str | None) -> bool:
        """Whether one of its languages is this one, in any region; None: any will do."""
        return language is None or any(matches(language, tag) for tag in self.languages)


async def transcribe(
    samples_pcm: bytes,
    sample_rate: int,
    language: str | None,
    server: str | None,
    *,
    timeout: float = 60.0,  # noqa: ASYNC109 - it ends in an error that names the server
) -> str:
    """The words of a clip, `clean`; empty where none were heard.

    `samples_pcm`: 16-bit mono at `sample_rate` Hz. `language`: a BCP-47 tag; None: the server finds out. `server`: its
    URI, tcp:// or unix://; None: the first on the LAN that knows the language. `timeout`: seconds from connecting to
    the transcript.

    Raises EngineUnavailable where no server is found or it can't be reached, EngineTimeout, EngineError with what the
    server said or did wrong; ValueError where `language` or `server` is none.
    """
    code = base(language) if language is not None else None
    uri = server if server is not None else (await _first_that_knows(code)).uri
    pcm = await asyncio.to_thread(_resampled, samples_pcm, sample_rate)
    async with conversation(uri, _ROLE, timeout) as peer:
        sender = asyncio.create_task(peer.write(_request(pcm, code)))
        try:
            return clean(await _transcript(peer))
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


async def discover(timeout: float = SEARCH_SECONDS) -> list[FoundServer]:  # noqa: ASYNC109 - it ends in an answer
    """The speech-to-text servers that announce themselves on the LAN and answer within `timeout` seconds, which it
    always takes; none where there is no network."""
    return await search(_describe, timeout)


async def _first_that_knows(language: str | None) -> FoundServer:
    found = await search(
        _describe, SEARCH_SECONDS, enough=lambda found: any(server.knows(language) for server in found)
    )
    for server in found:
        if server.knows(language):
            return server
    if found:
        others = ", ".join(f"{server.name} at {server.uri}" for server in found)
        raise EngineUnavailable(f"no speech-to-text server on the LAN knows {language!r} ({others} do not): {_REMEDY}")
    raise EngineUnavailable(f"no speech-to-text server was found on the LAN: {_REMEDY}")


def _resampled(pcm: bytes, sample_rate: int) -> bytes:
    if sample_rate == _SAMPLE_RATE:
        return pcm
    resampler = StreamResampler(sample_rate, _SAMPLE_RATE)
    return resampler.feed(pcm) + resampler.finish()


def _request(pcm: bytes, language: str | None) -> Iterator[Event]:
    form = {"rate": _SAMPLE_RATE, "width": BYTES_PER_SAMPLE, "channels": 1}
    # What is no speech-to-text server ignores the rest in silence; its description tells.
    yield Describe().event()
    yield Transcribe(language=language).event()
    yield AudioStart(**form).event()
    for start in range(0, len(pcm), _CHUNK_BYTES):
        yield AudioChunk(**form, audio=pcm[start : start + _CHUNK_BYTES]).event()
    yield AudioStop().event()


async def _transcript(peer: Peer) -> str:
    streamed: list[str] = []
    while True:
        event = await peer.read()
        if Transcript.is_type(event.type):
            return _text_of(event, peer)
        if TranscriptChunk.is_type(event.type):
            streamed.append(_text_of(event, peer))
        elif TranscriptStop.is_type(event.type):
            return "".join(streamed)
        elif Info.is_type(event.type):
            _server_of(peer.info(event), peer)


def _text_of(event: Event, peer: Peer) -> str:
    text = event.data.get("text")
    if not isinstance(text, str):
        raise EngineError(f"{peer} sent a {event.type} without a text")
    return text


async def _describe(uri: str) -> FoundServer:
    async with conversation(uri, _ROLE, _DESCRIBE_SECONDS) as peer:
        return _server_of(await peer.describe(), peer)


def _server_of(info: Info, peer: Peer) -> FoundServer:
    """Raises EngineUnavailable where it does not transcribe."""
    try:
        programs = [program for program in info.asr if program.installed]
        models = [model for program in programs for model in program.models if model.installed]
        languages = dict.fromkeys(tag for model in models for tag in _tags(model.languages))
    except MALFORMED as error:
        raise peer.unintelligible() from error
    if not programs:
        raise EngineUnavailable(f"the Wyoming server at {peer.uri} is none that transcribes")
    return FoundServer(peer.uri, str(programs[0].name), tuple(languages))


def _tags(languages: Iterable[str]) -> Iterator[str]:
    for language in languages:
        # Some list "auto" among them.
        with contextlib.suppress(ValueError):
            yield canonical(language)
