"""Looking for every Wyoming server on the LAN: in a network namespace, where this file runs again for its functions
`on_the_lan_*`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, Satellite
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from koe.adapters.discovery import SERVICE_TYPE
from koe.adapters.neighbours import find_neighbours
from koe.core.neighbour import Neighbour
from koe.engine.fake import FakeEngine
from tests.support.house import PATIENCE, house
from tests.support.namespace import HERE, run_tests_in_namespace

BY = Attribution("", "")
KITCHEN = Info(satellite=Satellite("Kitchen", BY, True, None, None))
WHISPER = Info(
    asr=[
        AsrProgram("faster-whisper", BY, True, None, None, [AsrModel("tiny", BY, True, None, None, ["en"])]),
        AsrProgram("vosk", BY, False, None, None, []),
    ]
)


def test_in_a_network_of_its_own() -> None:
    run_tests_in_namespace(__file__, timeout=50)


@asynccontextmanager
async def announced(name: str, port: int) -> AsyncIterator[None]:
    """On the LAN, at once: without asking first whether the name is taken."""
    zeroconf = AsyncZeroconf(interfaces=[HERE], ip_version=IPVersion.V4Only)
    whole, server = f"{name}.{SERVICE_TYPE}", f"{name}.local."
    info = AsyncServiceInfo(SERVICE_TYPE, whole, port=port, server=server, parsed_addresses=[HERE])
    try:
        await zeroconf.async_register_service(info, cooperating_responders=True)
        yield
    finally:
        await zeroconf.async_close()


@asynccontextmanager
async def serving(answer: Callable[[], Event | None]) -> AsyncIterator[int]:
    """A server that describes itself so; its port."""

    class Handler(AsyncEventHandler):
        async def handle_event(self, event: Event) -> bool:
            if Describe.is_type(event.type) and (told := answer()) is not None:
                await self.write_event(told)
            return True

    server = AsyncTcpServer(HERE, 0)
    await server.start(Handler)
    assert isinstance(server._server, asyncio.Server)
    try:
        yield server._server.sockets[0].getsockname()[1]
    finally:
        await server.stop()


async def on_the_lan_everyone_is_found_and_told_what_they_are() -> None:
    async with contextlib.AsyncExitStack() as opened:
        open_it = opened.enter_async_context
        it = await open_it(house(FakeEngine(), listen=["tcp://10.77.0.1:0"]))
        ports = {"Koe": int(it.uri.rpartition(":")[2]), "gone": 9}
        for name, answer in (
            ("a1b2", KITCHEN.event),
            ("c3d4", WHISPER.event),
            ("mute", lambda: None),
            ("odd", lambda: Event("info", {"asr": [7]})),
        ):
            ports[name] = await open_it(serving(answer))
        for name, port in ports.items():
            await open_it(announced(name, port))
        found: dict[str, Neighbour] = {}
        async with asyncio.timeout(PATIENCE):
            # A busy machine may see some of them only in a later search.
            while len(found) < len(ports):
                found = {each.announced: each for each in await find_neighbours()}
    uri = "tcp://10.77.0.1:{}".format
    assert found["Koe"] == Neighbour("Koe", "Koe", uri(ports["Koe"]), ("text-to-speech",), ("Koe",))
    assert found["a1b2"] == Neighbour("a1b2", "Kitchen", uri(ports["a1b2"]), ("satellite",))
    programs = ("faster-whisper", "vosk")
    assert found["c3d4"] == Neighbour("c3d4", programs[0], uri(ports["c3d4"]), ("speech-to-text",), programs)
    problems = {name: found[name].problem or "" for name in ("gone", "mute", "odd")}
    assert "is it running" in problems["gone"]
    assert "did not answer" in problems["mute"]
    assert "nobody understands" in problems["odd"]


async def on_the_lan_nobody_is_found_where_nobody_is() -> None:
    assert await find_neighbours() == []
