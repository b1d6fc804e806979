"""Voices made with the command line speak in the next request of a server that runs; over Wyoming, as processes."""

import asyncio
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from tests.support.checkpoints import make_checkpoint
from tests.support.clips import speech_wav
from tests.support.house import hear
from tests.support.waiting import wait_until

QWEN_RATE = 24000
PATIENCE = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(importlib.util.find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed"),
]


class House:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KOE_")}
        self.environment = kept | {
            "KOE_DATA_DIR": str(data_dir),
            "KOE_ENGINE_QWEN_LOADED": "2",
            "KOE_ENGINE_QWEN_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            "KOE_HTTP_LISTEN": "tcp://127.0.0.1:0",
            "LANG": "en_US.UTF-8",
        }

    def koe(self, *arguments: str | Path) -> str:
        command = [sys.executable, "-m", "koe", *map(str, arguments)]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "koe", "serve", "--listen", "tcp://127.0.0.1:0", "--no-discovery"]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    def files(self) -> dict[str, bytes]:
        """Of the voices themselves."""
        folders = [self.data_dir / "voices" / name for name in ("profiles", "refs")]
        found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.data_dir)): path.read_bytes() for path in found}


@pytest.fixture
def house(tmp_path: Path) -> House:
    for kind in ("base", "voice_design"):
        make_checkpoint(tmp_path / "data" / "models" / kind, size="tiny", kind=kind, eos_scale=0.0)
    return House(tmp_path / "data")


@pytest.fixture
def welcome(house: House) -> Iterator[str]:
    """What a server says at its start."""
    server = house.start()
    assert server.stdout is not None
    try:
        told = ""
        while "Ctrl+C" not in told:
            told += server.stdout.readline()
        yield told
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


@pytest.fixture
def uri(welcome: str) -> str:
    match = re.search(r"tcp://\S+", welcome)
    assert match is not None
    return match[0]


@pytest.fixture
def url(welcome: str) -> str:
    match = re.search(r"http://\S+", welcome)
    assert match is not None
    return match[0]


def say(uri: str, voice: str) -> tuple[int, int]:
    """The sample rate and the bytes of what is heard."""

    async def spoken() -> tuple[int, int]:
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(Synthesize("The tea is ready.", voice=SynthesizeVoice(voice)).event())
            heard = await hear(client)
            assert heard.error is None
            return heard.rate, len(heard.pcm)

    return asyncio.run(spoken())


def listed(uri: str) -> list[str]:
    async def told() -> list[str]:
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(Describe().event())
            event = await client.read_event()
            assert event is not None
            return [voice.name for program in Info.from_event(event).tts for voice in program.voices]

    return asyncio.run(told())


def wait_until_it_clones(uri: str, voice: str) -> None:
    """Until the checkpoint is loaded, the fallback speaks, at a rate of its own."""
    wait_until(lambda: say(uri, voice)[0] == QWEN_RATE)


def test_voices_made_while_the_server_runs_speak_in_the_next_request(house: House, uri: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(speech_wav())
    house.koe("voices", "add", "anna", "--ref", clip, "--text", "The words of the clip.")
    wait_until_it_clones(uri, "anna")
    # From here on nothing has to be waited for.
    clip.write_bytes(speech_wav(5.0, 200.0))
    house.koe("voices", "add", "bert", "--ref", clip, "--text", "Other words of another clip.")
    assert "bert" in listed(uri)
    assert say(uri, "bert")[0] == QWEN_RATE

    design = house.koe("voices", "design", "a calm old sailor", "--candidates", "2")
    assert "koe voices keep a-calm-old-sailor 1 NAME" in design
    house.koe("voices", "keep", "a-calm-old-sailor", "2", "Old sailor")
    rate, heard = say(uri, "old-sailor")
    assert (rate, heard > 0) == (QWEN_RATE, True)

    states = {voice["id"]: voice["state"] for voice in json.loads(house.koe("voices", "--json"))}
    assert states["anna"] == states["bert"] == states["old-sailor"] == "cached"

    before = house.files()
    zipped = tmp_path / "voices.zip"
    house.koe("voices", "export", "--out", zipped)
    for voice in ("anna", "bert", "old-sailor"):
        house.koe("voices", "remove", voice, "--yes")
    assert house.files() == {}
    assert "anna" not in listed(uri)
    house.koe("voices", "import", zipped)
    assert house.files() == before
    assert say(uri, "old-sailor")[0] == QWEN_RATE


def test_a_voice_made_over_http_speaks_over_wyoming_in_the_next_request(uri: str, url: str) -> None:
    async def made(name: str, hertz: float) -> None:
        form = aiohttp.FormData()
        form.add_field("data", json.dumps({"name": name, "languages": ["en"]}))
        form.add_field("ref", speech_wav(4.0, hertz), filename="clip.wav", content_type="audio/wav")
        form.add_field("text", "The words of the clip.")
        async with aiohttp.ClientSession() as session, session.post(f"{url}/api/voices", data=form) as answer:
            assert answer.status == 201, await answer.text()

    asyncio.run(made("Anna", 120.0))
    wait_until_it_clones(uri, "anna")
    asyncio.run(made("Bert", 200.0))
    assert "bert" in listed(uri)
    assert say(uri, "bert")[0] == QWEN_RATE
