"""`koe announce` and `koe rooms`: saying something in rooms, and where that can be done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from koe.cli import show
from koe.cli.failures import FAILED
from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.adapters.http.announce import AnnounceAnswer, AnnounceBody, RoomList
    from koe.pipelines.announce import Announcements

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Server = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Let a running server do it, such as http://127.0.0.1:10211."),
]


class _Announcer(Protocol):
    async def rooms(self) -> RoomList: ...
    async def announce(self, wanted: AnnounceBody, /) -> AnnounceAnswer: ...


def announce(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to say.", show_default=False)],
    room: Annotated[
        list[str] | None,
        typer.Option("--room", "-r", metavar="NAME", help="As [bold]koe rooms[/bold] calls it. Several times, too."),
    ] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="In every room that can be reached.")] = False,
    voice: Annotated[
        str | None, typer.Option("--voice", "-v", metavar="ID", help="See [bold]koe voices[/bold].")
    ] = None,
    style: Annotated[str | None, typer.Option(metavar="STYLE", help="One of the voice's styles.")] = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Say something in rooms, through Home Assistant or on satellites that nobody else has connected to."""
    if bool(room) is everywhere:
        raise typer.BadParameter("say where: either --room (koe rooms lists them) or --everywhere")
    if style is not None and voice is None:
        raise typer.BadParameter("a style is one of a voice: name it with --voice")
    from koe.adapters.http.announce import AnnounceBody

    # Checked by whoever carries it out.
    wanted = AnnounceBody.model_construct(text=text, rooms=room or [], everywhere=everywhere, voice=voice, style=style)
    answer = asyncio.run(_announce(context, server, wanted))
    if as_json:
        show.as_json(answer.model_dump(mode="json"))
    for each in answer.rooms:
        if each.error is not None:
            typer.secho(f"{each.name}: {each.error.message}", err=True, fg=typer.colors.RED)
        elif not as_json:
            typer.echo(f"Announced: {each.name}")
    if any(each.error is not None for each in answer.rooms):
        raise typer.Exit(FAILED)


def rooms(context: typer.Context, server: Server = None, as_json: AsJson = False) -> None:
    """List the rooms in which something can be announced."""
    found = asyncio.run(_rooms(context, server))
    if as_json:
        show.as_json(found.model_dump(mode="json"))
        return
    for words in (*(each.reason for each in found.problems), *([found.remedy] if found.remedy else ())):
        typer.secho(words, err=True, fg=typer.colors.YELLOW)
    if found.rooms:
        show.table(
            ("room", "area", "through", "id"),
            [(each.name, each.area or "", each.way.replace("-", " "), each.id) for each in found.rooms],
        )
    else:
        typer.echo("No room was found.", err=True)


async def _announce(context: typer.Context, server: str | None, wanted: AnnounceBody) -> AnnounceAnswer:
    async with _announcer(context, server) as announcer:
        return await announcer.announce(wanted)


async def _rooms(context: typer.Context, server: str | None) -> RoomList:
    async with _announcer(context, server) as announcer:
        return await announcer.rooms()


@asynccontextmanager
async def _announcer(context: typer.Context, server: str | None) -> AsyncIterator[_Announcer]:
    if server is not None:
        from koe.cli.jobs.place import there

        async with there(context, server) as client:
            yield client
        return
    from koe.app import open_speaker
    from koe.app.announce import announcements

    loaded = load_settings(context)
    async with open_speaker(loaded) as speaker:
        yield _Here(announcements(loaded.settings, speaker))


class _Here:
    """In this process."""

    def __init__(self, announcements: Announcements) -> None:
        self._announcements = announcements

    async def rooms(self) -> RoomList:
        from koe.adapters.http.announce import RoomList

        return RoomList.of(await self._announcements.reach())

    async def announce(self, wanted: AnnounceBody) -> AnnounceAnswer:
        from koe.adapters.http.announce import AnnounceAnswer

        return AnnounceAnswer.of(await self._announcements.announce(wanted.announcement(), wanted.where()))
