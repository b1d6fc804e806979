"""Measuring this machine with models that are far too small to speak: the same process, in a second instead of minutes.

Where `koe serve` is to do so, `SMALL` is what its worker imports first.
"""

import sys
from pathlib import Path

from koe.engine.qwen.cpu.figures import Figures

SMALL = """
from koe.engine.qwen.cpu.cores import wait_quietly
wait_quietly()
from koe.engine.qwen.cpu import bench
bench.threads = lambda: 1
bench._WIDTHS = {"0.6B": (64, 128), "1.7B": (64, 128)}
bench._TALKER.update(num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=32)
bench._PREDICTOR.update(num_hidden_layers=1, hidden_size=64, intermediate_size=128)
bench._FRAMES, bench._CHUNK = 6, 2
bench._CODEC.update(hidden_size=64, intermediate_size=128, num_hidden_layers=1, latent_dim=64, decoder_dim=64)
"""

_EAGER = "import os; os.nice = lambda _: 0"
"""Beside tests that keep every core busy, who stands back would wait for minutes."""

_MAIN = "from koe.engine.qwen.cpu.bench_worker import main; main()"
WORKER = (sys.executable, "-c", f"{SMALL}\n{_EAGER}\n{_MAIN}")
MODEST_WORKER = (sys.executable, "-c", f"{SMALL}\n{_MAIN}")
"""One that stands back, as the real one does."""


FIGURES = Figures(
    size="0.6B",
    precision="int8",
    first_audio=0.3,
    real_time=0.8,
    talker=0.02,
    predictor=0.03,
    codec=0.01,
    together=2.4,
)


def telling(*lines: str, pause: float = 0.0) -> tuple[str, ...]:
    """A worker that tells these lines, seconds apart, and then waits."""
    code = f"import time\nfor line in {lines!r}:\n  print(line, flush=True)\n  time.sleep({pause})\ntime.sleep(600)"
    return sys.executable, "-c", code


def small_worker(folder: Path) -> dict[str, str]:
    """The environment in which every worker measures those, by way of a file in the folder."""
    folder.mkdir(parents=True)
    asked = "if any(name.endswith('bench_worker') for name in sys.orig_argv):"
    code = f"{SMALL.strip()}\n{_EAGER}".replace("\n", "\n    ")
    (folder / "sitecustomize.py").write_text(f"import sys\n{asked}\n    {code}\n")
    return {"PYTHONPATH": f"{folder}:{':'.join(sys.path)}"}
