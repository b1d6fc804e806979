"""What Prometheus is told. One `Metrics` for the whole house, whose adapters know it as a Watch of their requests."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from koe.adapters.http.endpoints import Endpoint
from koe.adapters.http.recent import Recent
from koe.engine.qwen.guards import Counters
from koe.engine.remote import ServerState
from koe.speech import SpeechStats
from koe.speech.telling import SPOKEN

_FIRST_AUDIO = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds; below 0.3 s people take it for an immediate answer."""

_REAL_TIME = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0, 1.2, 1.5, 2.0, 5.0)

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_QWEN_WORDS = {
    "generations": "Generations begun",
    "frames": "Frames of 80 ms generated",
    "capped": "Generations that were ended because they grew far longer than their text",
    "silenced": "Generations that were ended because they had fallen silent",
    "retried": "Generations that were tried once more",
    "prompts": "Reference clips listened to",
    "primed": "References pushed through the codec",
    "designs": "Generations in a voice made up from a description",
}


class Metrics:
    def __init__(
        self,
        counters: Callable[[], Counters] | None = None,
        servers: Callable[[], Sequence[ServerState]] | None = None,
    ) -> None:
        """`counters`: those of the qwen engine, `servers`: those of the remote one, where there is one."""
        self.recent = Recent()
        self.registry = registry = CollectorRegistry()
        by_request = ("adapter", "engine", "outcome")
        self._requests = Counter("koe_requests", "Speech requests that ended, by how", by_request, registry=registry)
        by_engine = ("adapter", "engine")
        self._audio = Counter("koe_audio_seconds", "Speech delivered", by_engine, registry=registry)
        self._characters = Counter("koe_characters", "Text received", by_engine, registry=registry)
        self._fallbacks = Counter(
            "koe_fallbacks", "Requests that the fallback engine spoke", by_engine, registry=registry
        )
        self._first_audio = Histogram(
            "koe_first_audio_seconds",
            "From the first text to the first audio",
            by_engine,
            buckets=_FIRST_AUDIO,
            registry=registry,
        )
        self._real_time = Histogram(
            "koe_real_time_factor",
            "Seconds taken for a second of speech",
            by_engine,
            buckets=_REAL_TIME,
            registry=registry,
        )
        self._waiting = Gauge("koe_waiting", "Requests that wait their turn", ("adapter",), registry=registry)
        self._speaking = Gauge("koe_speaking", "Requests that are being spoken", ("adapter",), registry=registry)
        self._answers = Counter(
            "koe_http_answers", "HTTP requests answered", ("method", "path", "status"), registry=registry
        )
        ProcessCollector(registry=registry)
        registry.register(_GpuMemory())
        if counters is not None:
            registry.register(_Qwen(counters))
        if servers is not None:
            registry.register(_Servers(servers))

    def observe(self, stats: SpeechStats, adapter: str, outcome: str) -> None:
        """One speech request has ended, as Watch has it."""
        self.recent.add(stats, adapter, outcome)
        self._requests.labels(adapter, stats.engine, outcome).inc()
        who = adapter, stats.engine
        self._characters.labels(*who).inc(stats.characters)
        self._audio.labels(*who).inc(stats.audio_seconds)
        if stats.fallback is not None:
            self._fallbacks.labels(*who).inc()
        if stats.first_audio is not None:
            self._first_audio.labels(*who).observe(stats.first_audio)
        if outcome == SPOKEN and (factor := stats.real_time_factor) is not None:
            self._real_time.labels(*who).observe(factor)

    @contextmanager
    def waiting(self, adapter: str) -> Iterator[None]:
        with self._waiting.labels(adapter).track_inprogress():
            yield

    @contextmanager
    def speaking(self, adapter: str) -> Iterator[None]:
        with self._speaking.labels(adapter).track_inprogress():
            yield

    def answered(self, method: str, path: str, status: int) -> None:
        """`path`: its template, or a word of our own: never what a client wrote."""
        self._answers.labels(method, path, str(status)).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)


METRICS = web.AppKey("metrics", Metrics)
"""`request.app[METRICS]`"""


async def metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": _CONTENT_TYPE})


def endpoints() -> Iterator[Endpoint]:
    yield Endpoint(
        "GET",
        "/metrics",
        metrics,
        "Figures for Prometheus: requests, first audio, real-time factor, queue, fallbacks, memory, remote servers.",
        tag="Watching it",
        answers={200: "text/plain"},
    )


class _Qwen(Collector):
    def __init__(self, counters: Callable[[], Counters]) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        for name, value in asdict(self._counters()).items():
            yield CounterMetricFamily(f"koe_qwen_{name}", _QWEN_WORDS.get(name, name), value=value)


class _Servers(Collector):
    def __init__(self, servers: Callable[[], Sequence[ServerState]]) -> None:
        self._servers = servers

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("koe_remote_up", "Whether a speech server can be asked now", labels=["server"])
        speaking = GaugeMetricFamily("koe_remote_speaking", "Requests that it is speaking", labels=["server"])
        ended = CounterMetricFamily("koe_remote_requests", "Requests to it that ended", labels=["server", "outcome"])
        for each in self._servers():
            up.add_metric([each.name], float(not each.trouble))
            speaking.add_metric([each.name], each.speaking)
            ended.add_metric([each.name, "spoken"], each.spoken)
            ended.add_metric([each.name, "failed"], each.failed)
        yield from (up, speaking, ended)


class _GpuMemory(Collector):
    """Where an engine has brought torch along and uses a GPU; torch is never loaded for it."""

    def collect(self) -> Iterator[Metric]:
        torch = sys.modules.get("torch")
        cuda = getattr(torch, "cuda", None)
        if cuda is None or not cuda.is_initialized():
            return
        family = GaugeMetricFamily("koe_gpu_memory_bytes", "Of the GPU, held by this process", labels=["device"])
        for device in range(cuda.device_count()):
            family.add_metric([str(device)], float(cuda.memory_reserved(device)))
        yield family
