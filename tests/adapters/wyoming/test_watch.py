"""What is told of the requests of rooms: in the figures, and in the log."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from wyoming.client import AsyncClient
from wyoming.tts import Synthesize, SynthesizeVoice

from koe.adapters.http.metrics import Metrics
from koe.adapters.wyoming import WyomingServer
from koe.engine.fake import FakeEngine, Faults
from koe.settings import ListenAddress, SpeechSettings, VoiceSettings, WyomingSettings
from koe.speech import Speaker
from tests.support.house import House, hear
from tests.support.waiting import eventually


@asynccontextmanager
async def watched(faults: Faults | None = None) -> AsyncIterator[tuple[House, Metrics]]:
    metrics = Metrics()
    speaker = Speaker(
        (FakeEngine(faults=faults or Faults()),),
        fallback=None,
        default_language="en-US",
        speech=SpeechSettings(),
        voice=VoiceSettings(),
    )
    settings = WyomingSettings(listen=(ListenAddress.parse("tcp://127.0.0.1:0"),))
    server = WyomingServer(speaker, settings, "Koe", metrics)
    await speaker.start()
    try:
        await server.start()
        yield House(speaker, server), metrics
    finally:
        await server.stop(0.0)
        await speaker.stop()


def ended(metrics: Metrics, outcome: str) -> float | None:
    who = {"adapter": "wyoming", "engine": "fake", "outcome": outcome}
    return metrics.registry.get_sample_value("koe_requests_total", who)


def gauge(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"adapter": "wyoming"})


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of the lines that tell of requests."""
    return [fields for record in caplog.records if "outcome" in (fields := getattr(record, "fields", {}))]


async def test_a_request_is_counted_and_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with watched() as (it, metrics):
        heard = await it.say("Hello there.", voice=SynthesizeVoice("fake-high"))
        await eventually(lambda: ended(metrics, "spoken") == 1)
    who = {"adapter": "wyoming", "engine": "fake"}
    seconds = len(heard.pcm) / 2 / heard.rate
    assert metrics.registry.get_sample_value("koe_audio_seconds_total", who) == pytest.approx(seconds)
    assert metrics.registry.get_sample_value("koe_first_audio_seconds_count", who) == 1
    [line] = told(caplog)
    assert (line["voice"], line["engine"], line["outcome"]) == ("fake-high", "fake", "spoken")
    assert line["first_audio"] > 0
    assert line["audio_seconds"] == pytest.approx(seconds)
    assert line["elapsed"] >= line["first_audio"]


async def test_what_is_spoken_and_what_waits_behind_it_show() -> None:
    gate = threading.Semaphore(0)
    async with watched(Faults(before_step=gate.acquire)) as (it, metrics), it.client() as client:
        for _ in range(3):
            await client.write_event(Synthesize("Hello.").event())
        await eventually(lambda: (gauge(metrics, "koe_speaking"), gauge(metrics, "koe_waiting")) == (1, 2))
        gate.release(1000)
        for _ in range(3):
            await hear(client)
        await eventually(lambda: (gauge(metrics, "koe_speaking"), gauge(metrics, "koe_waiting")) == (0, 0))
        assert ended(metrics, "spoken") == 3


async def test_a_client_that_leaves_has_cancelled_its_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with watched(Faults(hang_at=1)) as (it, metrics):
        async with AsyncClient.from_uri(it.uri) as client:
            await client.write_event(Synthesize("Hello there.").event())
            await hear(client, last="audio-chunk")
        await eventually(lambda: ended(metrics, "cancelled") == 1)
        assert gauge(metrics, "koe_speaking") == 0
    assert [line["outcome"] for line in told(caplog)] == ["cancelled"]


async def test_a_failure_is_told_by_its_code(caplog: pytest.LogCaptureFixture) -> None:
    async with watched() as (it, metrics):
        heard = await it.say("")
        await eventually(lambda: ended(metrics, str(heard.error)) == 1)
    assert [line["outcome"] for line in told(caplog)] == [heard.error]


async def test_many_requests_at_once_leave_nothing_behind() -> None:
    async with watched() as (it, metrics):
        await asyncio.gather(*(it.say("Hello.") for _ in range(20)))
        await eventually(lambda: ended(metrics, "spoken") == 20)
        assert (gauge(metrics, "koe_speaking"), gauge(metrics, "koe_waiting")) == (0, 0)
