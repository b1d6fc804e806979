"""`koe models`: the checkpoints of Qwen3-TTS that are here, and getting more."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.failures import FAILED
from koe.cli.state import load_settings
from koe.core.installation import command

if TYPE_CHECKING:
    from koe.engine.qwen.catalogue import Catalogue, Entry

app = typer.Typer(
    no_args_is_help=True, help="List, download, verify, quantize, remove and pin the checkpoints of Qwen3-TTS."
)

Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="From koe models list; the end will do: 0.6B-Base.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="From koe models list; the end will do: 0.6B-Base.")]


class Precision(StrEnum):
    INT8 = "int8"
    INT4 = "int4"


@app.command("list")
def list_(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Show the checkpoints that are here and those that can be downloaded."""
    entries = _catalogue(context).entries()
    if as_json:
        show.as_json([_shown(each) for each in entries])
    else:
        rows = ((each.name, each.does, each.gigabytes, each.state) for each in entries)
        show.table(("name", "does", "GB", "state"), rows)


@app.command()
def download(
    context: typer.Context,
    names: Names,
    revision: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Not the pinned or newest one: a commit, tag or branch.")
    ] = None,
) -> None:
    """Get checkpoints from the Hugging Face hub; an interrupted download goes on where it stopped."""
    from koe.engine.qwen.download import download, need_hub, source
    from koe.engine.qwen.hub import Hub

    need_hub()
    for name in names:
        source(name)
    for name in names:
        folder = download(name, _catalogue(context).store, Hub(), revision=revision, tell=_tell)
        typer.echo(f"{folder.name} is ready in {folder}.")


@app.command()
def verify(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="None: all that are here.")] = None,
) -> None:
    """Read every file of checkpoints and compare it with what was published. Ends with 1 if something is wrong."""
    from koe.engine.qwen.catalogue import verify

    catalogue = _catalogue(context)
    chosen = [catalogue.checkpoint(name) for name in names] if names else catalogue.found()
    if not chosen:
        _tell(f"No checkpoint is here; {command('models download')} gets one.")
    all_whole = True
    for checkpoint in chosen:
        verdict = verify(checkpoint)
        for problem in verdict.wrong:
            typer.secho(f"{checkpoint.name}: {problem}", fg=typer.colors.RED)
        typer.echo(verdict.told)
        all_whole = all_whole and not verdict.wrong
    if not all_whole:
        raise typer.Exit(FAILED)


@app.command()
def quantize(
    context: typer.Context,
    name: Name,
    precision: Annotated[Precision, typer.Option(help="int8: hardly a difference; int4: smaller and faster.")] = (
        Precision.INT8
    ),
    again: Annotated[bool, typer.Option("--again", help="Also where it has been done.")] = False,
    report: Annotated[bool, typer.Option(help="Measure what is lost, which takes a minute or two.")] = True,
) -> None:
    """Keep a checkpoint's weights in 8 or 4 bits as well: a machine without a graphics card speaks faster with them."""
    from koe.engine.qwen.catalogue import gigabytes
    from koe.engine.qwen.cpu.cores import wait_quietly
    from koe.engine.qwen.engine import need_installed

    catalogue = _catalogue(context)
    checkpoint = catalogue.checkpoint(name)
    need_installed()
    wait_quietly()
    place = catalogue.graphs(checkpoint, precision.value)
    from koe.engine.qwen.cpu.making import ensure

    made = ensure(place, _tell, anew=again)
    how = "is quantised" if made else "has been quantised already"
    typer.echo(f"{checkpoint.name} {how} to {precision.value}: {gigabytes(place.bytes)} GB in {place.folder}.")
    if report:
        from koe.engine.qwen.cpu.fidelity import measure

        _tell("measuring what is lost ...")
        typer.echo(measure(place).told)


@app.command()
def remove(
    context: typer.Context,
    names: Names,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete downloaded checkpoints from the data folder."""
    from koe.engine.qwen.catalogue import gigabytes

    catalogue = _catalogue(context)
    for name in names:
        if part := catalogue.part(name):
            if yes or typer.confirm(f"Delete the begun download {part.folder} ({gigabytes(part.bytes)} GB)?"):
                catalogue.remove_part(part)
                typer.echo(f"What was here of {part.name} is removed.")
            continue
        checkpoint = catalogue.removable(name)
        if yes or typer.confirm(f"Delete {checkpoint.folder} ({gigabytes(checkpoint.bytes)} GB)?"):
            catalogue.remove(checkpoint)
            typer.echo(f"{checkpoint.name} is removed.")


@app.command()
def pin(
    context: typer.Context,
    name: Name,
    revision: Annotated[
        str | None, typer.Argument(metavar="[COMMIT]", help="A commit, tag or branch; none: the one that is here.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Follow the newest again.")] = False,
) -> None:
    """Keep downloads of a checkpoint to one revision."""
    if off and revision:
        raise typer.BadParameter("give a revision or --off, not both")
    catalogue = _catalogue(context)
    if off:
        typer.echo(f"{catalogue.unpin(name)} follows the newest revision.")
        return
    full_name, chosen = catalogue.pin(name, revision)
    unseen = "; the next download tells whether there is such a revision" if revision else ""
    typer.echo(f"{full_name} is pinned to {chosen}{unseen}.")


def _shown(each: Entry) -> dict[str, object]:
    """For programs."""
    return {
        "name": each.name,
        "does": each.does,
        "size": each.size,
        "gigabytes": each.gigabytes,
        "state": each.state,
        "folder": str(each.folder) if each.folder else None,
        "revision": each.revision,
        "pinned": each.pinned,
        "problem": each.problem,
    }


def _catalogue(context: typer.Context) -> Catalogue:
    from koe.engine.qwen.catalogue import Catalogue

    return Catalogue(load_settings(context).data_dir)


def _tell(line: str) -> None:
    typer.echo(line, err=True)
