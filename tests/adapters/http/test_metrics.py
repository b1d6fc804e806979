"""What Prometheus reads."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from koe.adapters.http.metrics import Metrics
from koe.engine.qwen.guards import Counters
from koe.speech import SpeechStats
from koe.speech.telling import SPOKEN
from tests.adapters.http.conftest import Sample
from tests.support.http_house import BEARER, STRANGER, STRANGERS, http_house

STATS = SpeechStats("qwen-ryan", "qwen", characters=20, first_audio=0.09, audio_seconds=2.0, elapsed=0.5)


def samples(text: str | bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each figure by its name and its labels."""
    words = text.decode() if isinstance(text, bytes) else text
    families = text_string_to_metric_families(words)
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics.text()).get((name, tuple(sorted(labels.items()))))


def test_a_request_is_counted_by_adapter_engine_and_outcome() -> None:
    metrics = Metrics()
    metrics.observe(STATS, "wyoming", SPOKEN)
    metrics.observe(STATS, "wyoming", SPOKEN)
    metrics.observe(SpeechStats("espeak-en-us", "espeak"), "http", "cancelled")
    who = {"adapter": "wyoming", "engine": "qwen"}
    assert value(metrics, "koe_requests_total", **who, outcome="spoken") == 2
    assert value(metrics, "koe_requests_total", adapter="http", engine="espeak", outcome="cancelled") == 1
    assert value(metrics, "koe_audio_seconds_total", **who) == 4.0
    assert value(metrics, "koe_characters_total", **who) == 40
    assert value(metrics, "koe_first_audio_seconds_bucket", **who, le="0.1") == 2
    assert value(metrics, "koe_first_audio_seconds_bucket", **who, le="0.05") == 0
    assert value(metrics, "koe_real_time_factor_bucket", **who, le="0.3") == 2
    assert value(metrics, "koe_first_audio_seconds_count", adapter="http", engine="espeak") is None


def test_a_fallback_is_counted() -> None:
    metrics = Metrics()
    metrics.observe(SpeechStats("espeak-en-us", "espeak", fallback="out of memory"), "http", SPOKEN)
    assert value(metrics, "koe_fallbacks_total", adapter="http", engine="espeak") == 1


def test_waiting_is_a_gauge() -> None:
    metrics = Metrics()
    with metrics.waiting("http"), metrics.waiting("http"):
        assert value(metrics, "koe_waiting", adapter="http") == 2
    assert value(metrics, "koe_waiting", adapter="http") == 0


def test_what_the_engine_has_done_is_told() -> None:
    counters = Counters()
    metrics = Metrics(lambda: counters)
    counters.capped = 3
    assert value(metrics, "koe_qwen_capped_total") == 3
    assert value(metrics, "koe_qwen_generations_total") == 0


def test_each_house_has_its_own_figures() -> None:
    first, second = Metrics(), Metrics()
    first.observe(STATS, "cli", SPOKEN)
    assert value(second, "koe_requests_total", adapter="cli", engine="qwen", outcome="spoken") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_the_process_is_told() -> None:
    assert (value(Metrics(), "process_resident_memory_bytes") or 0) > 2**20


def test_the_memory_of_a_gpu_is_told_where_an_engine_uses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(is_initialized=lambda: True, device_count=lambda: 2, memory_reserved=lambda n: 1000 + n)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert value(Metrics(), "koe_gpu_memory_bytes", device="1") == 1001
    cuda.is_initialized = lambda: False
    assert value(Metrics(), "koe_gpu_memory_bytes", device="1") is None


def test_nobody_loads_torch_for_it() -> None:
    program = "import sys, koe.adapters.http.metrics as m; m.Metrics().text(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


async def test_it_is_read_over_http(tmp_path: Path, sample: Sample) -> None:
    async with http_house(tmp_path, sample.endpoints) as it:
        it.metrics.observe(STATS, "wyoming", SPOKEN)
        for name in ("secret", "others"):
            await (await it.client.get(f"/named/{name}")).read()
        await (await it.client.request("PROPFIND", "/secret")).read()
        async with it.client.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = await answer.text()
    found = samples(text)
    assert found["koe_http_answers_total", (("method", "GET"), ("path", "/named/{name}"), ("status", "200"))] == 2
    assert found["koe_http_answers_total", (("method", "OTHER"), ("path", "(unknown)"), ("status", "404"))] == 1
    assert found["koe_requests_total", (("adapter", "wyoming"), ("engine", "qwen"), ("outcome", "spoken"))] == 1
    assert "secret" not in text


async def test_strangers_need_the_token(tmp_path: Path) -> None:
    async with http_house(tmp_path, trust=STRANGERS) as it, it.coming_from(STRANGER) as stranger:
        async with stranger.get("/metrics") as answer:
            assert answer.status == 401
        async with stranger.get("/metrics", headers=BEARER) as answer:
            assert answer.status == 200
