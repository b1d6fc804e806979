"""The composition root."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from koe import app
from koe.app import server
from koe.engine.fake import FakeEngine, Faults
from koe.logs import LogTail
from koe.settings import load
from tests.support.house import PATIENCE
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "en-US"),
        ({"LANG": "C.UTF-8"}, "en-US"),
        ({"LANG": "POSIX"}, "en-US"),
        ({"LANG": "german"}, "en-US"),
        ({"LANG": "de_AT.UTF-8@euro"}, "de-AT"),
        ({"LC_ALL": "C", "LANG": "fr_FR"}, "fr-FR"),
        ({"LC_ALL": "", "LC_MESSAGES": "ja_JP.UTF-8", "LANG": "fr_FR"}, "ja-JP"),
    ],
)
def test_the_language_of_the_system(environ: dict[str, str], expected: str) -> None:
    assert app.system_language(environ) == expected


async def test_a_stop_is_heard_while_the_first_words_are_still_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(faults=Faults(hang_at=0))
    monkeypatch.setattr(app, "FakeEngine", lambda: engine)
    overrides = {
        "wyoming.listen": "tcp://127.0.0.1:0",
        "discovery.enabled": "false",
        "engine.fake.enabled": "true",
        "engine.default": "fake",
        "engine.fallback": "null",
        "speech.first_audio_timeout": "3600",
    }
    welcomed: list[server.ServerInfo] = []
    serving = asyncio.create_task(server._serve(load(tmp_path, overrides), welcomed.append, LogTail()))
    await eventually(lambda: engine.open_streams == 1)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        assert await serving == 0
    assert not welcomed


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "[::]"])
def test_no_wildcard_is_named_to_clients(host: str) -> None:
    assert not any(host in uri for uri in server._client_uris(f"tcp://{host}:10210"))
