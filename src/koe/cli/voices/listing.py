"""`koe voices list` and `show`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koe.cli import show as shown
from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.core.profile import Profile
    from koe.core.voice import Voice
    from koe.settings import Loaded

Language = Annotated[
    str | None, typer.Option("--language", "-l", metavar="TAG", help="Only voices of it, such as de or en-GB.")
]
Server = Annotated[
    str | None, typer.Option(metavar="URI", help="Ask a running server, such as tcp://192.168.1.5:10210.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
VoiceId = Annotated[str, typer.Argument(metavar="ID", help="From koe voices.")]


def without_command(
    context: typer.Context, language: Language = None, server: Server = None, as_json: AsJson = False
) -> None:
    """List the voices and make new ones: from a clip, from a description, out of a built-in one."""
    if context.invoked_subcommand is None:
        list_(context, language, server, as_json)


def list_(context: typer.Context, language: Language = None, server: Server = None, as_json: AsJson = False) -> None:
    """List the voices; their ids are what Home Assistant, settings and --voice take."""
    voices = asyncio.run(_voices(context, server))
    rows = [_entry(voice) for voice in voices]
    if server is None:
        rows = list(_with_own(load_settings(context), rows))
    rows = [row for row in rows if _speaks(row["languages"], language)]
    if as_json:
        shown.as_json(rows)
    elif rows:
        shown.table(("id", "name", "languages", "kind", "engine", "styles", "state"), [_cells(row) for row in rows])
    else:
        typer.echo(f"No voice speaks {language}." if language else "There are no voices.", err=True)


def show(context: typer.Context, voice_id: VoiceId, as_json: AsJson = False) -> None:
    """Show all that is known of a voice."""
    from koe.app import voice_store
    from koe.core.errors import UnknownVoice

    loaded = load_settings(context)
    try:
        profile = voice_store(loaded).get(voice_id)
        told = as_plain(profile) if as_json else for_people(profile)
    except UnknownVoice:
        built_in = {voice.id: voice for voice in asyncio.run(_voices(context, None))}
        if voice_id not in built_in:
            raise
        told = _entry(built_in[voice_id])
    if as_json:
        shown.as_json(told)
    else:
        shown.table(
            ("", ""), [(key, text) for key, value in told.items() if value is not None and (text := _text(value))]
        )


def as_plain(profile: Profile) -> dict[str, Any]:
    """For JSON."""
    from koe.voices.files import to_plain

    return to_plain(profile)


def for_people(profile: Profile) -> dict[str, Any]:
    """Effects as they are written for `--effect`."""
    from koe.core.effects import as_text

    return as_plain(profile) | {"effects": " ".join(map(as_text, profile.effects))}


async def _voices(context: typer.Context, server: str | None) -> list[Voice]:
    from koe.cli.speaking import open_any

    async with open_any(context, server) as speaker:
        return list(speaker.voices())


def _with_own(loaded: Loaded, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """How the voices that users made are; also those that can't speak now."""
    from koe.app import cached_voices, voice_store

    store = voice_store(loaded)
    own, cached = {profile.id: profile for profile in store.profiles()}, cached_voices(loaded)
    for row in rows:
        yield row | {"state": "cached"} if row["id"] in cached else row
    listed = {row["id"] for row in rows}
    for profile in own.values():
        if profile.id not in listed:
            yield _entry(profile.voice) | {"state": f"missing: {_absence(profile, loaded)}"}
    for broken in store.broken():
        yield {
            **{"id": broken.id, "name": "", "languages": [], "engine": "", "kind": "", "styles": []},
            "state": f"broken: {broken.reason} ({broken.path})",
        }


def _absence(profile: Profile, loaded: Loaded) -> str:
    from koe.app import clone_obstacle

    if profile.base:
        return f"its base voice {profile.base} isn't there"
    obstacle = clone_obstacle(loaded)
    return obstacle.message if obstacle is not None else "its engine has not started"


def _entry(voice: Voice) -> dict[str, Any]:
    return {**dataclasses.asdict(voice), "languages": list(voice.languages), "state": "ready"}


def _speaks(languages: list[str], wanted: str | None) -> bool:
    """`en` finds en-GB, `en-GB` only itself."""
    if wanted is None:
        return True
    tags = [tag.lower() for tag in languages]
    return any(tag == wanted.lower() or tag.startswith(f"{wanted.lower()}-") for tag in tags)


def _cells(row: dict[str, Any]) -> list[str]:
    return [_text(row[key]) for key in ("id", "name", "languages", "kind", "engine", "styles", "state")]


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items() if each is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
