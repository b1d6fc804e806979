"""A job on the terminal: how far it is, and what became of it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from koe.cli.failures import FAILED
from koe.core.errors import EngineUnavailable
from koe.core.installation import command

if TYPE_CHECKING:
    from rich.progress import Progress

    from koe.adapters.http.jobs.bodies import JobEntry
    from koe.cli.jobs.place import Jobs

_MOST_FAILURES = 20
"""Items that are named."""

_SHOWN = 60
"""Characters of a text."""


async def follow(jobs: Jobs, job: JobEntry, out: Path | None = None, *, quiet: bool = False) -> JobEntry:
    """To its end; its files then go to the folder `out`. `quiet`: what it became is told by somebody else. Raises
    typer.Exit where something failed."""
    try:
        job = await _watched(jobs, job)
    except asyncio.CancelledError:
        typer.echo(f"\nThe job {job.id} isn't done. {await jobs.leave(job.id)}", err=True)
        raise
    if job.run is not None and not quiet:
        typer.echo(f"{job.progress.done} of {job.progress.items} items: {await jobs.place(job.run)}")
        if out is not None:
            files = await jobs.fetch(job.run, out)
            typer.echo(f"{len(files)} files are in {out}")
    well = job.state == "finished" and not job.progress.failed
    if not well:
        await _tell_failure(jobs, job)
        raise typer.Exit(FAILED)
    return job


async def _watched(jobs: Jobs, job: JobEntry) -> JobEntry:
    async with aclosing(jobs.watch(job.id)) as watched:
        with _bar() as bar:
            task = bar.add_task(job.title or job.kind, total=None, told="")
            async for now in watched:
                job, progress = now, now.progress
                tried = progress.done + progress.failed
                bar.update(task, total=progress.items or None, completed=tried, told=_told(job))
                if job.state == "paused":
                    break
    if not job.state.ended and job.state != "paused":
        raise EngineUnavailable(f"the server stops; the job {job.id} goes on when it is started again")
    return job


async def _tell_failure(jobs: Jobs, job: JobEntry) -> None:
    for item in await jobs.failed(job.id, _MOST_FAILURES):
        text = item.text if len(item.text) <= _SHOWN else f"{item.text[: _SHOWN - 1]}…"
        typer.secho(f"item {item.number} ({' '.join(text.split())}): {item.error}", err=True, fg=typer.colors.RED)
    if (more := job.progress.failed - _MOST_FAILURES) > 0:
        typer.secho(f"and {more} more", err=True, fg=typer.colors.RED)
    verb = "resume" if job.state == "paused" else "retry"
    reason = f": {job.error}" if job.error else ""
    typer.secho(f"koe: job {job.id}, {job.state}{reason}", err=True, fg=typer.colors.RED)
    typer.echo(f"Try what is left of it again: {command(f'jobs {verb} {job.id}{jobs.remote}')}", err=True)


def _told(job: JobEntry) -> str:
    told = [] if job.state == "running" else [str(job.state)]
    if job.seconds_left:
        minutes, seconds = divmod(round(job.seconds_left), 60)
        told.append(f"{minutes}:{seconds:02} left")
    if job.progress.failed:
        told.append(f"{job.progress.failed} failed")
    return ", ".join(told)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    told = TextColumn("{task.fields[told]}", markup=False)
    return Progress(*columns, told, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
