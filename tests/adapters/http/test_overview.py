"""What the house tells of itself: without a text, without a token, and never more than the last of it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from koe import logs
from koe.adapters.http import overview, speech
from koe.adapters.http.busy import install
from koe.adapters.http.house import Announced, Outside
from koe.engine.fake import FakeEngine
from koe.logs import LogTail
from koe.speech import SpeechStats
from tests.support.http_house import HttpHouse, fuzz, http_house

ENDPOINTS = (*overview.ENDPOINTS, *speech.ENDPOINTS)


@pytest.fixture
def tail() -> Iterator[LogTail]:
    """As the root logger has it."""
    tail, root = LogTail(), logging.getLogger()
    before = root.level
    root.addHandler(tail)
    root.setLevel(logging.DEBUG)
    yield tail
    root.removeHandler(tail)
    root.setLevel(before)


async def say(it: HttpHouse, text: str, **more: object) -> int:
    async with it.client.post("/v1/audio/speech", json={"input": text, **more}) as answer:
        await answer.read()
        return answer.status


async def test_the_house_tells_how_it_is_reached(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS) as it:
        it.house.outside = Outside(
            ("tcp://192.168.1.5:10210",), lambda: Announced("Koe", ("192.168.1.5", "fd00::5"), 10210)
        )
        async with it.client.get("/api/house") as answer:
            told = await answer.json()
    assert told["wyoming"] == ["tcp://192.168.1.5:10210"]
    assert told["announced"] == {"name": "Koe", "addresses": ["192.168.1.5", "fd00::5"], "port": 10210}
    assert told["engines"] == [{"name": "fake", "ready": True, "reason": "", "problem": None}]
    assert told["default_voice"] is not None


async def test_the_last_requests_are_told_without_their_texts(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS, FakeEngine(), prepare=install) as it:
        assert await say(it, "A text that nobody else shall read.") == 200
        assert await say(it, "Hello.") == 200
        async with it.client.get("/api/requests") as answer:
            text = await answer.text()
            newest, oldest = (await answer.json())["requests"]
        async with it.client.get("/api/requests?limit=1") as answer:
            assert len((await answer.json())["requests"]) == 1
    assert "nobody" not in text
    assert newest["characters"] == 6 and oldest["characters"] == 35
    assert newest["outcome"] == "spoken" and newest["adapter"] == "http"
    assert 0 <= newest["first_audio"] <= newest["elapsed"]


async def test_only_the_last_requests_are_kept(tmp_path: Path) -> None:
    async with http_house(tmp_path, ENDPOINTS, FakeEngine(), prepare=install) as it:
        for number in range(1000):
            it.metrics.observe(SpeechStats("v", "fake", characters=number), "http", "spoken")
        assert [each.characters for each in it.metrics.recent.newest(1000)] == list(range(999, 799, -1))


async def test_the_log_s_last_lines_are_told(tmp_path: Path, tail: LogTail) -> None:
    log = logging.getLogger("koe.test")
    async with http_house(tmp_path, ENDPOINTS) as it:
        it.house.outside = Outside(log=tail)
        log.debug("a text that was said")
        log.info("all is well")
        log.error("nothing is well")
        async with it.client.get("/api/log") as answer:
            messages = [line["message"] for line in (await answer.json())["lines"]]
        async with it.client.get("/api/log?level=warning") as answer:
            worse = [line["message"] for line in (await answer.json())["lines"]]
    assert "all is well" in messages and "nothing is well" in messages
    assert "a text that was said" not in messages
    assert "nothing is well" in worse and "all is well" not in worse


def test_the_log_s_last_lines_are_bounded_and_hold_no_secrets(tail: LogTail) -> None:
    log = logging.getLogger("koe.test")
    log.info("Authorization: Bearer %s", "abcdefgh12345678")
    log.info("the token=%s was wrong, and so was %s", "abcdefgh12345678", "hf_abcdefgh12345678")
    try:
        raise ValueError("token: abcdefgh12345678")
    except ValueError:
        log.exception("it failed")
    assert not any("12345678" in line.message for line in tail.lines())
    assert tail.lines()[-1].message.startswith("it failed: ValueError")
    log.info("x" * 100_000)
    assert len(tail.lines()[-1].message) <= 2000
    for number in range(1000):
        log.info("line %d", number)
    assert [line.message for line in tail.lines()] == [f"line {number}" for number in range(500, 1000)]


def test_what_cannot_be_logged_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    tail = LogTail()
    for message, value in (("%d", "no number"), ("after %s", "it")):
        tail.handle(logging.LogRecord("koe.test", logging.INFO, __file__, 1, message, (value,), None))
    assert [line.message for line in tail.lines()] == ["after it"]
    assert "no number" in capsys.readouterr().err


def test_the_lines_are_kept_beside_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    try:
        tail = logs.configure("info", "human")
        logging.getLogger("koe.test").warning("both")
    finally:
        root.handlers, root.level = before, level
    assert [line.message for line in tail.lines()] == ["both"]
    assert "both" in capsys.readouterr().err


async def test_no_request_breaks_it(tmp_path: Path) -> None:
    async with http_house(tmp_path, overview.ENDPOINTS) as it:
        await fuzz(it)
