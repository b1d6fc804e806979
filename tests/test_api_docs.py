"""docs/api.md: its examples run as they stand, one after the other in one folder, against a server of their own."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import zipfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import soundfile
from wyoming.asr import Transcript

from koe import app
from koe.app.jobs import start_jobs
from koe.pipelines.speak import SpeechInput, SpeechProducer
from koe.settings import Loaded, load
from koe.speech import Speaker
from koe.storage.outputs import Outputs
from tests.adapters.test_transcription import saying, serving
from tests.support.checkpoint_configs import Kind
from tests.support.checkpoints import make_checkpoint
from tests.support.home_assistant import TOKEN, home_assistant
from tests.support.http_house import http_house
from tests.support.hub import fake_hub

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:10211"
"""In the guide; the server of these tests has another port."""

RUN = "01kgbf3k2ej5w0zq8m6h4x9c7d"
TAKES = "01kgbf3k2ej5w0zq8m6h4x9c7f"
"""In the guide: of variations; what is made here has other ids."""

BASE, DESIGN, NAMED = (f"Qwen3-TTS-12Hz-{name}" for name in ("0.6B-Base", "1.7B-VoiceDesign", "0.6B-CustomVoice"))
CURLRC = 'fail-with-body\nmax-time = 60\nwrite-out = "%{stderr}status %{http_code}\\n"\n'
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

Events = list[tuple[str, Any]]


@dataclass(frozen=True)
class Example:
    heading: str
    language: str
    code: str
    shown: list[tuple[str, str]] = field(default_factory=list)
    """What the guide says that it prints: language and text."""


def examples() -> list[Example]:
    found: list[Example] = []
    heading = ""
    for title, language, text in re.findall(r"^###? ([^\n]+)$|^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL):
        if title:
            heading = title
        elif language in ("sh", "python"):
            found.append(Example(heading, language, text))
        else:
            found[-1].shown.append((language, text))
    return found


def headings() -> list[str]:
    return [each for each in re.findall(r"^### (.+)$", GUIDE, re.MULTILINE) if each.split()[0] in METHODS]


async def test_the_headings_are_the_endpoints_that_there_are(tmp_path: Path) -> None:
    from koe.app.http import ENDPOINTS

    async with http_house(tmp_path, ENDPOINTS) as it, it.client.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    assert sorted(headings()) == sorted(f"{method.upper()} {path}" for path in paths for method in paths[path])


@pytest.mark.parametrize("heading", headings())
def test_the_example_of_an_endpoint_asks_for_it(heading: str) -> None:
    method, path = heading.split()
    pattern = re.compile(re.sub(r"\\{\w+\\}", r"[^/?'\\s]+", re.escape(path)) + r"(?=[?'\"\s]|$)", re.MULTILINE)
    codes = "".join(each.code for each in examples() if each.heading == heading)
    commands = re.split(r"^(?=curl )", codes, flags=re.MULTILINE)
    assert any(pattern.search(each) and method_of(each) == method for each in commands)


def method_of(code: str) -> str:
    if named := re.search(r" -X (\w+)", code):
        return named[1]
    return "POST" if re.search(r" -[dF] ", code) else "GET"


def test_every_link_of_the_guide_leads_somewhere() -> None:
    titles = re.findall(r"^##+ (.+)$", GUIDE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= anchors


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(find_spec("qwen_tts") is None, reason="the extra `qwen` is not installed")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl, which is not installed")
async def test_every_example_does_what_the_guide_shows(tmp_path: Path) -> None:
    data_dir = tmp_path / "koe"
    await asyncio.to_thread(checkpoint, data_dir / "models" / BASE, "base", 6.0)
    await asyncio.to_thread(checkpoint, data_dir / "models" / DESIGN, "voice_design", 0.0)
    published = await asyncio.to_thread(checkpoint, tmp_path / "hub" / NAMED, "custom_voice", 6.0)
    run_id, takes_id = await runs(data_dir)
    (tmp_path / ".curlrc").write_text(CURLRC)
    with fake_hub() as hub:
        hub.repositories = {f"Qwen/{NAMED}": published}
        async with (
            serving(saying(Transcript("The windows are closed.").event())) as listener,
            home_assistant() as home,
            koe_serve(data_dir, hub.uri, listener.uri, home.url) as address,
        ):
            names = {ADDRESS: address, RUN: run_id, TAKES: takes_id}
            for example in examples():
                # What has a name keeps it: lists show it again beside others.
                names = new_ids(example, await check(example, renamed(example.code, names), data_dir)) | names


def checkpoint(folder: Path, kind: Kind, eos_scale: float) -> Path:
    return make_checkpoint(folder, size="tiny", kind=kind, eos_scale=eos_scale)


async def runs(data_dir: Path) -> tuple[str, str]:
    """What history there is, before the server starts: speech, and variations."""
    loaded = load(data_dir, {"engine.qwen.enabled": "false"})
    outputs = app.outputs_of(loaded)
    await asyncio.to_thread(outputs.serve)
    try:
        async with app.open_speaker(loaded) as speaker:
            wanted = SpeechInput(text="The laundry is done.", voice="espeak-en")
            speech = await SpeechProducer(speaker, outputs).speak(wanted)
            return speech.id, await variations(loaded, speaker, outputs)
    finally:
        await asyncio.to_thread(outputs.close)


async def variations(loaded: Loaded, speaker: Speaker, outputs: Outputs) -> str:
    jobs = await start_jobs(loaded, speaker, outputs, app.voice_store(loaded))
    try:
        with jobs.store.upload() as text:
            text.write_text("Welcome home.", encoding="utf-8")
            options = {"how": {"voice": "espeak-en"}, "seeds": [5, 8]}
            job = await jobs.queue.submit("variations", "", {"options": options}, text)
        *_, ended = [now async for now in jobs.queue.watch(job.id)]
    finally:
        await jobs.stop()
        await jobs.close()
    assert ended.run is not None, ended.error
    return ended.run


def environment(home: Path) -> dict[str, str]:
    # PYTHONPATH: the Koe that is tested is the one that runs.
    passed = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return passed | {"HOME": str(home), "LANG": "C.UTF-8"}


@asynccontextmanager
async def koe_serve(data_dir: Path, hub: str, listener: str, home: str) -> AsyncIterator[str]:
    """Its HTTP address for the machine itself; it listens for others as well, so that there is a token."""
    settings = {
        "wyoming.listen": "tcp://127.0.0.1:0",
        "http.listen": '["tcp://127.0.0.1:0", "tcp://*:0"]',
        "engine.default": "espeak",
        "engine.qwen.device": "cpu",
        "engine.qwen.dtype": "float32",
        "engine.qwen.warm_up": "false",
        "engine.qwen.loaded": "3",
        "transcription.server": listener,
        "home_assistant.url": home,
        "home_assistant.token": TOKEN,
        "announce.satellites": "false",
    }
    given = [f"--set={name}={value}" for name, value in settings.items()]
    own = {"KOE_DATA_DIR": str(data_dir), "HF_ENDPOINT": hub, "HF_HOME": str(data_dir / "hf")}
    # For models this small, a second thread costs more than it computes.
    own["OMP_NUM_THREADS"] = "1"
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "koe", "serve", "--no-discovery", *given),
        env=environment(data_dir.parent) | own,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            address = await address_of(server)
        yield address
    finally:
        if server.returncode is None:
            server.send_signal(signal.SIGTERM)
        await server.communicate()
    assert server.returncode == 0


async def address_of(server: Process) -> str:
    assert server.stdout is not None
    told = ""
    while "Ctrl+C" not in told:
        line = await server.stdout.readline()
        assert line, f"koe serve ended: {told}"
        told += line.decode()
    match = re.search(r"HTTP +http://(127\.0\.0\.1:\d+)", told)
    assert match is not None, told
    return match[1]


def renamed(code: str, names: Mapping[str, str]) -> str:
    return re.sub("|".join(names), lambda match: names[match[0]], code)


def new_ids(example: Example, out: str) -> dict[str, str]:
    """By the one that the guide shows: the id that was really given."""
    answers = [(json.loads(text), json.loads(out)) for language, text in example.shown if language == "json"]
    return {shown: real for pair in answers for shown, real in _ids(*pair)}


def _ids(shown: Any, real: Any) -> Iterator[tuple[str, str]]:
    match shown, real:
        case dict(), dict():
            if "id" in shown and "id" in real:
                yield shown["id"], real["id"]
            for name in shown.keys() & real.keys():
                yield from _ids(shown[name], real[name])
        case list(), list():
            for each, other in zip(shown, real, strict=False):
                yield from _ids(each, other)


async def check(example: Example, code: str, folder: Path) -> str:
    """What it has printed."""
    command = ("bash", "-c", code) if example.language == "sh" else (sys.executable, "-c", code)
    home = environment(folder.parent)
    running = await asyncio.create_subprocess_exec(*command, cwd=folder, env=home, stdout=PIPE, stderr=PIPE)
    out, err = (each.decode(errors="replace") for each in await running.communicate())
    told = f"{example.heading}\n{code}\n{out[-3000:]}\n{err}"
    fails = any(language == "json" and list(json.loads(text)) == ["error"] for language, text in example.shown)
    assert (running.returncode == 0) is not fails, told
    for status in re.findall(r"^status (\d+)$", err, re.MULTILINE):
        assert (200 <= int(status) < 300) is not fails, told
    for language, text in example.shown:
        wrong = differs(json.loads(text), json.loads(out)) if language == "json" else other_events(text, out)
        assert not wrong, f"{wrong}\n{told}"
    written = "-o " if example.language == "sh" else '"'
    for name in re.findall(rf"{written}([\w-]+\.(?:wav|mp3|flac|zip|json))", example.code):
        assert not (wrong := broken(folder / name)), f"{wrong}\n{told}"
    return out


def broken(file: Path) -> str:
    """What is wrong with a file that an example has written."""
    if file.suffix == ".zip":
        return "" if zipfile.is_zipfile(file) else f"{file.name} is no zip"
    if file.suffix == ".json":
        json.loads(file.read_bytes())
        return ""
    sound = soundfile.info(str(file))
    return "" if sound.duration > 0.1 else f"{file.name} has only {sound.duration} s"


def other_events(shown: str, real: str) -> str:
    """How the events that are shown differ from those that came; others may come between them."""
    expected, came = events(shown), events(real)
    if expected[-1][0] != came[-1][0]:
        return f"the last event is {came[-1][0]}"
    for name, data in expected:
        wrong = [differs(data, each, name) for kind, each in came if kind == name] or [f"no event {name}"]
        if all(wrong):
            return wrong[0]
    return ""


def events(text: str) -> Events:
    return [(name, json.loads(data)) for name, data in re.findall(r"^event: (\S+)\ndata: (.*)$", text, re.MULTILINE)]


def differs(shown: Any, real: Any, place: str = "") -> str:
    """Where two JSON values differ in shape; of a list, what is shown must be among what there is."""
    return next(_differences(shown, real, place), "")


def _differences(shown: Any, real: Any, place: str) -> Iterator[str]:
    match shown, real:
        case (None, _) | (_, None):
            return
        case dict(), dict():
            if missing := set(shown) ^ set(real):
                yield f"{place}: {', '.join(sorted(missing))}: only shown, or only there"
            for name in set(shown) & set(real):
                yield from _differences(shown[name], real[name], f"{place}.{name}")
        case list(), list():
            for number, each in enumerate(shown):
                wrong = [differs(each, other, f"{place}[{number}]") for other in real]
                if all(wrong):
                    yield wrong[0] if wrong else f"{place}: the list is empty"
        case _:
            if _kind(shown) != _kind(real):
                yield f"{place}: {shown!r} is shown, {real!r} is there"


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
