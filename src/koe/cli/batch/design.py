"""`koe batch design`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from koe.cli.batch.options import DryRun, Format, Out, Server, Title, Wish, carry_out, told


def design(
    context: typer.Context,
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="Such as: a calm old sailor.")],
    candidates: Annotated[
        int | None, typer.Option("--candidates", "-n", metavar="N", help="So many of them; else 3.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", metavar="TAG", help="What the voice speaks best.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What they say: 3 to 10 seconds; else two sentences of ours.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", metavar="N", help="Exactly these: one for each candidate.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="NAME", help="Make one of them a voice of the house.")
    ] = None,
    id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Of that voice, instead of one made of its name.")
    ] = None,
    candidate: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Which one to keep; else the best as a reference.")
    ] = None,
    title: Title = None,
    format: Format = "wav",
    out: Out = None,
    dry_run: DryRun = False,
    server: Server = None,
) -> None:
    """Let made-up voices of a description speak, and make one of them a voice of the house."""
    if keep is None and (id is not None or candidate is not None):
        raise typer.BadParameter("--id and --candidate belong to a voice that is kept: give its name with --keep")
    kept = told(name=keep, id=id, candidate=candidate)
    options = told(language=language, text=text, count=candidates, seeds=seeds, keep=kept)
    with tempfile.TemporaryDirectory(prefix="koe-") as folder:
        file = Path(folder) / "description.txt"
        file.write_text(description, encoding="utf-8")
        wish = Wish("design", file, options, {"format": format}, title or description[:200], out, server, dry_run)
        carry_out(context, wish)
