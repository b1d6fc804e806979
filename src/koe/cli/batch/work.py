"""A production, carried out here or on a server; or only its dry run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer
from pydantic import BaseModel, ValidationError

from koe.audio import chapters
from koe.cli import show
from koe.cli.batch.options import Wish
from koe.cli.failures import FAILED
from koe.cli.jobs import place
from koe.cli.jobs.following import follow
from koe.cli.state import load_settings
from koe.core.errors import UnsupportedAbility
from koe.core.installation import command
from koe.pipelines.kinds import KINDS
from koe.pipelines.production_output import OutputOptions

if TYPE_CHECKING:
    from koe.pipelines.plan import DryRun

_EXCERPT = 60
"""Characters of a text that fit in a table."""

_MOST_ITEMS = 100
"""That are shown."""


async def carry_out(context: typer.Context, wish: Wish) -> None:
    """Raises BadParameter, KoeError, and typer.Exit where something failed."""
    _check(KINDS[wish.kind].options, wish.options)
    _check(OutputOptions, wish.output)
    if wish.dry_run:
        plan = await _planned(context, wish)
        _show(plan)
        if not plan.is_ready:
            raise typer.Exit(FAILED)
        return
    # Better now than after hours of speech.
    if wish.output.get("book") and wish.server is None and (obstacle := chapters.obstacle()):
        raise UnsupportedAbility(obstacle)
    async with place.to_change(context, wish.server, speaking=True) as jobs:
        others = await jobs.before()
        job = await jobs.submit(wish.file, wish.kind, wish.title or wish.file.stem[:200], wish.request)
        if others:
            typer.echo(f"Its turn comes after {others} other jobs ({command(f'jobs list{jobs.remote}')}).", err=True)
        await follow(jobs, job, wish.out)


async def _planned(context: typer.Context, wish: Wish) -> DryRun:
    if wish.server is not None:
        async with place.there(context, wish.server) as client:
            return await client.plan(wish.file, wish.kind, wish.request)
    from koe.app import open_speaker
    from koe.cli.jobs.here import dry_run

    async with open_speaker(load_settings(context)) as speaker:
        return await asyncio.to_thread(dry_run, speaker, wish.file, wish.kind, wish.options)


def _show(plan: DryRun) -> None:
    rows = [
        (
            str(number),
            item.file,
            item.group,
            item.how.voice or "",
            str(len(item.text)),
            _clock(item.seconds),
            _cut(item.text),
        )
        for number, item in enumerate(plan.items[:_MOST_ITEMS], start=1)
    ]
    show.table(("", "file", "who", "voice", "characters", "about", "text"), rows)
    if (more := plan.totals.items - len(rows)) > 0:
        typer.echo(f"and {more} more")
    totals = plan.totals
    typer.echo(f"{totals.items} items, {totals.characters} characters, about {_clock(totals.seconds)} of speech")
    if plan.default_speakers:
        typer.echo(f"spoken by the default voice: {', '.join(plan.default_speakers)}")
    for problem in plan.problems:
        color = typer.colors.RED if problem.stops else typer.colors.YELLOW
        typer.secho(f"{'wrong' if problem.stops else 'note'}: {problem}", err=True, fg=color)
    if (unseen := plan.problem_count - len(plan.problems)) > 0:
        typer.secho(f"and {unseen} more problems", err=True, fg=typer.colors.YELLOW)


def _check(model: type[BaseModel], given: object) -> None:
    """Wrong options are refused before anything starts."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise typer.BadParameter(f"{place}: {first['msg']}" if place else first["msg"]) from None


def _cut(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1]}…"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
