"""`koe voices`: who can speak."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli import show

if TYPE_CHECKING:
    from koe.core.voice import Voice


def voices(
    context: typer.Context,
    language: Annotated[
        str | None, typer.Option("--language", "-l", metavar="TAG", help="Only voices of it, such as de or en-GB.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="URI", help="Ask a running server, such as tcp://192.168.1.5:10210.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the voices; their ids are what Home Assistant, settings and --voice take."""
    found = [voice for voice in asyncio.run(_voices(context, server)) if _speaks(voice, language)]
    if as_json:
        show.as_json([dataclasses.asdict(voice) for voice in found])
    elif found:
        show.table(("id", "name", "languages", "engine", "styles"), [_row(voice) for voice in found])
    else:
        typer.echo(f"No voice speaks {language}." if language else "There are no voices.", err=True)


async def _voices(context: typer.Context, server: str | None) -> list[Voice]:
    from koe.cli.speaking import open_any

    async with open_any(context, server) as speaker:
        return list(speaker.voices())


def _speaks(voice: Voice, language: str | None) -> bool:
    """`en` finds en-GB, `en-GB` only itself."""
    if language is None:
        return True
    wanted = language.lower()
    tags = [tag.lower() for tag in voice.languages]
    return any(tag == wanted or tag.startswith(f"{wanted}-") for tag in tags)


def _row(voice: Voice) -> tuple[str, str, str, str, str]:
    return voice.id, voice.name, ", ".join(voice.languages), voice.engine, ", ".join(voice.styles)
