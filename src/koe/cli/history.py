"""`koe history`: what was spoken and made; also beside a running server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koe.cli import show as shown
from koe.cli.state import load_settings
from koe.cli.visit import visiting
from koe.cli.words import words as words_of_a_run

if TYPE_CHECKING:
    from koe.pipelines.again import Seeds
    from koe.storage.history import Entry
    from koe.storage.outputs import Outputs
    from koe.storage.run import Run

RunId = Annotated[str, typer.Argument(metavar="ID", help="From koe history.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Words = Annotated[
    str, typer.Argument(metavar="[WORDS]", help="Parts of the title or the text that all have to be in it.")
]
Voice = Annotated[str | None, typer.Option("--voice", "-v", metavar="ID", help="Spoken by this voice.")]
Task = Annotated[str | None, typer.Option(metavar="TASK", help="Such as speech.")]
Language = Annotated[str | None, typer.Option("--language", "-l", metavar="TAG", help="Such as de or en-GB.")]
Favourite = Annotated[bool | None, typer.Option(help="Only those, or only others.")]
Pinned = Annotated[bool | None, typer.Option(help="Only those, or only others.")]
Since = Annotated[
    datetime | None, typer.Option("--from", metavar="DATE", help="Made then or later, such as 2026-01-31.")
]
Until = Annotated[datetime | None, typer.Option("--to", metavar="DATE", help="Made before.")]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=100_000, help="So many at the most.")]

_PAGE = 500
_EXCERPT = 60
"""Characters of a text that fit in a table."""

app = typer.Typer(invoke_without_command=True, help="Finished runs: find them, keep them, do them again.")


@app.callback()
def without_command(context: typer.Context) -> None:
    """Finished runs: find them, keep them, do them again."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(
    context: typer.Context,
    words: Words = "",
    voice: Voice = None,
    task: Task = None,
    language: Language = None,
    favourite: Favourite = None,
    pinned: Pinned = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    from koe.storage.history import Query

    query = Query(
        text=words,
        voice=voice,
        task=task,
        language=language,
        favourite=favourite,
        pinned=pinned,
        since=_aware(since),
        until=_aware(until),
    )
    with visiting(context) as outputs:
        entries: list[Entry] = []
        cursor = None
        while len(entries) < limit:
            page = outputs.search(query, cursor=cursor, limit=min(_PAGE, limit - len(entries)))
            entries += page.entries
            cursor = page.next
            if cursor is None:
                break
    if as_json:
        shown.as_json([_plain(entry) for entry in entries])
    elif entries:
        shown.table(("id", "created", "task", "voice", "seconds", "", "text"), [_cells(entry) for entry in entries])
    else:
        typer.echo("There are no such runs.", err=True)


@app.command()
def show(context: typer.Context, run_id: RunId, as_json: AsJson = False) -> None:
    """Show all that is known of a run."""
    with visiting(context) as outputs:
        told = _told(outputs.get(run_id))
    if as_json:
        shown.as_json(told)
        return
    files = [f"{file['name']} ({file['size']} bytes)" for file in told.pop("files")]
    rows = [(name, str(value)) for name, value in told.items() if value is not None]
    shown.table(("", ""), [*rows, ("files", ", ".join(files))])


@app.command()
def mark(
    context: typer.Context,
    run_id: RunId,
    favourite: Annotated[bool | None, typer.Option(help="A favourite one.")] = None,
    pinned: Annotated[bool | None, typer.Option(help="Kept, however old it is.")] = None,
) -> None:
    """Make a run a favourite one, or keep it for good."""
    if favourite is None and pinned is None:
        raise typer.BadParameter("say what to change: --favourite, --no-favourite, --pinned or --no-pinned")
    with visiting(context) as outputs:
        outputs.mark(run_id, favourite=favourite, pinned=pinned)


@app.command()
def remove(
    context: typer.Context, run_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="From koe history.")]
) -> None:
    """Remove runs and their files."""
    with visiting(context) as outputs:
        for run_id in run_ids:
            outputs.remove(run_id)


@app.command("zip")
def zip_(
    context: typer.Context,
    run_id: RunId,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Else one named like the run.")
    ] = None,
) -> None:
    """Write all files of a run to one zip."""
    from koe.storage.archive import zip_pieces

    with visiting(context) as outputs:
        run = outputs.get(run_id)
        target = out or Path(f"{run.folder.name}.zip")
        try:
            with target.open("wb") as file:
                file.writelines(zip_pieces(run))
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    typer.echo(str(target))


app.command("words")(words_of_a_run)


@app.command()
def regenerate(
    context: typer.Context,
    run_id: RunId,
    seed: Annotated[
        str, typer.Option(metavar="same|new|N", help="The one that was really used, another one, or this one.")
    ] = "same",
    as_json: AsJson = False,
) -> None:
    """Do a run again: a new run of the same input, of a production as a job. Needs no server but for dialogues and
    mixes, which the server alone does again."""
    from koe.core.errors import UnsupportedAbility
    from koe.pipelines import composing, conversation, speak

    wanted = _seed(seed)
    with visiting(context) as outputs:
        run = outputs.get(run_id)
        if run.meta.task == speak.TASK:
            _tell(asyncio.run(_again(context, outputs, run, wanted)), as_json=as_json)
            return
        if run.meta.task in (conversation.TASK, composing.TASK):
            where = f"on its page under History, or with POST /api/runs/{run.id}/regenerate"
            raise UnsupportedAbility(f"a run of the task {run.meta.task} is done again by the server: {where}")
    made_id = asyncio.run(_again_as_job(context, run_id, wanted))
    with visiting(context) as outputs:
        _tell(outputs.get(made_id), as_json=as_json)


@app.command()
def keep(
    context: typer.Context,
    run_id: RunId,
    file: Annotated[str, typer.Argument(metavar="FILE", help="One of its files, such as 002-seed-8.wav.")],
    as_default: Annotated[
        bool, typer.Option("--as-default", help="A voice that you made speaks with this seed from now on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Keep the best of several variations: a favourite run of its own."""
    from koe.app import voice_store
    from koe.pipelines.keep_take import keep_take

    voices = voice_store(load_settings(context))
    with visiting(context) as outputs:
        kept = keep_take(outputs, voices, outputs.get(run_id), file, as_default=as_default)
        _tell(kept, as_json=as_json)


def _tell(made: Run, *, as_json: bool) -> None:
    if as_json:
        shown.as_json(_told(made))
    else:
        typer.echo(f"{made.id}: {made.file(made.meta.files[0].name)}")


async def _again(context: typer.Context, outputs: Outputs, run: Run, seed: Seeds) -> Run:
    from koe.app import open_speaker
    from koe.pipelines.speak import SpeechProducer, seed_again

    async with open_speaker(load_settings(context)) as speaker:
        return await SpeechProducer(speaker, outputs).again(run, seed_again(run, seed))


async def _again_as_job(context: typer.Context, run_id: str, seed: Seeds) -> str:
    """The id of the run that it became. Raises typer.Exit where something failed."""
    from koe.cli.jobs.following import follow
    from koe.cli.jobs.place import to_change

    async with to_change(context, None, speaking=True) as jobs:
        job = await follow(jobs, await jobs.again(run_id, seed), quiet=True)
        return job.run or ""


def _seed(wanted: str) -> Seeds:
    if wanted == "same":
        return "same"
    if wanted == "new":
        return "new"
    if not wanted.isascii() or not wanted.isdecimal() or int(wanted) >= 2**63:
        raise typer.BadParameter("--seed is same, new or a whole number")
    return int(wanted)


def _aware(when: datetime | None) -> datetime | None:
    """In the time zone of this machine, where it names none."""
    return when.astimezone(UTC) if when is not None else None


def _told(run: Run) -> dict[str, Any]:
    return {**run.meta.model_dump(mode="json"), **run.flags.model_dump(), "folder": str(run.folder)}


def _plain(entry: Entry) -> dict[str, Any]:
    import dataclasses

    return {**dataclasses.asdict(entry), "created": entry.created.isoformat()}


def _cells(entry: Entry) -> list[str]:
    marks = "".join(mark for mark, is_so in (("*", entry.favourite), ("^", entry.pinned)) if is_so)
    words = " ".join(f"{entry.title}: {entry.text}".split() if entry.title else entry.text.split())
    text = words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1]}…"
    when = entry.created.astimezone().strftime("%Y-%m-%d %H:%M")
    return [entry.id, when, entry.task, entry.voice, f"{entry.duration:.1f}", marks, text]
