"""One server: how it is, what it has, and what it says."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import aiohttp

from koe.engine.remote.answer import Sound, reader_of, sounds
from koe.engine.remote.breaker import Breaker
from koe.engine.remote.clips import Clips, upload_name, wav_of
from koe.engine.remote.dialect import speech_body
from koe.engine.remote.failures import ServerFailure, Why
from koe.engine.remote.listing import Listing, Models, Voices, listing
from koe.engine.remote.order import Order, Reference
from koe.engine.remote.refusals import refusal
from koe.engine.remote.wire import Wire
from koe.settings.schema.remote import RemoteServer, RemoteSettings

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
_UPLOAD_SECONDS = 30.0
_PATIENT_SECONDS = 120.0
"""For the first sound, where somebody waits for a server to get ready."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """For people and figures."""

    name: str
    trouble: str
    """Why it can't be asked now; empty where it can."""

    kind: str
    """Empty where it has never answered."""

    model: str
    voices: int
    clones: bool
    designs: bool
    speaking: int
    """Requests that it is speaking now."""

    spoken: int
    """Requests that it has spoken."""

    failed: int


class Server:
    def __init__(self, settings: RemoteServer, common: RemoteSettings, wire: Wire, clips: Clips) -> None:
        """To be called in the event loop."""
        self.settings, self._common = settings, common
        self.wire, self._clips = wire, clips
        self._clock = asyncio.get_running_loop().time
        self._uploading = asyncio.Lock()
        self.name = urlsplit(settings.url).netloc + urlsplit(settings.url).path
        self.breaker = Breaker(self._clock)
        self.listing: Listing | None = None
        self.trouble = "it has not been asked yet"
        self.has_socket = True
        """Until it says otherwise."""

        self.doubtful = asyncio.Event()
        """Something speaks for looking at it soon."""

        self.last_asked = 0.0
        self._speaking = self._spoken = self._failed = 0
        self._refused = False

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> ServerState:
        has = self.listing or Listing("openai")
        pause = "it failed several times in a row and is left alone for a while" if self.breaker.wait else ""
        return ServerState(
            self.name,
            self.trouble or pause,
            has.kind if self.listing is not None else "",
            has.model,
            len(has.voices),
            *(has.clones, has.designs),
            *(self._speaking, self._spoken, self._failed),
        )

    @property
    def known(self) -> Listing:
        """What it has. Raises ServerFailure where it has never answered."""
        if self.listing is None:
            raise ServerFailure(Why.UNREACHABLE, "it has never answered")
        return self.listing

    @property
    def ready(self) -> bool:
        """Whether it is to be asked now."""
        return not self.trouble and not self.breaker.wait

    @property
    def load(self) -> float:
        return self._speaking / self.settings.weight

    def can(self, order: Order) -> bool:
        """Whether it has what is wanted; not whether it is well."""
        has = self.listing
        if has is None or (order.size and has.size and order.size != has.size):
            return False
        if order.clip is not None:
            return has.clones
        if order.description is not None:
            return has.designs
        return order.voice in has.voices and (has.instructs or not order.instruct)

    async def look(self, styles: Sequence[str]) -> None:
        """Ask how it is and what it has."""
        before = self.trouble
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self.wire.read_key()
                await self.wire.check_ready()
                models = await self.wire.told("/v1/models", Models)
                voices = await self.wire.told("/v1/audio/voices", Voices)
            has = self.listing = listing(self.settings, models, voices, styles)
            nothing = not (has.voices or has.clones or has.designs)
            self.trouble = "it lists no voices: name those that it has in `voices` of its setting" if nothing else ""
        except ServerFailure as failure:
            self.trouble = failure.message
        except TimeoutError:
            # Whoever speaks for many may be slow to tell how it is.
            if not self._speaking:
                self.trouble = f"it doesn't answer within {_LOOK_SECONDS:g} seconds"
        if self.trouble and self.trouble != before:
            _log.warning("the speech server %s can't be used now: %s", self, self.trouble)
        elif before and not self.trouble:
            # It may be another version by now.
            self.has_socket = True
            _log.info("the speech server %s is there: %s, %d voices", self, self.known.kind, len(self.known.voices))

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Around a request to it. A request that somebody breaks off says nothing of the server."""
        self.breaker.begin()
        self.last_asked = self._clock()
        self._speaking += 1
        try:
            yield
        except ServerFailure as failure:
            self._note(failure)
            raise
        else:
            self._spoken += 1
            self.breaker.succeeded()
        finally:
            self._speaking -= 1
            self.breaker.leave()

    def _note(self, failure: ServerFailure) -> None:
        self._failed += 1
        self._refused = failure.why in (Why.REFUSED, Why.NOT_HERE)
        if failure.why in (Why.UNREACHABLE, Why.LOCKED):
            self.trouble = failure.message
        elif failure.why is Why.BROKEN:
            self.breaker.failed()
        elif failure.why is Why.BUSY:
            self.breaker.busy(failure.retry_after)
            return
        self.doubtful.set()

    def outdone(self) -> None:
        """Another one could do what this one had refused. (Other failures have been counted.)"""
        if self._refused:
            self.breaker.failed()
            self._refused = False

    async def speak(self, order: Order, text: str) -> AsyncGenerator[Sound]:
        """Raises ServerFailure, and KoeError for what no server could do."""
        reference = await self.reference(order)
        try:
            async with aclosing(self._posted(order, text, reference)) as heard:
                async for sound in heard:
                    yield sound
        except ServerFailure as failure:
            if failure.why is not Why.NOT_HERE or reference is None or not reference.uploaded:
                raise
            # It forgot an uploaded clip: then it gets it once more.
            self.listing = replace(self.known, uploaded=self.known.uploaded - {reference.uploaded})
            async with aclosing(self._posted(order, text, await self.reference(order))) as heard:
                async for sound in heard:
                    yield sound

    async def _posted(self, order: Order, text: str, reference: Reference | None) -> AsyncGenerator[Sound]:
        body = speech_body(self.known, self.settings.model, order, text, reference)
        patience, asked = self.patience(order), self._clock()
        async with self.wire.answered("/v1/audio/speech", body, patience) as response:
            left = max(0.0, patience - (self._clock() - asked))
            heard = sounds(response, reader_of(response), left, self._common.chunk_timeout)
            async with aclosing(heard):
                async for sound in heard:
                    yield sound

    def patience(self, order: Order) -> float:
        """Seconds to wait for the first sound."""
        return _PATIENT_SECONDS if order.patient else self._common.first_audio_timeout

    async def reference(self, order: Order) -> Reference | None:
        """Of an order with a clip: the recording itself, or the name under which it was uploaded; never an address."""
        clip = order.clip
        if clip is None:
            return None
        if not self.settings.upload:
            return Reference(await self._clips.data_uri(clip, self.known.kind), transcript=clip.transcript)
        name = upload_name(clip)
        async with self._uploading:
            if name not in self.known.uploaded:
                await self._upload(name, await wav_of(clip), clip.transcript)
                self.listing = replace(self.known, uploaded=self.known.uploaded | {name})
        return Reference(uploaded=name)

    async def _upload(self, name: str, wav: bytes, transcript: str) -> None:
        form = aiohttp.FormData({"name": name, "consent": "kept by Koe"})
        if transcript:
            form.add_field("ref_text", transcript)
        form.add_field("audio_sample", wav, filename=f"{name}.wav", content_type="audio/wav")
        try:
            async with (
                asyncio.timeout(_UPLOAD_SECONDS),
                self.wire.asked("POST", "/v1/audio/voices", data=form) as response,
            ):
                if response.status not in (200, 201):
                    raise await refusal(response)
        except TimeoutError:
            raise ServerFailure(Why.BROKEN, f"it didn't take a clip within {_UPLOAD_SECONDS:g} seconds") from None
