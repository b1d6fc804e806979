"""What the handlers work on: handed to the server once, found by every request."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from koe.core.errors import KoeError
from koe.core.neighbour import Neighbour
from koe.logs import LogTail
from koe.pipelines.design_clone import Designer
from koe.settings import Loaded
from koe.speech import Speaker
from koe.voices.store import VoiceStore

Transcribe = Callable[[bytes, int, str | None], Awaitable[str]]
"""(16-bit mono PCM, its rate in Hz, BCP-47 tag or None) -> what is said."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What is said of it on the LAN."""

    name: str
    addresses: tuple[str, ...]
    port: int


@dataclass(frozen=True, slots=True)
class Coming:
    """How far a voice is that has to be waited for."""

    state: Literal["loading", "downloading"]
    reason: str


async def _nobody() -> Sequence[Neighbour]:
    return ()


@dataclass(frozen=True, slots=True)
class Outside:
    """How others know it, and who they are."""

    wyoming: tuple[str, ...] = ()
    """Where clients reach it: `tcp://192.168.1.5:10210`."""

    announced: Callable[[], Announced | None] = lambda: None
    """None: it isn't."""

    neighbours: Callable[[], Awaitable[Sequence[Neighbour]]] = _nobody
    """Looked for anew at each call, which takes some seconds."""

    log: LogTail = field(default_factory=LogTail)


@dataclass(slots=True)
class House:
    loaded: Loaded
    """The settings in force, and where everything lies; another one when a setting was changed."""

    speaker: Speaker
    store: VoiceStore
    designer: Designer
    transcribe: Transcribe

    cached_voices: Callable[[], Collection[str]] = tuple
    """Ids of the cloned voices that speak without hearing their clips first. Blocks."""

    coming_voices: Callable[[], Mapping[str, Coming]] = dict
    """Those that have to be waited for, by id. Blocks."""

    model_loaded: Callable[[str], bool] = lambda voice_id: True
    """Whether the model is in memory that speaks this voice, where there is one. Blocks."""

    clone_obstacle: Callable[[], KoeError | None] = lambda: None
    """Why no cloned voice can speak here, and what to do; None where it can. Blocks."""

    design_obstacle: Callable[[], KoeError | None] = lambda: None
    """Why no voice can be designed here, in the same way."""

    outside: Outside = field(default_factory=Outside)


HOUSE = web.AppKey("house", House)
"""`request.app[HOUSE]`"""
