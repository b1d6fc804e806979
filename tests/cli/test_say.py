"""Speaking from the command line: in this process, into files, pipes and players, and through a server."""

import io
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from typer.testing import Result

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

WAV_HEADER = 44
TEXT = "Hello there, this is a sentence."


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
def test_a_file_gets_the_format_of_its_name(koe: Run, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"hello.{extension}"
    result = koe("say", TEXT, "-o", path, "--stats")
    assert result.exit_code == 0, result.stderr
    assert soundfile.info(path).samplerate == 24000
    assert soundfile.info(path).duration > 0.5
    assert "real-time factor" in result.stderr
    assert result.stdout == ""


def test_text_comes_from_a_file_or_stdin_as_well(koe: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(f"\ufeff{TEXT}", encoding="utf-8")
    whole = koe("say", TEXT, "-o", "-").stdout_bytes
    assert len(whole) > WAV_HEADER
    assert koe("say", "-f", text, "-o", "-").stdout_bytes == whole


def test_ssml_is_not_read_aloud(koe: Run) -> None:
    spoken = koe("say", "<speak>Hi.<break time='2s'/>You.</speak>", "--ssml", "-o", "-")
    assert len(spoken.stdout_bytes) > 2 * 24000 * 2
    assert koe("say", "<speak>Hi", "--ssml", "-o", "-").exit_code == 1


@pytest.mark.parametrize("name", ["hello", "hello.txt", "nowhere/hello.wav"])
def test_files_that_can_not_be_written_are_refused_before_speaking(koe: Run, tmp_path: Path, name: str) -> None:
    result = koe("say", TEXT, "-o", tmp_path / name)
    assert result.exit_code == 2
    assert list(tmp_path.glob("hello*")) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-f", "/nowhere/text.txt"], "No such file or directory: /nowhere/text.txt"),
        ([" \n"], "nothing in this text"),
        (["Hello", "--language", "zxx"], "no voice speaks 'zxx'"),
        (["Hello", "--server", "tcp://127.0.0.1:1"], "no speech server answers at tcp://127.0.0.1:1"),
    ],
)
def test_failures_are_told_and_leave_no_file(koe: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    result = koe("say", *arguments, "-o", tmp_path / "out.wav")
    assert result.exit_code == 1
    assert words in result.stderr
    assert list(tmp_path.glob("*out.wav*")) == []


def test_effects_are_heard(koe: Run) -> None:
    usual = koe("say", TEXT, "-o", "-").stdout_bytes
    assert koe("say", TEXT, "--effect", "none", "-o", "-").stdout_bytes == usual
    quick = koe("say", TEXT, "--effect", "speed:factor=2", "--effect", "gain:db=3", "-o", "-").stdout_bytes
    assert len(quick) - WAV_HEADER == pytest.approx((len(usual) - WAV_HEADER) / 2, abs=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["speed:factor=9"], "speed.factor"), (["HAL"], "HAL"), (["M3GAN", "--server", "tcp://127.0.0.1:1"], "--server")],
)
def test_effects_that_can_not_be_had_are_wrong_usage(koe: Run, arguments: list[str], words: str) -> None:
    result = koe("say", TEXT, "--effect", *arguments, "-o", "-")
    assert (result.exit_code, words in result.stderr) == (2, True)


@pytest.mark.parametrize("server", ["homeassistant", "tcp://*:10210"])
def test_a_server_address_that_is_none_is_wrong_usage(koe: Run, server: str) -> None:
    assert koe("say", "Hello", "--server", server, "-o", "-").exit_code == 2


def test_text_that_is_no_utf8_is_refused(koe: Run, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("Müller".encode("latin-1"))
    result = koe("say", "-f", path, "-o", "-")
    assert (result.exit_code, "not UTF-8" in result.stderr) == (1, True)


def test_without_a_player_it_says_what_to_do(koe: Run) -> None:
    result = koe("say", TEXT)
    assert result.exit_code == 1
    assert "--out hello.wav" in result.stderr
    assert "apt install alsa-utils" in result.stderr


def test_live_text_is_spoken_while_it_arrives(start_koe: Start) -> None:
    process = start_koe("say", "-", "-o", "-")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{TEXT} And then some more words follow".encode())
    process.stdin.flush()
    header = process.stdout.read(WAV_HEADER)
    first = process.stdout.read(2000)
    assert (header[:4], len(first)) == (b"RIFF", 2000)
    rest, _ = process.communicate(b" until the end.\n", timeout=30)
    assert len(rest) > 2000
    assert process.returncode == 0


def test_live_text_that_is_no_utf8_ends_it(start_koe: Start) -> None:
    process = start_koe("say", "-", "-o", "-")
    _, complaint = process.communicate(b"\xff\xfe", timeout=30)
    assert (process.returncode, complaint) == (1, b"koe: what came on stdin is not UTF-8 text\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_ends_with_130_and_leaves_no_file(start_koe: Start, tmp_path: Path) -> None:
    process = start_koe("say", "-", "-o", tmp_path / "out.wav")
    assert process.stdin is not None
    process.stdin.write(f"{TEXT} And then".encode())
    process.stdin.flush()
    while not list(tmp_path.glob(".out.wav.*")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert list(tmp_path.glob("*out.wav*")) == []


def player(environment: dict[str, str], script: str) -> None:
    """Put an `aplay` on the path."""
    program = Path(environment["PATH"]) / "aplay"
    program.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_it_plays_through_the_player_that_is_there(koe: Run, environment: dict[str, str], tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    player(environment, f"open({str(heard)!r}, 'wb').write(sys.stdin.buffer.read() + repr(sys.argv).encode())")
    written = tmp_path / "written.raw"
    result = koe("say", TEXT, "--play", "-o", written, "--stats")
    assert result.exit_code == 0, result.stderr
    pcm = written.read_bytes()
    assert heard.read_bytes().startswith(pcm)
    assert b"'24000'" in heard.read_bytes()[len(pcm) :]
    assert "real-time factor" not in result.stderr


@pytest.mark.parametrize("read", ["sys.stdin.buffer.read()", ""])
def test_a_player_that_can_not_play_is_quoted(koe: Run, environment: dict[str, str], read: str) -> None:
    player(environment, f"{read}\nsys.exit('no sound card')")
    result = koe("say", TEXT * 200)
    assert result.exit_code == 1
    assert "aplay can't play: no sound card" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs unix sockets")
def test_a_server_speaks_what_this_process_would(koe: Run, start_koe: Start, tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/koe.sock"
    server = start_koe("serve", "--listen", uri, "--no-discovery", "--name", "Test house")
    assert server.stdout is not None
    assert server.stdout.readline() == b"Test house is ready to speak.\n"
    here, there = koe("say", TEXT, "-o", "-"), koe("say", TEXT, "-o", "-", "--server", uri, "--stats")
    assert there.exit_code == 0, there.stderr
    assert there.stdout_bytes == here.stdout_bytes
    assert "Test house" in there.stderr
    assert "fake-high" in koe("voices", "--server", uri).stdout
    missing = koe("say", TEXT, "-o", "-", "--server", uri, "--voice", "none")
    assert (missing.exit_code, "there is no voice 'none'" in missing.stderr) == (1, True)
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.usefixtures("environment")
def test_each_line_that_is_typed_is_spoken_at_once() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "koe", "say", "-", "-o", "-"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        os.write(ours, b"Hello\n")
        assert process.stdout.read(WAV_HEADER)[:4] == b"RIFF"
        os.write(ours, b"\nyou\n\x04")
        assert len(process.stdout.read()) > 2000
    assert process.returncode == 0
    os.close(ours)
    os.close(theirs)


def test_wav_on_stdout_can_be_decoded(koe: Run) -> None:
    spoken = koe("say", TEXT, "-o", "-").stdout_bytes
    samples, rate = soundfile.read(io.BytesIO(spoken))
    assert (rate, len(samples)) == (24000, (len(spoken) - WAV_HEADER) // 2)
