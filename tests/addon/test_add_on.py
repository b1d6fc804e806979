"""The add-on as it runs: its start script in a plain folder, in a network namespace with the addresses that the
Supervisor gives, where this file runs again for its functions `in_the_add_on_*`."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from wyoming.client import AsyncClient
from wyoming.tts import Synthesize

import koe
from tests.addon.start_script import START, load
from tests.support.house import PATIENCE, hear
from tests.support.namespace import run_tests_in_namespace
from tests.support.supervisor import TOKEN, FakeSupervisor, supervisor
from tests.support.waiting import eventually

SUPERVISOR, HERE, ANOTHER = "172.30.32.2", "172.30.33.5", "172.30.33.9"
INGRESS = {"X-Ingress-Path": "/api/hassio_ingress/a-token", "X-Forwarded-For": "192.168.1.20", "Host": "home.example"}
"""As the Supervisor sends what somebody's browser asks for."""

HASSIO = f"""
set -e
ip link set lo up
for address in {SUPERVISOR} {HERE} {ANOTHER}; do ip address add $address/32 dev lo; done
mount --bind "$HOSTS" /etc/hosts
exec "$@"
"""


@pytest.mark.timeout(180)
def test_in_a_network_of_its_own(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{SUPERVISOR} supervisor\n{HERE} {socket.gethostname()}\n")
    run_tests_in_namespace(__file__, "in_the_add_on_*", network=HASSIO, environ={"HOSTS": str(hosts)}, timeout=170)


@asynccontextmanager
async def add_on(root: Path, **options: object) -> AsyncIterator[Process]:
    """Running, with what the Supervisor lays into its folder; at the end it is stopped as by the Supervisor."""
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "options.json").write_text(json.dumps({"engine": "espeak", "log_level": "info", **options}))
    own = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(Path(koe.__file__).parents[1])}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(START)),
        env=own | {"SUPERVISOR_TOKEN": TOKEN, "ADDON_ROOT": str(root)},
        stderr=PIPE,
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        _, told = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, told.decode()
        assert TOKEN not in told.decode()
    finally:
        if process.returncode is None:
            process.kill()


@asynccontextmanager
async def coming_from(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(f"http://{HERE}:8099", connector=connector) as session:
        yield session


async def started(fake: FakeSupervisor, times: int = 1) -> str:
    """Its address, as Home Assistant is told it; its page is there as well."""
    await eventually(lambda: len(fake.discovered) >= times)
    await asyncio.wait_for(load().listens(8099), PATIENCE)
    found = fake.discovered[-1]
    assert found["service"] == "wyoming" and list(found["config"]) == ["uri"]
    return str(found["config"]["uri"])


async def in_the_add_on_the_house_is_discovered_speaks_and_shows_its_page_to_home_assistant_alone(
    tmp_path: Path,
) -> None:
    async with supervisor(SUPERVISOR, 80) as fake, add_on(tmp_path, voice="espeak-de"):
        uri = await started(fake)
        assert uri == f"tcp://{socket.gethostname()}:10210"
        await speaks(uri)
        async with coming_from(SUPERVISOR) as home:
            await is_shown(home)
            await keeps_a_voice(home, tmp_path)
            async with home.get("/api/rooms", headers=INGRESS) as answer:
                assert [each["name"] for each in (await answer.json())["rooms"]] == ["Kitchen"]
        async with coming_from(ANOTHER) as stranger:
            await is_hidden(stranger)
            token = (tmp_path / "config" / "token").read_text().strip()
            async with stranger.get("/api/voices", headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.status == 200


async def speaks(uri: str) -> None:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Synthesize("Das Essen ist fertig.").event())
        heard = await hear(client)
    assert heard.error is None and len(heard.pcm) > heard.rate


async def is_shown(home: aiohttp.ClientSession) -> None:
    for path, its_parts in (("/", (".css", ".js", ".svg")), ("/docs", (".css",))):
        async with home.get(path, headers=INGRESS) as answer:
            assert answer.status == 200
            parts = [part for part in (await answer.text()).split('"') if part.endswith(its_parts)]
        # Behind the ingress, what begins with / would lead to Home Assistant's own pages.
        assert parts and not [part for part in parts if part.startswith("/")]
        for part in parts:
            async with home.get(f"/{part}", headers=INGRESS) as answer:
                assert answer.status == 200, part
    async with home.get("/api/settings", headers=INGRESS) as answer:
        by_name = {each["name"]: each for each in (await answer.json())["settings"]}
    assert by_name["voice.default"]["value"] == "espeak-de"
    assert TOKEN not in json.dumps(by_name)


async def keeps_a_voice(home: aiohttp.ClientSession, root: Path) -> None:
    made = {"name": "Brisk", "base": "espeak-en-us", "speed": 1.2}
    async with home.post("/api/voices", json=made, headers=INGRESS) as answer:
        assert answer.status == 201, await answer.text()
    assert (root / "config" / "voices" / "profiles" / "brisk.json").is_file()
    async with home.get("/api/voices", headers=INGRESS) as answer:
        assert "brisk" in [each["id"] for each in (await answer.json())["voices"]]
    assert (root / "media" / "koe" / "history.sqlite").is_file()


async def says_bonjour(home: aiohttp.ClientSession) -> None:
    """Where no option says otherwise, Home Assistant's language is the house's."""
    spoken = {"input": "Bonjour.", "response_format": "wav"}
    async with home.post("/v1/audio/speech", json=spoken, headers=INGRESS) as answer:
        assert answer.headers["X-Koe-Voice"].startswith("espeak-fr")


async def is_hidden(stranger: aiohttp.ClientSession) -> None:
    """Also from who says to be the Supervisor."""
    own = {name: value for name, value in INGRESS.items() if name != "Host"}
    for path in ("/api/voices", "/api/settings", "/docs", "/openapi.json", "/metrics", "/api/rooms"):
        async with stranger.get(path, headers=own) as answer:
            assert answer.status == 401, path
    async with stranger.get("/api/voices", headers=INGRESS) as answer:
        assert answer.status == 421


async def in_the_add_on_home_assistant_is_told_at_every_start_also_when_the_supervisor_is_late(tmp_path: Path) -> None:
    async with supervisor(SUPERVISOR, 80) as fake:
        fake.refusals = 1
        for times in (1, 2):
            async with add_on(tmp_path):
                await speaks(await started(fake, times))
                async with coming_from(SUPERVISOR) as home:
                    await says_bonjour(home)


async def in_the_add_on_options_that_are_wrong_end_it_with_words(tmp_path: Path) -> None:
    async with supervisor(SUPERVISOR, 80) as fake:
        with pytest.raises(ProcessLookupError):
            async with add_on(tmp_path, language="Deutsch!") as process:
                _, told = await asyncio.wait_for(process.communicate(), PATIENCE)
                assert process.returncode == 2
                assert "is no language tag" in told.decode()
        assert not fake.discovered
