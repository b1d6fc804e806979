import pytest

torch = pytest.importorskip("torch")

from koe.engine.qwen import projection  # noqa: E402
from koe.engine.qwen.projection import Projection, can_pack  # noqa: E402


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 40])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("pack", [True, False])
def test_a_projection_is_the_linear_layer(threads: int, rows: int, bias: bool, pack: bool) -> None:
    linear = torch.nn.Linear(40, 64, bias=bias)
    x = torch.randn(rows, 40)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            torch.testing.assert_close(Projection(linear, pack=pack)(x), linear(x), rtol=1e-5, atol=1e-6)
    finally:
        torch.set_num_threads(before)


def test_packing_is_for_float32_on_a_cpu_that_has_memory_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    linear = torch.nn.Linear(40, 64)
    assert can_pack(linear)
    assert not can_pack(linear.to("meta"))
    assert not can_pack(torch.nn.Linear(40, 64).bfloat16())
    monkeypatch.setattr(projection, "free_memory", lambda device: 2 * 40 * 64 * 4)
    assert not can_pack(torch.nn.Linear(40, 64))
