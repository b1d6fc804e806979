"""`koe models`: the checkpoints of Qwen3-TTS that are here, and getting more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.failures import FAILED
from koe.cli.state import load_settings
from koe.core.installation import command, install

if TYPE_CHECKING:
    from koe.engine.qwen.checkpoints import Checkpoint
    from koe.engine.qwen.published import Published
    from koe.engine.qwen.store import Store, Unfinished

app = typer.Typer(no_args_is_help=True, help="List, download, verify, remove and pin the checkpoints of Qwen3-TTS.")

_DOES = {
    "named": "named voices",
    "design": "voices from a description",
    "clone": "voices from a reference clip",
    "codec": "codec alone",
}

Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="From koe models list; the end will do: 0.6B-Base.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="From koe models list; the end will do: 0.6B-Base.")]


@app.command("list")
def list_(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Show the checkpoints that are here and those that can be downloaded."""
    rows = [*_here(context), *_half(context), *_elsewhere(context)]
    if as_json:
        show.as_json(rows)
    else:
        shown = ([str(row[key]) for key in ("name", "does", "gigabytes", "state")] for row in rows)
        show.table(("name", "does", "GB", "state"), shown)


@app.command()
def download(
    context: typer.Context,
    names: Names,
    revision: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Not the pinned or newest one: a commit, tag or branch.")
    ] = None,
) -> None:
    """Get checkpoints from the Hugging Face hub; an interrupted download goes on where it stopped."""
    _need_hub()
    from koe.engine.qwen.download import download, source
    from koe.engine.qwen.hub import Hub

    for name in names:
        source(name)
    for name in names:
        folder = download(name, _store(context), Hub(), revision=revision, tell=_tell)
        typer.echo(f"{folder.name} is ready in {folder}.")


@app.command()
def verify(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="None: all that are here.")] = None,
) -> None:
    """Read every file of checkpoints and compare it with what was published. Ends with 1 if something is wrong."""
    chosen = [_named(context, name) for name in names] if names else _found(context)
    if not chosen:
        _tell(f"No checkpoint is here; {command('models download')} gets one.")
    if not all([_is_whole(checkpoint) for checkpoint in chosen]):
        raise typer.Exit(FAILED)


@app.command()
def remove(
    context: typer.Context,
    names: Names,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete downloaded checkpoints from the data folder."""
    from koe.core.errors import RequestError

    for name in names:
        if half := _only_half(context, name):
            _remove_half(context, half, yes=yes)
            continue
        checkpoint = _named(context, name)
        if checkpoint.origin == "cache":
            folder = checkpoint.folder
            raise RequestError(f"{checkpoint.name} belongs to the Hugging Face cache ({folder}); use: hf cache delete")
        if yes or typer.confirm(f"Delete {checkpoint.folder} ({_gigabytes(checkpoint.bytes)} GB)?"):
            _store(context).remove(checkpoint.folder.name)
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
    folder_name = _downloadable(context, name)
    chosen = None if off else revision or _revision_here(context, folder_name)
    _store(context).set_pin(folder_name, chosen)
    if chosen is None:
        typer.echo(f"{folder_name} follows the newest revision.")
    elif revision:
        typer.echo(f"{folder_name} is pinned to {chosen}; the next download tells whether there is such a revision.")
    else:
        typer.echo(f"{folder_name} is pinned to {chosen}.")


def _here(context: typer.Context) -> list[dict[str, object]]:
    store = _store(context)
    rows = []
    for each in _found(context):
        pinned = store.pin(each.folder.name) if each.origin == "models" else None
        revision = each.manifest.revision if each.manifest else None
        more = {"folder": str(each.folder), "revision": revision, "pinned": pinned, "problem": each.problem}
        rows.append(_row(each, _state(each, pinned)) | more)
    return rows


def _half(context: typer.Context) -> list[dict[str, object]]:
    """Interrupted downloads; of what is here as well, where that is being replaced."""
    from koe.engine.qwen.checkpoints import read
    from koe.engine.qwen.published import published

    rows: list[dict[str, object]] = []
    for each in _store(context).all_unfinished():
        begun, known = read(each.folder), published(each.name)
        does = _does(begun) if begun and begun.told else _does(known) if known else "unknown"
        total = each.total or (known.bytes if known else None)
        of = f" of {_gigabytes(total)}" if total else ""
        remedy = f"{command(f'models download {each.repo or each.name}')} goes on"
        rows.append(
            {
                "name": each.name,
                "does": does,
                "size": known.size if known else begun.size if begun else None,
                "gigabytes": _gigabytes(each.bytes),
                "state": f"incomplete, {_gigabytes(each.bytes)}{of} GB; {remedy}",
                "folder": str(each.folder),
                "revision": None,
                "pinned": _store(context).pin(each.name),
                "problem": "the download isn't complete",
            }
        )
    return rows


def _only_half(context: typer.Context, name: str) -> Unfinished | None:
    """What of it is here, where no whole one is."""
    wanted = _folder_name(name).lower()
    if any(each.name.lower() == wanted and each.origin == "models" for each in _found(context)):
        return None
    return next((each for each in _store(context).all_unfinished() if each.name.lower() == wanted), None)


def _remove_half(context: typer.Context, half: Unfinished, *, yes: bool) -> None:
    if yes or typer.confirm(f"Delete the begun download {half.folder} ({_gigabytes(half.bytes)} GB)?"):
        # Somebody may be at it.
        with _store(context).locked(half.name):
            _store(context).remove(half.name)
        typer.echo(f"What was here of {half.name} is removed.")


def _elsewhere(context: typer.Context) -> list[dict[str, object]]:
    from koe.engine.qwen.published import PUBLISHED

    here = {each.name for each in _found(context)} | {each.name for each in _store(context).all_unfinished()}
    nothing = {"folder": None, "revision": None, "pinned": None, "problem": None}
    return [_row(each, "can be downloaded") | nothing for each in PUBLISHED if each.name not in here]


def _row(each: Checkpoint | Published, state: str) -> dict[str, object]:
    return {
        "name": each.name,
        "does": _does(each),
        "size": each.size,
        "gigabytes": _gigabytes(each.bytes),
        "state": state,
    }


def _does(each: Checkpoint | Published) -> str:
    if not (getattr(each, "told", True) or each.size):
        return "unknown"
    return _DOES[each.ability] + (", styles" if each.instruct else "")


def _state(checkpoint: Checkpoint, pinned: str | None) -> str:
    if checkpoint.problem:
        cached = ", in the Hugging Face cache" if checkpoint.origin == "cache" else ""
        return f"can't be used{cached}: {checkpoint.problem}"
    place = "ready" if checkpoint.origin == "models" else "ready, in the Hugging Face cache"
    revision = f", revision {checkpoint.manifest.revision[:12]}" if checkpoint.manifest else ""
    return f"{place}{revision}{f', pinned to {pinned[:12]}' if pinned else ''}"


def _is_whole(checkpoint: Checkpoint) -> bool:
    """Says what was found."""
    from koe.engine.qwen.manifest import unrecorded_files, wrong_files

    wrong = [checkpoint.problem] if checkpoint.problem else list(wrong_files(checkpoint.folder))
    for problem in wrong:
        typer.secho(f"{checkpoint.name}: {problem}", fg=typer.colors.RED)
    if wrong:
        remedy = checkpoint.remedy.partition(", or ")[2]
        typer.echo(f"{remedy[:1].upper()}{remedy[1:]}.")
        return False
    unrecorded = unrecorded_files(checkpoint.folder)
    if not unrecorded:
        typer.echo(f"{checkpoint.name}: every file is as it was published.")
    elif checkpoint.manifest or checkpoint.origin == "cache":
        names = ", ".join(unrecorded)
        typer.echo(
            f"{checkpoint.name}: looks whole, but no checksum is on record for {names}; others are as published."
        )
    else:
        typer.echo(f"{checkpoint.name}: looks whole; Koe didn't download it, so there is nothing to compare it with.")
    return True


def _found(context: typer.Context) -> list[Checkpoint]:
    from koe.engine.qwen.checkpoints import find

    return find(load_settings(context).data_dir)


def _named(context: typer.Context, name: str) -> Checkpoint:
    from koe.core.errors import RequestError

    found = _found(context)
    wanted = _folder_name(name).lower()
    if checkpoint := next((each for each in found if each.name.lower() == wanted), None):
        return checkpoint
    if any(each.name.lower() == wanted for each in _store(context).all_unfinished()):
        remedy = f"{command(f'models download {name}')} goes on"
        raise RequestError(f"the download of {name} isn't complete; {remedy}")
    here = ", ".join(each.name for each in found) or "none"
    raise RequestError(f"the checkpoint {name!r} isn't here; here are: {here}")


def _folder_name(name: str) -> str:
    from koe.engine.qwen.published import published

    known = published(name)
    return known.name if known else name


def _downloadable(context: typer.Context, name: str) -> str:
    """The folder's name of what is here, published, or a repository."""
    from koe.engine.qwen.download import source

    wanted = _folder_name(name).lower()
    here = next((each.name for each in _found(context) if each.name.lower() == wanted), None)
    return here or source(name)[1]


def _revision_here(context: typer.Context, name: str) -> str:
    from koe.core.errors import RequestError

    checkpoint = _named(context, name)
    if checkpoint.manifest is None:
        raise RequestError(f"{name} wasn't downloaded by Koe; say which revision to pin it to")
    return checkpoint.manifest.revision


def _store(context: typer.Context) -> Store:
    from koe.engine.qwen.store import Store

    return Store(load_settings(context).data_dir)


def _need_hub() -> None:
    from importlib.util import find_spec

    from koe.core.errors import EngineUnavailable

    if find_spec("huggingface_hub") is None:
        raise EngineUnavailable(f"downloading needs the extra qwen; install it with: {install('qwen')}")


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f}"


def _tell(line: str) -> None:
    typer.echo(line, err=True)
