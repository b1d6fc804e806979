"""`koe history words`: when each word of a run is said."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli.state import load_settings
from koe.cli.visit import visiting

if TYPE_CHECKING:
    from koe.storage.outputs import Outputs
    from koe.storage.words import Words


class WordFormat(StrEnum):
    SRT = "srt"
    VTT = "vtt"
    JSON = "json"


def words(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="ID", help="From koe history.")],
    format: Annotated[
        WordFormat | None, typer.Option(help="Subtitles, or every word for programs; else as --out ends, or srt.")
    ] = None,
    file: Annotated[str | None, typer.Option(metavar="NAME", help="Of a production with several files, which.")] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", "-l", metavar="TAG", help="That is spoken; else told by the text."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Else they are printed.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also where they have been timed before.")] = False,
) -> None:
    """Tell when each word is said, as subtitles or as JSON. Needs no server."""
    tag = _canonical(language)
    with visiting(context) as outputs:
        run = outputs.get(run_id)
        anew = again or tag is not None or not run.has_words
        timed = asyncio.run(_timed(context, outputs, run_id, tag)) if anew else run.words()
    told = _told(timed, format or _format_of(out), file)
    if out is None:
        typer.echo(told, nl=False)
    else:
        out.write_text(told, encoding="utf-8")
        typer.echo(str(out))


async def _timed(context: typer.Context, outputs: Outputs, run_id: str, language: str | None) -> Words:
    from rich.console import Console

    from koe.app.words import word_timer

    with Console(stderr=True).status("Timing the words") as status:
        timer = word_timer(load_settings(context), outputs)
        return await timer.time(run_id, language, lambda done, of: status.update(f"{done} of {of} texts are timed"))


def _told(words: Words, format: WordFormat, name: str | None) -> str:
    from koe.core.errors import UnknownRun
    from koe.pipelines.word_files import as_srt, as_vtt

    files = tuple(file for file in words.files if name in (None, file.file))
    if not files:
        raise UnknownRun(f"there are no words of {name}, but of {', '.join(file.file for file in words.files)}")
    if format is WordFormat.JSON:
        return words.model_copy(update={"files": files}).model_dump_json(indent=2) + "\n"
    return as_srt(files[0]) if format is WordFormat.SRT else as_vtt(files[0])


def _format_of(out: Path | None) -> WordFormat:
    try:
        return WordFormat(out.suffix.lower().removeprefix(".")) if out is not None else WordFormat.SRT
    except ValueError:
        raise typer.BadParameter("--out ends with .srt, .vtt or .json; or say --format") from None


def _canonical(language: str | None) -> str | None:
    from koe.core.languages import canonical

    try:
        return canonical(language) if language is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
