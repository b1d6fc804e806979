"""How a command fails: one readable message and an exit code."""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from koe.core.errors import KoeError, SettingsError

FAILED = 1
WRONG_USAGE = 2


class FailureGroup(TyperGroup):
    """Tells of failures in words; with --debug the traceback comes instead."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _hush_stdout()
            raise typer.Exit(FAILED) from None
        except (KoeError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            typer.secho(f"koe: {_words(error)}", err=True, fg=typer.colors.RED)
            raise typer.Exit(WRONG_USAGE if isinstance(error, SettingsError) else FAILED) from None


def _words(error: KoeError | OSError) -> str:
    if isinstance(error, KoeError):
        return error.message
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _hush_stdout() -> None:
    """Whoever read the output has left (`koe voices | head`); Python would complain again when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
