"""`koe bench`: what Qwen3-TTS would do on this machine, before anything is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.state import load_settings
from koe.core.errors import RequestError

if TYPE_CHECKING:
    from koe.engine.qwen.cpu.figures import Figures


def bench(
    context: typer.Context,
    size: Annotated[list[str] | None, typer.Option(metavar="SIZE", help="0.6B or 1.7B; several; none: both.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the results as JSON.")] = None,
    compare: Annotated[Path | None, typer.Option(metavar="FILE", help="Show earlier results beside them.")] = None,
) -> None:
    """Measure how fast this machine's processor would speak with Qwen3-TTS: takes minutes, downloads nothing."""
    from koe.engine.qwen.cpu.cores import wait_quietly
    from koe.engine.qwen.cpu.figures import PRECISIONS, SIZES, Benchmark
    from koe.engine.qwen.engine import need_installed

    need_installed()
    wait_quietly()
    from koe.engine.qwen.cpu.bench import measure

    wanted = [each for each in SIZES if each in (size or SIZES)]
    if unknown := next((each for each in size or () if each not in SIZES), None):
        raise RequestError(f"there is no checkpoint of size {unknown[:20]!r}, only of {' and '.join(SIZES)}")
    earlier = _read(compare) if compare else {}
    data_dir = load_settings(context).data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    found = [measure(each, precision, data_dir, _tell) for each in wanted for precision in PRECISIONS]
    benchmark = Benchmark.now(found)
    columns = ["size", "precision", "first audio, s", "work for 1 s", "rooms at once", "advice"]
    show.table([*columns, *(["earlier"] if earlier else [])], (_row(each, earlier) for each in found))
    typer.echo(f"Measured with {benchmark.threads} threads and noise for weights.")
    benchmark.keep(data_dir)
    if save:
        benchmark.save(save)


def _row(each: Figures, earlier: dict[tuple[str, str], float]) -> list[str]:
    before = earlier.get((each.size, each.precision))
    return [
        *(each.size, each.precision, f"{each.first_audio:.2f}", f"{each.real_time:.2f} s", str(each.rooms)),
        each.advice,
        *([f"{before:.2f} s" if before else "-"] if earlier else []),
    ]


def _read(file: Path) -> dict[tuple[str, str], float]:
    from koe.engine.qwen.cpu.figures import read

    try:
        return {(each.size, each.precision): each.real_time for each in read(file).figures}
    except OSError as error:
        raise RequestError(f"{file} can't be read: {error.strerror or error}") from None


def _tell(line: str) -> None:
    typer.echo(line, err=True)
