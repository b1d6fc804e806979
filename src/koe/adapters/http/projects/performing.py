"""A composition as an answer: it leaves while it is mixed, and becomes a run besides where that is wished."""

import asyncio
import time
from dataclasses import dataclass

from aiohttp import web

from koe.adapters.http.busy import TURNS
from koe.adapters.http.encoding import CONTENT_TYPES, file_format
from koe.adapters.http.metrics import METRICS
from koe.adapters.http.speech import ADAPTER
from koe.adapters.http.speech_answer import outflow
from koe.audio.arrange import Arranged, SoundOf, arrange
from koe.audio.flow import FlowEncoder, FlowFormat, fitting_rate
from koe.audio.render import Rendering
from koe.core.composition import Composition
from koe.pipelines.composing import TASK, Window, described, performed
from koe.pipelines.kept_sound import KeptSound
from koe.pipelines.threads import to_its_end
from koe.storage.meta import Description
from koe.storage.outputs import Outputs
from koe.storage.run import Run


@dataclass(frozen=True, slots=True)
class Keep:
    """What a run is to be made of."""

    outputs: Outputs
    title: str
    given: dict[str, object]
    """The request."""


@dataclass(frozen=True, slots=True)
class Performance:
    composition: Composition
    rendering: Rendering
    window: Window
    sample_rate: int
    """Hz."""

    format: FlowFormat
    keep: Keep | None = None


async def arranged(composition: Composition, sound_of: SoundOf, format: FlowFormat) -> Arranged:
    """At a rate that the format can hold. Raises Misplaced, LimitExceeded."""
    return await asyncio.to_thread(arrange, composition, sound_of, lambda rate: fitting_rate(format, rate))


async def perform(request: web.Request, asked: Performance) -> web.StreamResponse:
    begun = time.monotonic()
    turn = request.app[TURNS].turn(request.app[METRICS], ADAPTER)
    async with outflow(request, CONTENT_TYPES[asked.format]) as out, turn:
        kept = await to_its_end(_begin, asked, asked.keep) if asked.keep is not None else None
        headers = {"X-Koe-Sample-Rate": str(asked.sample_rate)} | ({"X-Koe-Run": kept.run_id} if kept else {})
        encoder = FlowEncoder(asked.format, asked.sample_rate, samples=asked.window.samples)
        pieces = performed(asked.rendering, asked.window, encoder, kept, lambda: _description(asked, begun))
        try:
            while (piece := await to_its_end(lambda: next(pieces, None))) is not None:
                await out.write(piece, headers)
        finally:
            if kept is not None:
                await to_its_end(kept.discard)
    return out.response


async def perform_again(request: web.Request, asked: Performance) -> Run:
    """Nobody listens: it only becomes a run. Raises KoeError."""
    begun, keep = time.monotonic(), asked.keep
    assert keep is not None
    async with request.app[TURNS].turn(request.app[METRICS], ADAPTER):
        kept = await to_its_end(_begin, asked, keep)
        pieces = performed(asked.rendering, asked.window, None, kept, lambda: _description(asked, begun))
        try:
            while await to_its_end(lambda: next(pieces, None)) is not None:
                pass
        finally:
            await to_its_end(kept.discard)
    return await asyncio.to_thread(keep.outputs.get, kept.run_id)


def _begin(asked: Performance, keep: Keep) -> KeptSound:
    return KeptSound(keep.outputs, TASK, keep.given, file_format(asked.format), asked.sample_rate)


def _description(asked: Performance, begun: float) -> Description:
    assert asked.keep is not None
    return described(
        asked.composition,
        asked.keep.outputs,
        asked.keep.title,
        elapsed=time.monotonic() - begun,
        seconds=asked.window.samples / asked.sample_rate,
        sample_rate=asked.sample_rate,
    )
