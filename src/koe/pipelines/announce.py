"""Saying something in rooms, over whatever ways lead to them.

    which rooms -> one utterance, spoken once -> every room, at the same time

A way is Home Assistant, or the satellites on the LAN themselves.
"""

import asyncio
import contextlib
import difflib
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import NoReturn, Protocol
from weakref import WeakValueDictionary

from koe.core.errors import Busy, DeadlineExceeded, EngineError, KoeError, LimitExceeded, NothingToSpeak, UnknownRoom
from koe.speech import Speaker, SpeechRequest, Utterance
from koe.speech.telling import Unwatched, Watch, telling

SAMPLE_RATE = 22050
"""Hz, as Home Assistant sends it to satellites: their players are set up for it."""

MOST_CHARACTERS = 1000
"""Of an announcement, about a minute; more is read out by a media player, not announced."""

_MOST_AT_ONCE = 16
"""Announcements, and searches for rooms; more are told to come again."""

_REMEDY = (
    "rooms are those that Home Assistant can announce in (settings home_assistant.url and home_assistant.token), and "
    "Wyoming satellites on this network (setting announce.satellites)"
)

_ADAPTER = "announce"
"""In the figures."""


@dataclass(frozen=True, slots=True)
class Room:
    id: str
    """Unique: an entity of Home Assistant (`assist_satellite.kitchen`), or a satellite's address."""

    name: str

    way: str
    """`home-assistant` or `satellite`: who is asked to announce there."""

    area: str | None = None

    def known_as(self, name: str) -> bool:
        return name.casefold() in (self.id.casefold(), self.name.casefold())

    def is_meant_by(self, name: str) -> bool:
        return self.known_as(name) or (self.area is not None and name.casefold() == self.area.casefold())


@dataclass(frozen=True, slots=True)
class Announcement:
    text: str

    voice: str | None = None
    """A voice's id; None: that of the house, or of the room's assistant in Home Assistant."""

    style: str | None = None
    """One of the voice's styles."""


@dataclass(frozen=True, slots=True)
class Outcome:
    room: Room

    error: KoeError | None = None
    """Why nothing was announced there."""


@dataclass(frozen=True, slots=True)
class Reach:
    rooms: Sequence[Room]

    problems: Sequence[EngineError] = ()
    """What kept more of them from being found, and the remedy."""

    @property
    def remedy(self) -> str | None:
        """What to set up where there are none, and nothing went wrong."""
        return None if self.rooms or self.problems else _REMEDY


Enough = Callable[[Sequence[Room]], bool]
"""Whether no more rooms need to be looked for."""


class Way(Protocol):
    @property
    def name(self) -> str:
        """Which its rooms carry."""
        ...

    async def rooms(self, enough: Enough) -> Sequence[Room]:
        """Those that it leads to. Raises EngineError where it can't look."""
        ...

    async def announce(self, room: Room, announcement: Announcement, sound: "Sound") -> None:
        """Until it has been heard there. `sound` is for ways that don't speak by themselves. Raises KoeError."""
        ...


class Announcements:
    def __init__(self, speaker: Speaker, ways: Sequence[Way], timeout: float, watch: Watch | None = None) -> None:
        """Where two ways lead to a room, the first is taken. `timeout`: seconds that an announcement may take in a
        room."""
        self._speaker, self._ways, self._timeout = speaker, {way.name: way for way in ways}, timeout
        self._watch = watch or Unwatched()
        self._under_way = 0
        self._rooms: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By id: in a room one announcement follows the other."""

    async def reach(self) -> Reach:
        """Every room that can be announced in; takes some seconds, in which satellites are looked for. Raises Busy."""
        with self._place():
            return await self._look(lambda _: False)

    async def announce(self, announcement: Announcement, names: Collection[str] | None) -> list[Outcome]:
        """In the rooms of these ids, names or areas; None: in all that there are.

        Raises UnknownRoom, UnknownVoice, NothingToSpeak, LimitExceeded and Busy, before anything is heard; what goes
        wrong in a room is its outcome.
        """
        if not announcement.text.strip():
            raise NothingToSpeak("there is no text to announce")
        if len(announcement.text) > MOST_CHARACTERS:
            raise LimitExceeded(f"an announcement has at most {MOST_CHARACTERS} characters")
        with self._place():
            rooms = await self._chosen(names)
            utterance = self._speaker.open(_request(announcement))
            async with aclosing(Sound(utterance, announcement.text, self._watch)) as sound:
                return await asyncio.gather(*(self._announced(room, announcement, sound) for room in rooms))

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if self._under_way >= _MOST_AT_ONCE:
            raise Busy("too many announcements are under way: try again later")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _chosen(self, names: Collection[str] | None) -> Sequence[Room]:
        if names is None:
            found = await self._look(lambda _: False)
            return found.rooms or _nowhere(found)
        # An area may have further rooms, which are still to be found.
        found = await self._look(lambda rooms: all(any(room.known_as(name) for room in rooms) for name in names))
        for name in names:
            if not any(room.is_meant_by(name) for room in found.rooms):
                _nowhere(found, name)
        return [room for room in found.rooms if any(room.is_meant_by(name) for name in names)]

    async def _look(self, enough: Enough) -> Reach:
        rooms: list[Room] = []
        problems: list[EngineError] = []
        for way in self._ways.values():
            if enough(rooms):
                break
            known = {room.name.casefold() for room in rooms}
            try:
                found = await way.rooms(lambda more: enough([*rooms, *more]))  # noqa: B023 - awaited at once
            except EngineError as error:
                problems.append(error)
                continue
            rooms += [room for room in found if room.name.casefold() not in known]
        return Reach(rooms, problems)

    async def _announced(self, room: Room, announcement: Announcement, sound: "Sound") -> Outcome:
        turn = self._rooms.setdefault(room.id, asyncio.Lock())
        try:
            async with asyncio.timeout(self._timeout), turn:
                await self._ways[room.way].announce(room, announcement, sound)
        except TimeoutError:
            words = f"{room.name} was not done within {self._timeout:g} seconds (setting announce.timeout)"
            return Outcome(room, DeadlineExceeded(words))
        except KoeError as error:
            return Outcome(room, error)
        return Outcome(room)


class Sound:
    """An utterance that several rooms hear, each at its own pace: it is spoken once, from when the first one asks."""

    def __init__(self, utterance: Utterance, text: str, watch: Watch) -> None:
        self._utterance, self._text, self._watch = utterance, text, watch
        self._pieces: list[bytes | None] = []
        """None: there are no more."""
        self._grown = asyncio.Event()
        self._failure: Exception | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """PCM at SAMPLE_RATE. Raises what the Speaker raises."""
        if self._speaking is None:
            self._speaking = asyncio.create_task(self._speak())
        for number in itertools.count():
            if number == len(self._pieces):
                await self._grown.wait()
            if (piece := self._pieces[number]) is None:
                break
            yield piece
        if self._failure is not None:
            raise self._failure

    async def aclose(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.wait([self._speaking])
        await self._utterance.aclose()

    async def _speak(self) -> None:
        self._utterance.feed(self._text)
        self._utterance.finish()
        try:
            async with telling(self._utterance, self._watch, _ADAPTER):
                async for piece in self._utterance:
                    self._add(piece)
        except Exception as error:
            self._failure = error
        finally:
            self._add(None)

    def _add(self, piece: bytes | None) -> None:
        self._pieces.append(piece)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


def _request(announcement: Announcement) -> SpeechRequest:
    return SpeechRequest(voice=announcement.voice, style=announcement.style, sample_rate=SAMPLE_RATE)


def _nowhere(found: Reach, name: str | None = None) -> NoReturn:
    known = [name for room in found.rooms for name in (room.name, room.area) if name is not None]
    words = ["no room was found to announce in" if name is None else f"there is no room {name[:100]!r}"]
    if name is not None and known:
        near = difflib.get_close_matches(name[:100], known, n=1)
        words.append(f"did you mean {near[0]}?" if near else f"there are {', '.join(dict.fromkeys(known))}")
    remedy = [found.remedy] if found.remedy else []
    raise UnknownRoom("; ".join([*words, *(each.message for each in found.problems), *remedy]))
