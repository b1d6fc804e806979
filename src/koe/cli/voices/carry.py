"""`koe voices export` and `import`: from house to house."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import typer

from koe.cli import show
from koe.cli.state import load_settings
from koe.cli.voices.listing import AsJson

Clash = Literal["refuse", "rename", "replace", "skip"]


def export(
    context: typer.Context,
    voices: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="None: all that were made here.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The zip to write.")] = Path("voices.zip"),
) -> None:
    """Write voices and their clips to one zip."""
    from koe.app import voice_store
    from koe.core.errors import NothingToSpeak
    from koe.voices.transfer import export_voices

    store = voice_store(load_settings(context))
    chosen = voices or [profile.id for profile in store.profiles() if not store.is_preset(profile.id)]
    if not chosen:
        raise NothingToSpeak("no voice was made here yet: koe voices add makes one")
    export_voices(store, chosen, out)
    typer.echo(f"{', '.join(chosen)}: in {out}")


def import_(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER", help="A zip of koe voices export or of voicebox, or a folder of x.wav with x.txt."
        ),
    ],
    on_clash: Annotated[
        Clash, typer.Option("--on-clash", help="Where there is a voice of that id already.")
    ] = "refuse",
    language: Annotated[
        str | None, typer.Option("--language", "-l", metavar="TAG", help="Of clips in a folder; else found out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and tell what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in voices; everything is checked before anything is written."""
    from koe.app import voice_store
    from koe.voices.transfer import import_voices

    store = voice_store(load_settings(context))
    report = import_voices(store, source, on_clash=on_clash, language=language, dry_run=dry_run)
    for warning in report.warnings:
        typer.secho(f"note: {warning}", err=True, fg=typer.colors.YELLOW)
    if as_json:
        show.as_json(dataclasses.asdict(report))
        return
    for theirs, ours in report.imported:
        typer.echo(ours if theirs == ours else f"{ours} (there: {theirs})")
    for skipped in report.skipped:
        typer.echo(f"{skipped} is here already: left out")
    if dry_run:
        typer.echo("Nothing was written.")
