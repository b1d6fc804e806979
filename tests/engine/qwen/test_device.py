"""Where a model computes."""

import pytest

from koe.core.errors import EngineUnavailable

torch = pytest.importorskip("torch")
device = pytest.importorskip("koe.engine.qwen.device")

GIB = 1024**3


def test_there_is_always_one_and_a_reason() -> None:
    chosen = device.choose_device()
    assert chosen.kind in ("cuda", "mps", "cpu")
    assert "\n" not in chosen.reason
    assert str(chosen.dtype).removeprefix("torch.") in chosen.reason


def test_a_cpu_computes_with_float32() -> None:
    chosen = device.choose_device("cpu")
    assert (chosen.name, chosen.dtype, chosen.codec_dtype) == ("cpu", torch.float32, torch.float32)


def test_settings_have_the_last_word() -> None:
    chosen = device.choose_device("cpu", "bfloat16")
    assert chosen.dtype is torch.bfloat16
    assert "as engine.qwen.dtype says" in chosen.reason


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_with_the_reason() -> None:
    with pytest.raises(EngineUnavailable, match=r"engine\.qwen\.device is cuda, but .*; set it to auto"):
        device.choose_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_is_preferred() -> None:
    chosen = device.choose_device()
    assert chosen.name == "cuda:0"
    assert chosen.dtype in (torch.bfloat16, torch.float16)


def test_free_memory_is_what_a_machine_may_have() -> None:
    assert GIB // 16 < device.free_memory("cpu") < 2**50


def test_out_of_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert device.is_out_of_memory(caught.value)
    assert not device.is_out_of_memory(RuntimeError("shape mismatch"))
