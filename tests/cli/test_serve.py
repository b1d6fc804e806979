"""`koe serve` as a process: what it says, how it speaks, how it stops."""

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result
from wyoming.client import AsyncClient
from wyoming.tts import Synthesize, SynthesizeVoice

from tests.support.house import hear

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

SECRET = "The code of the safe is blue giraffe."
LOCAL = ("--listen", "tcp://127.0.0.1:0", "--no-discovery")


def welcome(server: "subprocess.Popen[bytes]") -> list[str]:
    """The lines of the welcome; the server is ready when it has been printed."""
    assert server.stdout is not None
    lines = []
    while (line := server.stdout.readline().decode()) and "Ctrl+C" not in line:
        lines.append(line.strip())
    return lines


def uri_in(lines: list[str]) -> str:
    return next(line.split()[1] for line in lines if line.startswith("Address"))


async def say(uri: str, text: str, voice: str | None = None) -> tuple[str | None, int]:
    """The error's code, and the bytes of speech."""
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Synthesize(text, voice=SynthesizeVoice(voice) if voice else None).event())
        heard = await hear(client)
    return heard.error, len(heard.pcm)


def test_the_welcome_names_what_a_newcomer_needs(start_koe: Start) -> None:
    lines = welcome(start_koe("serve", "--name", "Flat", *LOCAL))
    assert lines[0] == "Flat is ready to speak."
    assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", uri_in(lines))
    assert any(re.match(r"Voices +\d+ in \d+ languages", line) for line in lines)
    assert any(line.endswith("Low hum") for line in lines)
    assert any("Home Assistant" in line and "Wyoming Protocol" in line for line in lines)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_speaks_and_stops_with_0(start_koe: Start, signal_number: int) -> None:
    server = start_koe("serve", *LOCAL)
    error, spoken = asyncio.run(say(uri_in(welcome(server)), "Hello."))
    assert (error, spoken > 0) == (None, True)
    server.send_signal(signal_number)
    _, log = server.communicate(timeout=30)
    assert server.returncode == 0
    assert b"Traceback" not in log
    assert log.rstrip().endswith(b"stopped")


def test_the_log_tells_of_requests_but_never_what_was_said(start_koe: Start) -> None:
    server = start_koe("serve", *LOCAL)
    uri = uri_in(welcome(server))
    for voice in (None, "nobody"):
        asyncio.run(say(uri, SECRET, voice))
    server.terminate()
    log = server.communicate(timeout=30)[1].decode()
    assert re.search(r"INFO +\[w\d+\.1\] spoken: \d+ characters as fake-low, .* first audio .* real-time factor", log)
    assert "giraffe" not in log


def test_a_log_for_machines_is_json_in_every_line(start_koe: Start) -> None:
    server = start_koe("serve", *LOCAL, "--log-format", "json", "--set", "log.level=debug")
    assert server.stderr is not None
    lines = [json.loads(server.stderr.readline())]
    while "listening" not in lines[-1]["message"]:
        lines.append(json.loads(server.stderr.readline()))
    uri = lines[-1]["message"].split()[-1]
    asyncio.run(say(uri, "Hello."))
    server.terminate()
    told, log = server.communicate(timeout=30)
    assert told == b""
    lines += [json.loads(line) for line in log.splitlines()]
    [spoken] = [line for line in lines if line["message"].startswith("spoken")]
    assert spoken["level"] == "info"
    assert re.fullmatch(r"w\d+\.1", spoken["request"])
    assert spoken["voice"] == "fake-low"
    assert spoken["audio_seconds"] > 0


def test_a_port_in_use_ends_with_2_and_names_the_remedy(start_koe: Start, koe: Run) -> None:
    uri = uri_in(welcome(start_koe("serve", *LOCAL)))
    result = koe("serve", "--listen", uri, "--no-discovery")
    assert result.exit_code == 2
    assert uri in result.stderr
    assert "--listen" in result.stderr


def test_what_is_wrong_is_told_before_anything_listens(koe: Run) -> None:
    result = koe("serve", *LOCAL, "--voice", "fake-lwo")
    assert result.exit_code == 1
    assert "fake-low" in result.stderr
    assert "ready" not in result.stdout


def test_a_running_server_is_heard_by_koe_say(start_koe: Start, koe: Run, tmp_path: Path) -> None:
    uri = uri_in(welcome(start_koe("serve", *LOCAL)))
    result = koe("say", "Hello there.", "--server", uri, "-o", tmp_path / "hello.wav", "--stats")
    assert result.exit_code == 0
    assert (tmp_path / "hello.wav").stat().st_size > 1000
