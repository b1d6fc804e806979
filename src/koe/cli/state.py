"""What the options before the command said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from koe.settings import Loaded


@dataclass(frozen=True, slots=True)
class State:
    data_dir: Path | None = None
    config: Path | None = None
    debug: bool = False


def load_settings(context: typer.Context, overrides: Mapping[str, str] | None = None) -> Loaded:
    """The settings in force; what the user should know of them goes to stderr. Raises SettingsError."""
    from koe.settings import load

    state: State = context.obj
    loaded = load(state.data_dir, overrides or {}, config_file=state.config)
    for notice in loaded.notices:
        typer.echo(notice, err=True)
    return loaded
