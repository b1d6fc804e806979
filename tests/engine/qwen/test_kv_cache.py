"""What slots remember, and what they must forget."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from koe.engine.qwen.cpu.memory import GraphMemory, Stretch  # noqa: E402
from koe.engine.qwen.kv_cache import SlotCache  # noqa: E402

NO_GRAD = pytest.mark.usefixtures("inference")


@pytest.fixture
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def cache_of(slots: int = 3, limit: int = 1000, *, masked: bool = False) -> SlotCache:
    """Two layers of 2 key heads (4 for queries) of size 8."""
    attention = SimpleNamespace(k_proj=torch.nn.Linear(5, 16), head_dim=8)
    with torch.inference_mode():
        return SlotCache(attention, 2, slots, limit, masked=masked)


def heads(rows: int, count: int) -> Tensor:
    out: Tensor = torch.randn(rows, count, 8)
    return out


@NO_GRAD
def test_a_masked_batch_sees_what_rows_by_themselves_see() -> None:
    one, other = cache_of(), cache_of(masked=True)
    for slot, tokens in ((0, 4), (2, 9), (1, 1)):
        key, value = heads(tokens, 2), heads(tokens, 2)
        for cache in (one, other):
            begin = cache.begin(slot, tokens)
            for layer in (0, 1):
                begin(layer, heads(tokens, 4), key, value)
    for slots in ([0, 1, 2], [2, 0], [1], [2, 1, 0]):
        query, key, value = heads(len(slots), 4), heads(len(slots), 2), heads(len(slots), 2)
        ones, others = one.extend(slots), other.extend(slots)
        for layer in (0, 1):
            torch.testing.assert_close(ones(layer, query, key, value), others(layer, query, key, value))


@NO_GRAD
def test_a_cleared_slot_holds_nothing_and_its_neighbour_all() -> None:
    cache = cache_of(2)
    for slot in (0, 1):
        begin = cache.begin(slot, 5)
        for layer in (0, 1):
            begin(layer, heads(5, 4), heads(5, 2), heads(5, 2))
    cache.clear(0)
    for tensor in (*cache._keys, *cache._values):
        assert not tensor[0].any()
        assert tensor[1, :, :5].all()
    assert [cache.length(0), cache.length(1)] == [0, 5]
    assert [cache.room(0), cache.room(1)] == [1000, 995]


@NO_GRAD
def test_room_is_made_as_it_is_needed_up_to_the_limit() -> None:
    cache = cache_of(limit=1000)
    assert cache.positions == 256
    key = heads(256, 2)
    cache.begin(0, 256)(0, heads(256, 4), key, key)
    cache.extend([0])
    assert cache.positions == 512
    assert torch.equal(cache._keys[0][0, :, :256], key.transpose(0, 1))
    cache.begin(1, 999)
    assert cache.positions == 1000
    assert cache_of(limit=40).positions == 40


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory on Linux only")
def test_only_what_is_used_takes_memory() -> None:
    """Also when all of it has been made larger."""
    before = resident()
    memory = GraphMemory(4, 8, 128, 16, 8192, torch.empty(0))
    memory.begin(3, 200)
    for _ in range(4):
        memory.extend([3])
    memory.begin(5, 4000)
    memory.keys(Stretch(3, 1))[0][0, :, :204] += 1
    memory.begin(7, 8000)
    assert memory.positions >= 8000
    assert memory.keys(Stretch(3, 1))[0][0, :, :204].min() == 1
    # All that has been made is 4 GB.
    assert resident() - before < 400e6


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
