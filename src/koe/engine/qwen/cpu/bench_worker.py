"""The measuring process: `python -m koe.engine.qwen.cpu.bench_worker FOLDER SIZE...`, a Told a line on stdout."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from koe.core.errors import KoeError
from koe.engine.qwen.cpu.cores import wait_quietly
from koe.engine.qwen.cpu.figures import PRECISIONS, SIZES, Told

_LAST = 19
"""The niceness of who only gets what nobody else wants."""

_MOST_REASON = 300
"""Characters of what a library complains of."""


def main() -> None:
    # What libraries print must not come between the lines.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(told: Told) -> None:
        out.write(told.model_dump_json() + "\n")
        out.flush()

    _stand_back()
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    try:
        _measure(folder, wanted, tell=tell)
    except KoeError as error:
        tell(Told(failure=error.message))
    except Exception as error:
        tell(Told(failure=f"it could not be measured ({type(error).__name__}: {error})"[:_MOST_REASON]))


def _measure(folder: Path, wanted: list[str], *, tell: Callable[[Told], None]) -> None:
    wait_quietly()
    from koe.engine.qwen.cpu.bench import measure

    for size in SIZES:
        for precision in PRECISIONS if size in wanted else ():
            tell(Told(size=size, precision=precision))
            tell(Told(figures=measure(size, precision, folder, lambda _: None)))


def _stand_back() -> None:
    """Everybody else goes first, and where memory runs out this process is the one to go; as far as the system can."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
        return
    os.nice(_LAST)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
