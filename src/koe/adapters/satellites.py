"""Wyoming satellites on the LAN: which there are, and announcing on one that no server holds.

A satellite belongs to the first connection that says anything to it but `describe`. Where that is Home Assistant's, it
drops in silence what others send.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.snd import Played

from koe.adapters.wyoming_peer import Peer, conversation
from koe.adapters.wyoming_search import SEARCH_SECONDS, search
from koe.core.errors import Busy, EngineUnavailable, KoeError
from koe.core.pcm import BYTES_PER_SAMPLE, duration
from koe.pipelines.announce import SAMPLE_RATE, Announcement, Enough, Room, Sound

_ROLE = "satellite"
_DESCRIBE_SECONDS = 2.0
_TAKE_SECONDS = 3.0
_CHUNK_BYTES = 2048
_MOST_CHARACTERS = 100
"""Of a name that a satellite gives itself."""

_TAIL = 0.5
"""Seconds that a satellite may need besides the sound's length: older ones don't tell when they have played it."""

_FORM = {"rate": SAMPLE_RATE, "width": BYTES_PER_SAMPLE, "channels": 1}


class Satellites:
    """A `koe.pipelines.announce.Way`."""

    name = "satellite"

    def __init__(self, timeout: float) -> None:
        """`timeout`: seconds that an announcement may take."""
        self._timeout = timeout

    async def rooms(self, enough: Enough) -> Sequence[Room]:
        return await search(_meet, SEARCH_SECONDS, enough=enough)

    async def announce(self, room: Room, announcement: Announcement, sound: Sound) -> None:
        """Raises Busy where another server has it, EngineError."""
        async with conversation(room.id, _ROLE, self._timeout) as peer:
            await _play(peer, sound.pieces())


async def _meet(uri: str) -> Room:
    """Raises EngineError where it is no satellite."""
    async with conversation(uri, _ROLE, _DESCRIBE_SECONDS) as peer:
        satellite = (await peer.describe()).satellite
        if satellite is None or not satellite.installed:
            raise EngineUnavailable(f"the Wyoming server at {uri} is no satellite")
        if not isinstance(satellite.name, str) or not isinstance(satellite.area, str | None):
            raise peer.unintelligible()
        area = satellite.area[:_MOST_CHARACTERS] if satellite.area else None
        return Room(uri, satellite.name[:_MOST_CHARACTERS], Satellites.name, area)


async def _play(peer: Peer, pieces: AsyncIterator[bytes]) -> None:
    """Until it has been heard."""
    await _take(peer)
    sending = asyncio.create_task(_send(peer, pieces))
    hearing = asyncio.create_task(_played(peer, sending))
    try:
        await asyncio.wait([hearing, sending], return_when=asyncio.FIRST_COMPLETED)
        if not hearing.done():
            await asyncio.wait([hearing], timeout=sending.result() + _TAIL)
        if hearing.done():
            hearing.result()
    finally:
        for task in (hearing, sending):
            task.cancel()
        await asyncio.gather(hearing, sending, return_exceptions=True)


async def _take(peer: Peer) -> None:
    """Make it ours. Raises Busy."""
    try:
        async with asyncio.timeout(_TAKE_SECONDS):
            await peer.write([AudioStart(**_FORM, timestamp=0).event()])
            # One that another server holds reads nothing more from us: it doesn't describe itself now.
            await peer.describe()
    except (EOFError, ConnectionError, TimeoutError) as error:
        raise Busy(
            f"{peer} listens to another server, most likely Home Assistant: announce through that one (settings "
            "home_assistant.url and home_assistant.token)"
        ) from error


async def _played(peer: Peer, sending: "asyncio.Task[float]") -> None:
    """What comes before all was sent, is told of an earlier sound."""
    while not (Played.is_type((await peer.read()).type) and sending.done()):
        pass


async def _send(peer: Peer, pieces: AsyncIterator[bytes]) -> float:
    """How many seconds of it are still to be heard at the end."""
    clock, began, sent = asyncio.get_running_loop().time, 0.0, 0
    try:
        async for piece in pieces:
            began = began or clock()
            await peer.write(_chunks(piece, sent))
            sent += len(piece)
    except KoeError:
        # Its player would otherwise wait for more.
        await peer.write([AudioStop(timestamp=_milliseconds(sent)).event()])
        raise
    await peer.write([AudioStop(timestamp=_milliseconds(sent)).event()])
    return max(0.0, began + duration(sent, SAMPLE_RATE) - clock())


def _chunks(piece: bytes, sent: int) -> Iterator[Event]:
    for start in range(0, len(piece), _CHUNK_BYTES):
        audio = piece[start : start + _CHUNK_BYTES]
        yield AudioChunk(**_FORM, audio=audio, timestamp=_milliseconds(sent + start)).event()


def _milliseconds(pcm_bytes: int) -> int:
    return round(1000 * duration(pcm_bytes, SAMPLE_RATE))
