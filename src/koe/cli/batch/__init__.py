"""`koe batch`: whole files spoken to whole files."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from koe.cli.batch.design import design
from koe.cli.batch.options import (
    Book,
    DryRun,
    File,
    Format,
    Instruct,
    Language,
    Loudness,
    Out,
    Seed,
    Server,
    Speakers,
    Speed,
    Style,
    Title,
    Voice,
    Whole,
    Wish,
    carry_out,
    effects_of,
    table,
    told,
)
from koe.cli.effects import Effects

_ENDINGS = {".md": "md", ".markdown": "md", ".epub": "epub"}

app = typer.Typer(
    no_args_is_help=True,
    help="Speak whole files: books, scripts, the lines of a game, subtitles. Needs no server; Ctrl+C loses nothing.",
)


@app.command("long")
def long_(
    context: typer.Context,
    file: File,
    voice: Voice = None,
    language: Language = None,
    style: Style = None,
    instruct: Instruct = None,
    seed: Seed = None,
    speed: Speed = None,
    effect: Effects = None,
    kind: Annotated[
        Literal["txt", "md", "epub"] | None, typer.Option("--kind", help="What the file is; else by its ending.")
    ] = None,
    chapters: Annotated[
        list[int] | None, typer.Option("--chapter", metavar="N", help="Only this one; once for each. See --dry-run.")
    ] = None,
    chapter_level: Annotated[
        int | None, typer.Option(metavar="N", help="Markdown: headings down to this level begin a chapter.")
    ] = None,
    title: Title = None,
    format: Format = "wav",
    loudness: Loudness = None,
    whole: Whole = False,
    book: Book = None,
    out: Out = None,
    dry_run: DryRun = False,
    server: Server = None,
) -> None:
    """Speak a book or an article: TXT, Markdown or EPUB, a file for each chapter."""
    how = told(
        voice=voice,
        language=language,
        style=style,
        instruct=instruct,
        seed=seed,
        speed=speed,
        effects=effects_of(effect),
    )
    options = told(kind=kind or _ENDINGS.get(file.suffix.lower()), how=how, only=chapters, chapter_level=chapter_level)
    output = told(format=format, loudness=loudness, whole=whole, book=book)
    carry_out(context, Wish("long", file, options, output, title, out, server, dry_run))


@app.command()
def script(
    context: typer.Context,
    file: File,
    speakers: Speakers = None,
    voice: Annotated[
        str | None, typer.Option("--voice", "-v", metavar="ID", help="Of all speakers without one of their own.")
    ] = None,
    language: Language = None,
    seed: Seed = None,
    speed: Speed = None,
    effect: Effects = None,
    gap: Annotated[float | None, typer.Option(metavar="SECONDS", help="Between two utterances.")] = None,
    follow_directions: Annotated[
        bool, typer.Option("--follow-directions", help="Tell the voices what stands in brackets, if they can.")
    ] = False,
    separate: Annotated[bool, typer.Option("--separate", help="A file for each utterance.")] = False,
    title: Title = None,
    format: Format = "wav",
    loudness: Loudness = None,
    whole: Whole = False,
    book: Book = None,
    out: Out = None,
    dry_run: DryRun = False,
    server: Server = None,
) -> None:
    """Read a script (Anna: Is the kettle on?) with a voice for each speaker."""
    how = told(language=language, seed=seed, speed=speed)
    how |= told(effects=effects_of(effect))
    options = told(
        speakers=table(speakers, how),
        default=how | {"voice": voice} if voice else None,
        gap=gap,
        follow_directions=follow_directions,
        separate=separate,
    )
    output = told(format=format, loudness=loudness, whole=whole, book=book)
    carry_out(context, Wish("script", file, options, output, title, out, server, dry_run))


@app.command()
def npc(
    context: typer.Context,
    file: File,
    characters: Speakers = None,
    voice: Annotated[
        str | None, typer.Option("--voice", "-v", metavar="ID", help="Of all characters without one of their own.")
    ] = None,
    language: Language = None,
    style: Style = None,
    instruct: Instruct = None,
    seed: Seed = None,
    speed: Speed = None,
    effect: Effects = None,
    title: Title = None,
    format: Format = "wav",
    loudness: Loudness = None,
    whole: Whole = False,
    out: Out = None,
    dry_run: DryRun = False,
    server: Server = None,
) -> None:
    """Speak a table of lines (CSV or JSON lines: character, text, voice, file): a file for each row."""
    how = told(
        voice=voice,
        language=language,
        style=style,
        instruct=instruct,
        seed=seed,
        speed=speed,
        effects=effects_of(effect),
    )
    options = told(characters=table(characters, how), default=how)
    output = told(format=format, loudness=loudness, whole=whole)
    carry_out(context, Wish("npc", file, options, output, title, out, server, dry_run))


@app.command()
def subtitles(
    context: typer.Context,
    file: File,
    voice: Voice = None,
    speakers: Speakers = None,
    language: Language = None,
    style: Style = None,
    instruct: Instruct = None,
    seed: Seed = None,
    speed: Speed = None,
    effect: Effects = None,
    hurry: Annotated[
        float | None, typer.Option(metavar="X", help="Speech may be faster by so much to end with its cue: 1.25.")
    ] = None,
    title: Title = None,
    format: Format = "wav",
    loudness: Loudness = None,
    out: Out = None,
    dry_run: DryRun = False,
    server: Server = None,
) -> None:
    """Speak subtitles (SRT or WebVTT) at their times, to one file."""
    how = told(
        voice=voice,
        language=language,
        style=style,
        instruct=instruct,
        seed=seed,
        speed=speed,
        effects=effects_of(effect),
    )
    options = told(how=how, voices=table(speakers, how), hurry=hurry)
    output = told(format=format, loudness=loudness, hurry=hurry)
    carry_out(context, Wish("subtitles", file, options, output, title, out, server, dry_run))


@app.command()
def variations(
    context: typer.Context,
    file: File,
    voice: Voice = None,
    language: Language = None,
    style: Style = None,
    instruct: Instruct = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", metavar="N", help="The first one; several: exactly these.")
    ] = None,
    speed: Speed = None,
    effect: Effects = None,
    count: Annotated[int | None, typer.Option("--count", "-n", metavar="N", help="So many of them.")] = None,
    title: Title = None,
    format: Format = "wav",
    loudness: Loudness = None,
    whole: Whole = False,
    out: Out = None,
    dry_run: DryRun = False,
    server: Server = None,
) -> None:
    """Speak one text with several seeds, to choose from."""
    if count is not None and len(seeds or ()) > 1:
        raise typer.BadParameter("several seeds are as many variations as there are: leave out --count")
    how = told(voice=voice, language=language, style=style, instruct=instruct, speed=speed)
    how |= told(effects=effects_of(effect))
    first, exactly = (seeds[0], None) if seeds and len(seeds) == 1 else (None, seeds)
    if first is not None:
        how["seed"] = first
    options = told(how=how, count=count, seeds=exactly)
    output = told(format=format, loudness=loudness, whole=whole)
    carry_out(context, Wish("variations", file, options, output, title, out, server, dry_run))


app.command()(design)
