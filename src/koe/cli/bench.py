"""`koe bench`: what Qwen3-TTS would do on this machine, before anything is downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.state import load_settings
from koe.core.errors import RequestError

if TYPE_CHECKING:
    from koe.engine.qwen.cpu.bench import Figures
    from koe.engine.qwen.cpu.precision import Quantised
    from koe.engine.qwen.published import Size

_SIZES: tuple[Size, ...] = ("0.6B", "1.7B")
_PRECISIONS: tuple[Quantised, ...] = ("int8", "int4")


def bench(
    context: typer.Context,
    size: Annotated[list[str] | None, typer.Option(metavar="SIZE", help="0.6B or 1.7B; several; none: both.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the results as JSON.")] = None,
    compare: Annotated[Path | None, typer.Option(metavar="FILE", help="Show earlier results beside them.")] = None,
) -> None:
    """Measure how fast this machine's processor would speak with Qwen3-TTS: takes minutes, downloads nothing."""
    from koe.engine.qwen.cpu.cores import threads, wait_quietly
    from koe.engine.qwen.engine import need_installed

    need_installed()
    wait_quietly()
    from koe.engine.qwen.cpu.bench import measure

    wanted = [each for each in _SIZES if each in (size or _SIZES)]
    if unknown := next((each for each in size or () if each not in _SIZES), None):
        raise RequestError(f"there is no checkpoint of size {unknown[:20]!r}, only of {' and '.join(_SIZES)}")
    earlier = _read(compare) if compare else {}
    data_dir = load_settings(context).data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    found = [measure(each, precision, data_dir, _tell) for each in wanted for precision in _PRECISIONS]
    columns = ["size", "precision", "first audio, s", "work for 1 s", "rooms at once", "advice"]
    show.table([*columns, *(["earlier"] if earlier else [])], (_row(each, earlier) for each in found))
    typer.echo(f"Measured with {threads()} threads and noise for weights.")
    if save:
        save.write_text(json.dumps([_values(each) for each in found], indent=2) + "\n", encoding="utf-8")


def _row(each: Figures, earlier: dict[tuple[str, str], float]) -> list[str]:
    before = earlier.get((each.size, each.precision))
    return [
        *(each.size, each.precision, f"{each.first_audio:.2f}", f"{each.real_time:.2f} s", str(each.rooms)),
        each.advice,
        *([f"{before:.2f} s" if before else "-"] if earlier else []),
    ]


def _values(each: Figures) -> dict[str, object]:
    """For programs, and for a later comparison."""
    names = ("size", "precision", "first_audio", "real_time", "talker", "predictor", "codec", "together", "rooms")
    return {name: getattr(each, name) for name in names}


def _read(file: Path) -> dict[tuple[str, str], float]:
    try:
        return {(each["size"], each["precision"]): float(each["real_time"]) for each in json.loads(file.read_bytes())}
    except (OSError, ValueError, TypeError, KeyError):
        raise RequestError(f"{file} holds no results of koe bench; koe bench --save {file} writes some") from None


def _tell(line: str) -> None:
    typer.echo(line, err=True)
