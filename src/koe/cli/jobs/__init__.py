"""`koe jobs`: productions that are under way, or were."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show as shown

if TYPE_CHECKING:
    from koe.adapters.http.jobs.bodies import ItemAnswer, JobAnswer, JobEntry

JobId = Annotated[str, typer.Argument(metavar="ID", help="From koe jobs list.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Server = Annotated[
    str | None, typer.Option(metavar="URL", help="Of a running server, such as http://192.168.1.5:10211.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FOLDER", file_okay=False, help="Copy what was made into this folder."),
]

_MOST_FAILURES = 100

app = typer.Typer(invoke_without_command=True, help="Productions of koe batch: how far they are; stop them, go on.")


@app.callback()
def without_command(context: typer.Context) -> None:
    """Productions of koe batch: how far they are; stop them, go on."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context, server: Server = None, as_json: AsJson = False) -> None:
    """List the jobs, the newest first."""
    found = asyncio.run(_list(context, server))
    if as_json:
        shown.as_json([job.model_dump(mode="json") for job in found])
    elif found:
        shown.table(("id", "kind", "title", "state", "items", "failed"), map(_cells, found))
    else:
        typer.echo("There are no jobs.", err=True)


@app.command()
def show(context: typer.Context, job_id: JobId, server: Server = None, as_json: AsJson = False) -> None:
    """Show a job, and which of its items failed."""
    job, failed = asyncio.run(_show(context, job_id, server))
    if as_json:
        shown.as_json({**job.model_dump(mode="json"), "failed": [item.model_dump(mode="json") for item in failed]})
        return
    told = job.model_dump(mode="json", exclude={"progress"}) | job.progress.model_dump()
    rows = [(name, str(value)) for name, value in told.items() if value not in (None, "")]
    shown.table(("", ""), [*rows, *((f"item {item.number}", item.error) for item in failed)])


@app.command()
def pause(context: typer.Context, job_id: JobId, server: Server = None, as_json: AsJson = False) -> None:
    """Let a job rest."""
    _tell(asyncio.run(_change(context, "pause", job_id, server)), as_json=as_json)


@app.command()
def cancel(context: typer.Context, job_id: JobId, server: Server = None, as_json: AsJson = False) -> None:
    """Give up a job; what was made is kept until it is removed."""
    _tell(asyncio.run(_change(context, "cancel", job_id, server)), as_json=as_json)


@app.command()
def resume(context: typer.Context, job_id: JobId, server: Server = None, out: Out = None) -> None:
    """Go on with a job that is paused, and wait for it."""
    asyncio.run(_go_on(context, "resume", job_id, server, out))


@app.command()
def retry(context: typer.Context, job_id: JobId, server: Server = None, out: Out = None) -> None:
    """Try again what failed or was cancelled, and wait for it."""
    asyncio.run(_go_on(context, "retry", job_id, server, out))


@app.command()
def remove(
    context: typer.Context,
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="From koe jobs list.")],
    server: Server = None,
) -> None:
    """Remove jobs with what they made, but not the runs that they became."""
    asyncio.run(_remove(context, job_ids, server))


async def _list(context: typer.Context, server: str | None) -> list[JobEntry]:
    from koe.cli.jobs.place import to_look

    async with to_look(context, server) as jobs:
        return await jobs.jobs()


async def _show(context: typer.Context, job_id: str, server: str | None) -> tuple[JobAnswer, list[ItemAnswer]]:
    from koe.cli.jobs.place import to_look

    async with to_look(context, server) as jobs:
        return await jobs.job(job_id), await jobs.failed(job_id, _MOST_FAILURES)


async def _change(context: typer.Context, verb: str, job_id: str, server: str | None) -> JobAnswer:
    from koe.cli.jobs.place import to_change

    async with to_change(context, server, speaking=False) as jobs:
        return await jobs.change(verb, job_id)


async def _go_on(context: typer.Context, verb: str, job_id: str, server: str | None, out: Path | None) -> None:
    from koe.cli.jobs.following import follow
    from koe.cli.jobs.place import to_change

    async with to_change(context, server, speaking=True) as jobs:
        job = await jobs.job(job_id)
        # One that runs already is only watched.
        if verb != "resume" or job.state != "running":
            job = await jobs.change(verb, job_id)
        await follow(jobs, job, out)


async def _remove(context: typer.Context, job_ids: list[str], server: str | None) -> None:
    from koe.cli.jobs.place import to_change

    async with to_change(context, server, speaking=False) as jobs:
        for job_id in job_ids:
            await jobs.remove(job_id)


def _tell(job: JobAnswer, *, as_json: bool) -> None:
    if as_json:
        shown.as_json(job.model_dump(mode="json"))
    else:
        typer.echo(f"{job.id} is {job.state}.")


def _cells(job: JobEntry) -> list[str]:
    progress = job.progress
    tried = f"{progress.done + progress.failed} of {progress.items}"
    return [job.id, job.kind, job.title, str(job.state), tried, str(progress.failed or "")]
