"""`koe say`: hear a text, or keep it as a file."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli.effects import Effects, chain

if TYPE_CHECKING:
    from koe.cli.progress import Progress
    from koe.cli.speaking import Output
    from koe.speech import SpeechRequest, SpeechStats

_STREAM = "-"


def _known_format(out: str | None) -> str | None:
    """Wrong names are refused before anything is spoken."""
    if out is None or out == _STREAM:
        return out
    from koe.audio.files import AudioFormat
    from koe.core.errors import UnsupportedAbility

    try:
        AudioFormat.of(Path(out))
    except UnsupportedAbility as error:
        raise typer.BadParameter(error.message) from None
    if not Path(out).absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {Path(out).parent}")
    return out


def say(
    context: typer.Context,
    text: Annotated[
        str | None, typer.Argument(help="What to say; - speaks what comes on stdin while it comes.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Say what is in this file (UTF-8 text).")
    ] = None,
    voice: Annotated[
        str | None, typer.Option("--voice", "-v", metavar="ID", help="See [bold]koe voices[/bold].")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", metavar="TAG", help="Of the text, such as de or en-GB.")
    ] = None,
    style: Annotated[str | None, typer.Option(metavar="STYLE", help="One of the voice's styles.")] = None,
    instruct: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How to speak, in words, where the voice's engine can.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The same seed gives the same speech.")] = None,
    effect: Effects = None,
    ssml: Annotated[bool, typer.Option("--ssml", help="The text is SSML.")] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            callback=_known_format,
            help="Write .wav, .flac, .ogg, .mp3 or .raw (by the name's end); - writes WAV to stdout as it is spoken.",
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep it as a run, too: see koe history.")] = False,
    play: Annotated[bool, typer.Option("--play", help="Play it (the default without --out).")] = False,
    server: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Let a running server speak, such as tcp://192.168.1.5:10210."),
    ] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Show how quick it was.")] = False,
) -> None:
    """Say a text: aloud, or into a file. Needs no server."""
    from koe.cli.progress import Progress
    from koe.speech import SpeechRequest

    if effect and server is not None:
        raise typer.BadParameter("--effect and --server: a server speaks with the effects of its voices only")
    if keep and server is not None:
        raise typer.BadParameter("--keep and --server: a server keeps what its setting outputs.keep_rooms says")
    typed = _STREAM in (text, str(file)) and sys.stdin.isatty()
    texts = _each_line(_source(text, file)) if typed else _one(_source(text, file))
    request = SpeechRequest(
        voice=voice,
        language=language,
        style=style,
        text_format="ssml" if ssml else "text",
        instruct=instruct,
        seed=seed,
        effects=chain(effect),
        wait=True,
        keep=keep,
    )
    outputs = list(_outputs(out, play))
    if typed:
        typer.echo("Type; each line is spoken after Enter. Ctrl+D ends.", err=True)
    with Progress(quiet=typed or out == _STREAM) as progress:
        told = asyncio.run(_say(context, server, request, texts, outputs, progress))
    for figures in told if stats else ():
        typer.echo(_figures(figures, played=play or out is None), err=True)


async def _say(
    context: typer.Context,
    server: str | None,
    request: SpeechRequest,
    texts: AsyncIterator[AsyncIterator[str]],
    outputs: list[Output],
    progress: Progress,
) -> list[SpeechStats]:
    from koe.cli.speaking import AnySpeaker, open_any, open_keeping, speak

    speaker: AnySpeaker

    async with contextlib.AsyncExitStack() as stack:
        if request.keep:
            speaker = await stack.enter_async_context(open_keeping(context))
        else:
            speaker = await stack.enter_async_context(open_any(context, server))
        for output in outputs:
            await stack.enter_async_context(output)
        return [await speak(speaker, request, text, outputs, progress.update) async for text in texts]


def _source(text: str | None, file: Path | None) -> AsyncIterator[str]:
    from koe.cli import text_input

    if (text is None) == (file is None):
        raise typer.BadParameter("give either a TEXT, or -f FILE, or - to read stdin")
    if _STREAM in (text, str(file)):
        return text_input.from_stdin()
    return text_input.from_file(file) if file is not None else text_input.given(text or "")


async def _one(text: AsyncIterator[str]) -> AsyncIterator[AsyncIterator[str]]:
    yield text


async def _each_line(text: AsyncIterator[str]) -> AsyncIterator[AsyncIterator[str]]:
    """A line that somebody types is a text of its own: nobody waits for the next one to hear it."""
    from koe.cli import text_input

    async for line in text_input.lines(text):
        yield text_input.given(line)


def _outputs(out: str | None, play: bool) -> Iterator[Output]:
    from koe.cli import outputs

    if out == _STREAM:
        if sys.stdout.isatty():
            raise typer.BadParameter("--out - writes audio, which a terminal can't show: pipe it into a program")
        yield outputs.FileOutput(sys.stdout.buffer)
    elif out is not None:
        yield outputs.FileOutput(Path(out))
    if play or out is None:
        yield outputs.player()


def _figures(stats: SpeechStats, *, played: bool) -> str:
    factor = stats.real_time_factor
    # A player takes audio at the pace of listening, so that the time it took says nothing about the engine.
    pace = "" if played or factor is None else f", real-time factor {factor:.3f}"
    fallback = f"; instead of the voice chosen, because {stats.fallback}" if stats.fallback else ""
    seed = "" if stats.seed is None else f", seed {stats.seed}"
    return (
        f"first audio after {stats.first_audio or 0:.3f} s, {stats.audio_seconds:.2f} s of audio "
        f"in {stats.elapsed:.2f} s{pace} ({stats.voice}, {stats.engine}{seed}{fallback})"
    )
