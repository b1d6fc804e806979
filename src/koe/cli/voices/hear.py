"""`koe voices test` and `transcribe`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koe.cli.state import load_settings

if TYPE_CHECKING:
    from koe.settings import Loaded

VoiceId = Annotated[str, typer.Argument(metavar="ID", help="From koe voices.")]


def test(
    context: typer.Context,
    voice_id: VoiceId,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of a sentence in its language.")] = None,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Keep it instead of playing.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N")] = None,
) -> None:
    """Let a voice speak a sentence."""
    from koe.app import clone_obstacle, voice_store
    from koe.cli.say import say
    from koe.core.errors import EngineUnavailable, UnknownVoice
    from koe.core.samples import sample

    loaded = load_settings(context)
    try:
        profile = voice_store(loaded).get(voice_id)
    except UnknownVoice:
        language = voice_id.partition("-")[2] if voice_id.startswith("espeak-") else "en"
    else:
        language = profile.languages[0]
        if not profile.base and (obstacle := clone_obstacle(loaded)):
            # The house would let another voice speak instead: that is no test.
            raise EngineUnavailable(f"{voice_id} can't speak yet: {obstacle.message}", problem=obstacle.problem)
    say(context, text or sample(language), voice=voice_id, out=out, seed=seed, stats=True)


def transcribe(
    context: typer.Context,
    clip: Annotated[Path, typer.Argument(metavar="FILE", help="Any recording of speech.")],
    language: Annotated[str | None, typer.Option("--language", "-l", metavar="TAG", help="What is spoken.")] = None,
) -> None:
    """Ask a Wyoming speech-to-text server (setting transcription.server, else one on this network) what is said."""
    typer.echo(transcript_of(load_settings(context), clip, language))


def transcript_of(loaded: Loaded, clip: Path, language: str | None) -> str:
    """Raises MalformedInput, EngineUnavailable, EngineError."""
    from koe.adapters.transcription import transcribe
    from koe.audio import reference
    from koe.audio.decode import read_audio
    from koe.core.errors import MalformedInput
    from koe.core.pcm import to_int16
    from koe.core.profile import REFERENCE_RATE

    prepared = reference.prepare(read_audio(clip, most_seconds=reference.MOST_READ_SECONDS))
    settings = loaded.settings.transcription
    pcm = to_int16(prepared.samples)
    text = asyncio.run(transcribe(pcm, REFERENCE_RATE, language, settings.server, timeout=settings.timeout))
    if not text:
        raise MalformedInput(f"the speech-to-text server heard no words in {clip.name}: give them with --text")
    return text
