"""Announcing on a real wyoming-satellite: what its player gets is what was spoken. Those on the LAN are looked for in a
network namespace, where this file runs again for its functions `on_the_lan_*`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info
from wyoming.info import Satellite as SatelliteInfo
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.snd import Played

from koe.adapters import satellites
from koe.adapters.satellites import Satellites
from koe.core.errors import Busy, EngineError, UnknownRoom
from koe.engine.fake import FakeEngine, Faults
from koe.pipelines.announce import SAMPLE_RATE, Announcement, Announcements, Enough, Outcome, Room, Sound
from koe.speech import Speaker, SpeechRequest
from koe.speech.telling import Unwatched
from tests.support import satellite as support
from tests.support.house import PATIENCE, house
from tests.support.namespace import run_tests_in_namespace
from tests.support.satellite import Satellite, satellite
from tests.support.waiting import eventually

TEXT = "Dinner is ready."


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest) -> Path:
    return support.package(request.config.rootpath / ".pytest_cache" / "wyoming-satellite")


async def announce(speaker: Speaker, room: Room, text: str = TEXT, within: float = PATIENCE) -> bytes:
    """What was spoken."""
    sound = Sound(speaker.open(SpeechRequest(sample_rate=SAMPLE_RATE)), text, Unwatched())
    async with aclosing(sound), asyncio.timeout(PATIENCE):
        await Satellites(within).announce(room, Announcement(text), sound)
        return b"".join([piece async for piece in sound.pieces()])


def room_of(place: Satellite | str, name: str = "Kitchen") -> Room:
    return Room(place if isinstance(place, str) else place.uri, name, "satellite")


async def test_a_real_satellite_plays_what_was_spoken_to_the_last_sample(package: Path, tmp_path: Path) -> None:
    async with satellite(package, tmp_path, "Kitchen") as kitchen, house(FakeEngine()) as it:
        spoken = await announce(it.speaker, room_of(kitchen))
        assert len(spoken) > SAMPLE_RATE
        await eventually(lambda: len(kitchen.heard) >= len(spoken))
        assert kitchen.heard == spoken
        # It is free again.
        again = await announce(it.speaker, room_of(kitchen))
        await eventually(lambda: kitchen.heard == spoken + again)


async def test_a_real_satellite_that_another_server_holds_is_told_as_busy(package: Path, tmp_path: Path) -> None:
    async with satellite(package, tmp_path, "Kitchen") as kitchen, house(FakeEngine()) as it:
        async with AsyncClient.from_uri(kitchen.uri) as owner:
            await owner.write_event(Event("run-satellite"))
            # It has done so when it answers.
            await owner.write_event(Describe().event())
            assert await owner.read_event()
            with pytest.raises(Busy, match=r"most likely Home Assistant.*home_assistant\.url"):
                await announce(it.speaker, room_of(kitchen))
            assert not kitchen.heard
        await announced_when_free(it.speaker, room_of(kitchen))


async def announced_when_free(speaker: Speaker, room: Room) -> bytes:
    """It sees some time later that its server has left."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(Busy):
                return await announce(speaker, room)


class NewSatellite(AsyncEventHandler):
    """One that tells when it has played; it hears in no time."""

    heard = b""
    announced: ClassVar[list[str]] = []

    async def handle_event(self, event: Event) -> bool:
        NewSatellite.announced.append(event.type)
        if Describe.is_type(event.type):
            await self.write_event(INFO.event())
        elif AudioStart.is_type(event.type):
            NewSatellite.heard = b""
        elif AudioChunk.is_type(event.type):
            NewSatellite.heard += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            await self.write_event(Played().event())
        return True


class HangsUp(NewSatellite):
    async def handle_event(self, event: Event) -> bool:
        self.writer.close()
        return False


class ReadsNoMore(NewSatellite):
    """Once it has described itself."""

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await super().handle_event(event)
            await asyncio.sleep(PATIENCE)
        return True


INFO = Info(satellite=SatelliteInfo("New", Attribution("", ""), True, None, None))


@asynccontextmanager
async def serving(handler: type[AsyncEventHandler]) -> AsyncIterator[str]:
    server = AsyncTcpServer("127.0.0.1", 0)
    await server.start(handler)
    assert isinstance(server._server, asyncio.Server)
    try:
        yield f"tcp://127.0.0.1:{server._server.sockets[0].getsockname()[1]}"
    finally:
        await server.stop()


async def test_one_that_tells_when_it_has_played_is_not_waited_for_any_longer() -> None:
    long = "One, two, three, four. " * 20
    async with serving(NewSatellite) as uri, house(FakeEngine()) as it:
        spoken = await announce(it.speaker, room_of(uri), long)
        assert NewSatellite.heard == spoken
        assert len(NewSatellite.heard) > 2 * SAMPLE_RATE * PATIENCE / 2


class StillPlaying(NewSatellite):
    """It tells of the end of an earlier sound when the next one has begun."""

    async def handle_event(self, event: Event) -> bool:
        if AudioChunk.is_type(event.type) and not NewSatellite.heard:
            await self.write_event(Played().event())
        return await super().handle_event(event)


async def test_the_end_of_an_earlier_sound_is_not_taken_for_its_own() -> None:
    async with serving(StillPlaying) as uri, house(FakeEngine(pace=20.0)) as it:
        spoken = await announce(it.speaker, room_of(uri))
        assert spoken and NewSatellite.heard == spoken


async def test_in_a_room_one_announcement_follows_the_other() -> None:
    async with serving(NewSatellite) as uri, house(FakeEngine()) as it:

        class OneRoom(Satellites):
            async def rooms(self, enough: Enough) -> list[Room]:
                return [room_of(uri)]

        announcements = Announcements(it.speaker, [OneRoom(PATIENCE)], PATIENCE)
        texts = ["One.", "Two, three.", "Four, five, six."]
        NewSatellite.announced.clear()
        async with asyncio.timeout(PATIENCE):
            all_at_once = (announcements.announce(Announcement(text), ["Kitchen"]) for text in texts)
            assert all(outcome.error is None for (outcome,) in await asyncio.gather(*all_at_once))
        assert [event for event in NewSatellite.announced if event not in ("audio-chunk", "describe")] == 3 * [
            "audio-start",
            "audio-stop",
        ]


async def test_more_than_can_be_under_way_are_told_to_come_again() -> None:
    async with house(FakeEngine()) as it:
        asked = asyncio.Event()

        class Slow(Satellites):
            async def rooms(self, enough: Enough) -> list[Room]:
                await asked.wait()
                return []

        announcements = Announcements(it.speaker, [Slow(PATIENCE)], PATIENCE)
        searches = [asyncio.create_task(announcements.reach()) for _ in range(16)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="try again later"):
            await announcements.reach()
        asked.set()
        await asyncio.gather(*searches)
        assert not (await announcements.reach()).rooms


async def test_one_that_hangs_up_is_busy() -> None:
    async with serving(HangsUp) as uri, house(FakeEngine()) as it:
        with pytest.raises(Busy):
            await announce(it.speaker, room_of(uri))


async def test_it_ends_at_the_deadline() -> None:
    async with serving(ReadsNoMore) as uri, house(FakeEngine()) as it:
        with pytest.raises(EngineError, match=r"within 0\.5 seconds"):
            await announce(it.speaker, room_of(uri), "Long. " * 3000, within=0.5)


async def test_a_voice_that_fails_in_the_middle_is_told() -> None:
    async with serving(NewSatellite) as uri, house(FakeEngine(faults=Faults(fail_at=3))) as it:
        NewSatellite.announced.clear()
        with pytest.raises(EngineError, match="on demand"):
            await announce(it.speaker, room_of(uri))
        await eventually(lambda: NewSatellite.announced[-1] == "audio-stop")


async def test_nobody_there_is_told() -> None:
    async with house(FakeEngine()) as it:
        with pytest.raises(EngineError, match="is it running"):
            await announce(it.speaker, room_of("tcp://127.0.0.1:1"))


@pytest.mark.timeout(240)
def test_in_a_network_of_its_own(package: Path) -> None:
    run_tests_in_namespace(__file__, environ={support.PACKAGE: str(package)}, timeout=230)


@pytest.mark.timeout(220)
async def on_the_lan_a_satellite_is_found_and_announced_on_by_its_name_or_area(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(satellites, "SEARCH_SECONDS", 4.0)
    async with (
        satellite(package, tmp_path, "Attic", "10.77.0.1") as attic,
        house(FakeEngine(), listen=["tcp://10.77.0.1:0"]) as it,
    ):
        announcements, room = (
            Announcements(it.speaker, [Satellites(PATIENCE)], PATIENCE),
            Room(attic.uri, "Attic", "satellite", "Upstairs"),
        )
        async with asyncio.timeout(3 * PATIENCE):
            while (found := await announcements.reach()).rooms != [room]:
                pass
        assert found.problems == []
        # A busy machine may find it only in a later search.
        for name in ("attic", "Upstairs", attic.uri):
            outcomes: list[Outcome] = []
            async with asyncio.timeout(3 * PATIENCE):
                while not outcomes:
                    with contextlib.suppress(UnknownRoom):
                        outcomes = await announcements.announce(Announcement("Dinner."), [name])
            assert outcomes == [Outcome(room)]
        assert len(attic.heard) > SAMPLE_RATE
        with pytest.raises(UnknownRoom, match="no room 'Atic'"):
            await announcements.announce(Announcement(TEXT), ["Atic"])
