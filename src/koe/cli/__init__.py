"""The `koe` command. Nothing heavy is imported before a command needs it, so that `koe --help` is quick."""

import contextlib
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Annotated

import typer

from koe.cli.announce import announce, rooms
from koe.cli.batch import app as batch
from koe.cli.bench import bench
from koe.cli.config import config
from koe.cli.doctor import doctor
from koe.cli.failures import FailureGroup
from koe.cli.history import app as history
from koe.cli.jobs import app as jobs
from koe.cli.models import app as models
from koe.cli.say import say
from koe.cli.serve import serve
from koe.cli.state import State
from koe.cli.voices import app as voices

_EPILOG = "Ends with 0: all went well; 1: it failed; 2: wrong usage or settings; 130: interrupted with Ctrl+C."

app = typer.Typer(
    cls=FailureGroup,
    help="Koe gives a house its voices: a text-to-speech server for Home Assistant.\n\n"
    "Start it with [bold]koe serve[/bold], then add it in Home Assistant under "
    "Settings > Devices & services. Try it without a server with [bold]koe say 'Hello'[/bold].",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (serve, say, announce, rooms, config, doctor, bench):
    app.command(epilog=_EPILOG)(command)
app.add_typer(voices, name="voices", epilog=_EPILOG)
app.add_typer(models, name="models", epilog=_EPILOG)
app.add_typer(history, name="history", epilog=_EPILOG)
app.add_typer(batch, name="batch", epilog=_EPILOG)
app.add_typer(jobs, name="jobs", epilog=_EPILOG)


def _print_version(wanted: bool) -> None:
    if wanted:
        from koe import __version__

        typer.echo(f"koe {__version__}")
        raise typer.Exit


@app.callback()
def _koe(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where settings and voices are kept (also KOE_DATA_DIR)."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Another settings file than config/koe.yaml (also KOE_CONFIG)."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the code an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    context.obj = State(data_dir, config, debug)


def main() -> None:
    """The entry point of the console script."""
    try:
        app(prog_name="koe")
    except SystemExit as ending:
        _leave_if_a_model_computes(ending.code)
        raise
    except BaseException:
        if _model_computes():
            traceback.print_exc()
            _leave_if_a_model_computes(1)
        raise


def _leave_if_a_model_computes(code: str | int | None) -> None:
    """End at once where a model is still being loaded: torch aborts the process when Python tidies up under it."""
    if not _model_computes():
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _model_computes() -> bool:
    if threading.active_count() == 1:
        return False
    from koe.engine import MODEL_THREAD

    return any(thread.name == MODEL_THREAD for thread in threading.enumerate())
