"""`koe config`: what is in force and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show
from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.settings import Loaded


def config(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the settings are right.")] = False,
) -> None:
    """Show every setting, its value, and where it was set."""
    loaded = load_settings(context)
    if check:
        typer.echo(f"The settings are right ({_file(loaded)}).")
    elif as_json:
        show.as_json(_for_programs(loaded))
    else:
        _print(loaded)


def _print(loaded: Loaded) -> None:
    from koe.settings import names

    typer.echo(f"Data folder:   {loaded.data_dir}")
    typer.echo(f"Settings file: {_file(loaded)}")
    if loaded.changes_file.exists():
        typer.echo(f"Changes file:  {loaded.changes_file} (made over HTTP)")
    typer.echo()
    rows = [
        (name, _shown(names.value_of(loaded.settings, name)), str(source)) for name, source in loaded.sources.items()
    ]
    show.table(("setting", "value", "set by"), rows)


def _file(loaded: Loaded) -> str:
    return str(loaded.config_file) + ("" if loaded.config_file.exists() else ", which isn't there and needn't be")


def _for_programs(loaded: Loaded) -> dict[str, object]:
    return {
        "data_dir": str(loaded.data_dir),
        "config_file": str(loaded.config_file),
        "changes_file": str(loaded.changes_file),
        "settings": loaded.settings.model_dump(mode="json"),
        "sources": {name: str(source) for name, source in loaded.sources.items()},
    }


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
