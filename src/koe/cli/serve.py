"""`koe serve`: the server."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.app.server import ServerInfo

_LISTEN_HELP = "Where to listen, such as tcp://*:10210 or unix:///run/koe.sock. May be given several times."
_SET_HELP = "Any setting, such as engine.espeak.rate=150 ([bold]koe config[/bold] lists them). Several times, too."


def serve(
    context: typer.Context,
    listen: Annotated[list[str] | None, typer.Option(metavar="URI", help=_LISTEN_HELP)] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What Home Assistant shows.")] = None,
    voice: Annotated[str | None, typer.Option(metavar="ID", help="The voice used when none is asked for.")] = None,
    log_level: Annotated[str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")] = None,
    log_format: Annotated[str | None, typer.Option(metavar="FORMAT", help="human or json.")] = None,
    no_discovery: Annotated[bool, typer.Option("--no-discovery", help="Don't tell Home Assistant of it.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=_SET_HELP)] = None,
) -> None:
    """Run the server until Ctrl+C or the system stops it."""
    given = {
        "wyoming.listen": json.dumps(listen) if listen else None,
        "name": name,
        "voice.default": voice,
        "log.level": log_level,
        "log.format": log_format,
        "discovery.enabled": "false" if no_discovery else None,
    }
    overrides = {key: value for key, value in given.items() if value is not None}
    loaded = load_settings(context, overrides | _assignments(set_ or ()))

    from koe.app import server

    quiet = loaded.settings.log.format == "json"
    raise typer.Exit(server.serve(loaded, announce=_ignore if quiet else _welcome))


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    assignments = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r}: write it as name=value", param_hint="--set")
        assignments[name.strip()] = value
    return assignments


def _welcome(info: ServerInfo) -> None:
    languages = {tag for voice in info.voices for tag in voice.languages}
    typer.secho(f"{info.name} is ready to speak.", bold=True)
    for uri in info.uris:
        typer.echo(f"  Address  {uri}")
    for uri in info.http:
        typer.echo(f"  HTTP     {uri} (open it in a browser; for programs: {uri}/docs)")
    if info.token:
        typer.echo(f"  Token    {info.token} (for other machines; shown this once)")
    typer.echo(f"  Voices   {len(info.voices)} in {len(languages)} languages ({_koe_command()} voices lists them)")
    usual = info.default_voice.name if info.default_voice is not None else "none, the log says why"
    typer.echo(f"           where none is asked for: {usual}")
    typer.echo(f"  Data     {info.data_dir}")
    for line in _next_steps(info):
        typer.echo(line)
    typer.echo("Ctrl+C stops it.")


def _next_steps(info: ServerInfo) -> list[str]:
    by_hand = "Add integration > Wyoming Protocol, then the host and port of the address above"
    if not info.discoverable:
        return [f"In Home Assistant: Settings > Devices & services > {by_hand}."]
    return [
        f"In Home Assistant: Settings > Devices & services shows {info.name} as discovered; press Add.",
        f"If it doesn't: {by_hand}.",
    ]


def _koe_command() -> str:
    """How to call the command from here: in a clone it is not on the path."""
    return "koe" if shutil.which("koe") else os.path.relpath(sys.argv[0])


def _ignore(_info: ServerInfo) -> None:
    """Programs that read the log don't need a welcome."""
