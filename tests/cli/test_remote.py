"""Speech servers elsewhere, as the command line shows them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_doctor import finding
from tests.support.speech_server import SpeechServer, speech_server

KEY = "never-to-be-shown"


@contextmanager
def running(server: SpeechServer) -> Iterator[SpeechServer]:
    """In a thread: a command has a loop of its own."""
    started, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with speech_server(server):
            started.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert started.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def server() -> Iterator[SpeechServer]:
    with running(SpeechServer(key=KEY)) as it:
        yield it


def write(data_dir: Path, *servers: str) -> None:
    (data_dir / "config").mkdir(parents=True, exist_ok=True)
    listed = "".join(f"      - {each}\n" for each in servers)
    (data_dir / "config" / "koe.yaml").write_text(f"engine:\n  remote:\n    servers:\n{listed}")


def test_doctor_tells_of_each_server(koe: Run, data_dir: Path, server: SpeechServer) -> None:
    write(data_dir, f"{{url: {server.url}, api_key: {KEY}}}", "http://127.0.0.1:9")
    result = koe("doctor", "--json")
    there = finding(result, f"Speech server 127.0.0.1:{server.port}")
    assert (there["mark"], there["found"]) == ("ok", f"vllm-omni with {server.model}: 9 voices")
    gone = finding(result, "Speech server 127.0.0.1:9")
    assert gone["mark"] == "warning"
    assert "can't be reached" in gone["found"]
    assert "engine.remote.servers" in gone["remedy"]
    heard = finding(result, "A server elsewhere speaks")
    assert (heard["mark"], "of remote, first audio after" in heard["found"]) == ("ok", True)
    assert KEY not in result.stdout


def test_doctor_says_where_none_answers(koe: Run, data_dir: Path) -> None:
    write(data_dir, "{url: http://127.0.0.1:9}")
    result = koe("doctor", "--json")
    assert finding(result, "Speech server 127.0.0.1:9")["mark"] == "warning"
    assert finding(result, "Speaking")["mark"] == "ok"


def test_its_voices_are_listed_and_say_something(koe: Run, data_dir: Path, server: SpeechServer) -> None:
    write(data_dir, f"{{url: {server.url}, api_key: {KEY}, voices: [ryan]}}")
    listed = json.loads(koe("voices", "--json").stdout)
    assert [each["id"] for each in listed if each["engine"] == "remote"] == ["remote-ryan"]
    out = data_dir / "out.wav"
    assert koe("say", "Good morning.", "--voice", "remote-ryan", "--out", out).exit_code == 0
    assert out.stat().st_size > 1000
    assert server.asked[-1]["voice"] == "ryan"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_is_never_shown(koe: Run, data_dir: Path, form: tuple[str, ...]) -> None:
    write(data_dir, f"{{url: http://gpu-box:8091, api_key: {KEY}}}")
    shown = koe("config", *form).stdout
    assert "gpu-box" in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (f"{{url: 'http://me:{KEY}@gpu-box'}}", "api_key"),
        (f"{{url: http://gpu-box:80910, api_key: {KEY}}}", "engine.remote.servers.url"),
        (f"{{url: 'http://[::1', api_key: {KEY}}}", "engine.remote.servers.url"),
        (f"{{url: ftp://gpu-box, api_key: {KEY}}}", "http://192.168.1.5:8091"),
        (f"{{url: http://gpu-box, api_key: {KEY}, api_key_file: key}}", "either api_key or api_key_file"),
        (f"{{url: http://gpu-box, api_key: [{KEY}]}}", "api_key"),
        (f"{{url: http://gpu-box, api_key: {KEY}}}\n      - 5", "no list of servers"),
        (f"{{adress: http://gpu-box, api_key: {KEY}}}", "adress"),
    ],
)
def test_what_is_wrong_with_a_server_is_said_without_its_key(koe: Run, data_dir: Path, server: str, words: str) -> None:
    write(data_dir, server)
    result = koe("config")
    assert result.exit_code != 0
    assert words in result.output
    assert KEY not in result.output


def test_a_variable_may_name_several(koe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOE_ENGINE_REMOTE_SERVERS", "http://a:8091, http://b:8091/v1/")
    settings = json.loads(koe("config", "--json").stdout)["settings"]["engine"]["remote"]
    assert [each["url"] for each in settings["servers"]] == ["http://a:8091", "http://b:8091"]
