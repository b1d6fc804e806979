"""`koe voices design` and `keep`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.state import load_settings
from koe.cli.voices.listing import AsJson
from koe.cli.voices.make import tell_new
from koe.core.installation import command

if TYPE_CHECKING:
    from koe.pipelines.design_clone import Design


def design(
    context: typer.Context,
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="Such as: a calm old sailor.")],
    candidates: Annotated[int, typer.Option(metavar="N", help="How many to choose from.")] = 3,
    language: Annotated[str, typer.Option("--language", "-l", metavar="TAG", help="What it speaks best.")] = "en",
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What they say: 3 to 10 seconds; else two sentences of ours.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option("--seed", metavar="N", help="Instead of drawn ones: one for each candidate.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let several made-up voices of a description speak; keep the one you like."""
    made = asyncio.run(_design(context, description, language, text, seed or [None] * candidates, quiet=as_json))
    if as_json:
        show.as_json(json.loads(made.to_json()))
    else:
        typer.echo(f"Keep one, such as the first: {command(f'voices keep {made.id} 1 NAME')}")


async def _design(
    context: typer.Context,
    description: str,
    language: str,
    text: str | None,
    seeds: Sequence[int | None],
    *,
    quiet: bool,
) -> Design:
    from koe.app import open_speaker
    from koe.pipelines.design_clone import Designer

    loaded = load_settings(context)
    made: Design | None = None
    async with open_speaker(loaded) as speaker:
        designer = Designer(loaded.data_dir, speaker)
        async for made in designer.design(description, language=language, text=text, seeds=seeds):
            latest = made.candidates[-1]
            where = designer.clip(made, latest.number)
            if not quiet:
                typer.echo(f"{latest.number}: {latest.duration:.1f} s, seed {latest.seed}, {where}")
    if made is None:
        raise AssertionError("a design has at least one candidate")
    return made


def keep(
    context: typer.Context,
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="As koe voices design called it.")],
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the candidate.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people see; the id is made of it.")],
    id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Instead of one made of the name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a candidate a voice of the house."""
    from koe.app import voice_store
    from koe.pipelines.design_clone import Designer
    from koe.voices.ids import make_id

    loaded = load_settings(context)
    made = Designer(loaded.data_dir).keep(voice_store(loaded), design, number, name, id=id or make_id(name, ()))
    tell_new(made, loaded, as_json)
