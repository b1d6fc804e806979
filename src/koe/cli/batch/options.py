"""What `koe batch` can be told, whatever it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from koe.cli.effects import chain
from koe.cli.jobs import Out as Out
from koe.cli.jobs import Server as Server

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)]
Voice = Annotated[str | None, typer.Option("--voice", "-v", metavar="ID", help="See [bold]koe voices[/bold].")]
Language = Annotated[
    str | None, typer.Option("--language", "-l", metavar="TAG", help="Of the text, such as de or en-GB.")
]
Style = Annotated[str | None, typer.Option(metavar="STYLE", help="One of the voice's styles.")]
Instruct = Annotated[
    str | None, typer.Option(metavar="TEXT", help="How to speak, in words, where the voice's engine can.")
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="The same seed gives the same speech.")]
Speed = Annotated[float | None, typer.Option(metavar="X", help="1.2 is faster by a fifth.")]
Speakers = Annotated[
    list[str] | None, typer.Option("--speaker", metavar="NAME=ID", help="Whose voice that is; once for each.")
]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="Else the file's name.")]
Format = Annotated[Literal["wav", "flac", "mp3", "opus"], typer.Option("--format", help="Of the files.")]
Loudness = Annotated[
    float | None, typer.Option(metavar="LUFS", help="Bring every file to it: -19 for spoken books, -16 for podcasts.")
]
Whole = Annotated[bool, typer.Option("--whole", help="One more file with all the others in it.")]
Book = Annotated[
    Literal["m4b", "mp3"] | None, typer.Option("--book", help="One more file, with chapters; needs ffmpeg.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be spoken, and what is wrong.")]


@dataclass(frozen=True, slots=True)
class Wish:
    """A production to make."""

    kind: str
    file: Path
    options: dict[str, Any]
    """As JSON has them, and only those that were given."""

    output: dict[str, Any]
    title: str | None
    out: Path | None
    server: str | None
    dry_run: bool

    @property
    def request(self) -> dict[str, Any]:
        return {"options": self.options, "output": self.output}


def told(**options: Any) -> dict[str, Any]:
    """Those that were given; a nought is, and so is an empty chain of effects."""
    return {
        name: value
        for name, value in options.items()
        if value is not None and value is not False and value not in ([], {})
    }


def effects_of(effects: Sequence[str] | None) -> tuple[dict[str, Any], ...] | None:
    """As JSON has them: an empty one is told as well. Raises BadParameter."""
    wanted = chain(effects)
    return None if wanted is None else tuple(effect.model_dump(mode="json") for effect in wanted)


def table(speakers: Sequence[str] | None, how: dict[str, Any]) -> dict[str, Any]:
    """How each of them speaks: with a voice of its own, and otherwise as all do."""
    rows: dict[str, Any] = {}
    for text in speakers or ():
        name, equals, voice = text.rpartition("=")
        if not equals or not voice.strip():
            raise typer.BadParameter(f"{text!r}: write it as NAME=VOICE", param_hint="--speaker")
        rows[name.strip()] = how | {"voice": voice.strip()}
    return rows


def carry_out(context: typer.Context, wish: Wish) -> None:
    """Raises BadParameter, KoeError, and typer.Exit where something failed."""
    import asyncio

    from koe.cli.batch import work

    asyncio.run(work.carry_out(context, wish))
