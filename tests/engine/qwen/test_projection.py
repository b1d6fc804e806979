import pytest

torch = pytest.importorskip("torch")

from koe.engine.qwen.projection import project  # noqa: E402


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 2, 7, 8])
@pytest.mark.parametrize("bias", [True, False])
def test_a_projection_is_the_linear_layer(threads: int, rows: int, bias: bool) -> None:
    linear = torch.nn.Linear(40, 64, bias=bias)
    x = torch.randn(rows, 40)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            torch.testing.assert_close(project(linear, x), linear(x), rtol=1e-5, atol=1e-6)
    finally:
        torch.set_num_threads(before)
