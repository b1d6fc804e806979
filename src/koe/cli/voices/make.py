"""`koe voices add`, `edit` and `remove`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koe.cli import show
from koe.cli.effects import Effects, chain
from koe.cli.state import load_settings
from koe.cli.voices.listing import AsJson

if TYPE_CHECKING:
    from koe.core.profile import Profile, Sampling
    from koe.core.voice import Voice
    from koe.settings import Loaded
    from koe.voices.making import Made, PreparedClip

References = Annotated[
    list[Path] | None,
    typer.Option(
        "--ref", metavar="FILE", help="A clip of the voice: 3 to 10 seconds, clear, one speaker. Several are joined."
    ),
]
Texts = Annotated[
    list[str] | None, typer.Option("--text", metavar="TEXT", help="What is said in the clip; one for each --ref.")
]
Transcribe = Annotated[
    bool, typer.Option("--transcribe", help="Ask a Wyoming speech-to-text server what is said in the clips.")
]
Languages = Annotated[
    list[str] | None,
    typer.Option("--language", "-l", metavar="TAG", help="What it speaks, the best first; several are possible."),
]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="For people: what this voice is.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="WORD", help="To find it again.")]
Instruct = Annotated[
    str | None, typer.Option(metavar="TEXT", help="How a variation of a built-in voice speaks, in words.")
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Always the same speech for the same text.")]
Temperature = Annotated[float | None, typer.Option(metavar="X", help="Lower is steadier, higher is livelier.")]
TopK = Annotated[int | None, typer.Option("--top-k", metavar="N")]
TopP = Annotated[float | None, typer.Option("--top-p", metavar="X")]
Penalty = Annotated[float | None, typer.Option("--repetition-penalty", metavar="X")]
Speed = Annotated[float | None, typer.Option(metavar="X", help="1.2 is faster by a fifth.")]
Pitch = Annotated[float | None, typer.Option(metavar="N", help="Higher by so many semitones, such as -2.")]
Gain = Annotated[float | None, typer.Option(metavar="DB", help="Louder by so many dB.")]
Size = Annotated[str | None, typer.Option(metavar="SIZE", help="Of the checkpoint: 0.6B or 1.7B.")]
VoiceId = Annotated[str, typer.Argument(metavar="ID", help="From koe voices.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What people see; the id is made of it.")]
Id = Annotated[str | None, typer.Option("--id", metavar="ID", help="Instead of one made of the name.")]


def add(
    context: typer.Context,
    name: Name,
    ref: References = None,
    text: Texts = None,
    transcribe: Transcribe = False,
    base: Annotated[
        str | None, typer.Option(metavar="ID", help="Instead of clips: a variation of this built-in voice.")
    ] = None,
    id: Id = None,
    language: Languages = None,
    description: Description = None,
    tag: Tags = None,
    instruct: Instruct = None,
    seed: Seed = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    repetition_penalty: Penalty = None,
    speed: Speed = None,
    pitch: Pitch = None,
    gain: Gain = None,
    effect: Effects = None,
    size: Size = None,
    as_json: AsJson = False,
) -> None:
    """Make a voice from clips, or out of a built-in voice. It can speak at once, also on a running server."""
    from koe.app import voice_store
    from koe.voices import making
    from koe.voices.ids import make_id

    if bool(ref) == bool(base):
        raise typer.BadParameter("give either clips (--ref FILE) or a built-in voice (--base ID)")
    loaded = load_settings(context)
    sampling = _given(temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=repetition_penalty)
    details = _given(
        **{"description": description, "tags": tag, "instruct": instruct, "seed": seed},
        **{"speed": speed, "pitch": pitch, "gain": gain, "effects": chain(effect), "size": size},
        sampling=_sampling(None, sampling),
    )
    common: dict[str, Any] = {"id": id or make_id(name, ()), "languages": language or (), **details}
    if base:
        built_in = asyncio.run(_built_in(context, base))
        made = making.vary(voice_store(loaded), name, built_in, **common)
    else:
        clips = _clips(loaded, ref or [], text or [], transcribe, language[0] if language else None)
        made = making.clone(voice_store(loaded), name, clips, **common)
    tell_new(made, loaded, as_json)


def edit(
    context: typer.Context,
    voice_id: VoiceId,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What people see.")] = None,
    ref: References = None,
    text: Texts = None,
    transcribe: Transcribe = False,
    language: Languages = None,
    description: Description = None,
    tag: Tags = None,
    instruct: Instruct = None,
    seed: Seed = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    repetition_penalty: Penalty = None,
    speed: Speed = None,
    pitch: Pitch = None,
    gain: Gain = None,
    effect: Effects = None,
    size: Size = None,
    as_json: AsJson = False,
) -> None:
    """Change a voice; what isn't named stays. Clips (--ref) take the place of those it has; --text alone corrects the
    transcripts."""
    from koe.app import voice_store
    from koe.voices import making

    loaded = load_settings(context)
    store = voice_store(loaded)
    profile = store.get(voice_id)
    sampling = _given(temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=repetition_penalty)
    transcripts = text or None
    if transcribe and not (ref or text):
        paths = [store.reference_path(voice_id, each) for each in profile.references]
        transcripts = _transcripts(loaded, paths, profile.languages[0])
    changes = _given(
        **{"name": name, "description": description, "tags": tag, "instruct": instruct, "seed": seed},
        **{"speed": speed, "pitch": pitch, "gain": gain, "effects": chain(effect)},
        **{"size": size, "languages": language},
        sampling=_sampling(profile, sampling),
        references=_with_texts(profile, transcripts) if transcripts is not None and not ref else None,
    )
    clips = _clips(loaded, ref, text or [], transcribe, (language or profile.languages)[0]) if ref else None
    if clips is None and not changes:
        raise typer.BadParameter("say what to change, such as --name or --text")
    made = making.edit(store, voice_id, clips, **changes)
    tell(made, as_json, f"{voice_id} is changed.")


def remove(
    context: typer.Context,
    voice_id: VoiceId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Remove a voice and its clips."""
    from koe.app import voice_store

    store = voice_store(load_settings(context))
    profile = store.get(voice_id)
    if not yes:
        typer.confirm(f"Remove {profile.name} ({voice_id}) with {len(profile.references)} clips?", abort=True)
    store.remove(voice_id)
    typer.echo(f"{voice_id} is removed.")


async def _built_in(context: typer.Context, voice_id: str) -> Voice:
    from koe.cli.speaking import open_any
    from koe.core.errors import UnknownVoice

    async with open_any(context, None) as speaker:
        voices = {voice.id: voice for voice in speaker.voices()}
    if voice_id not in voices:
        raise UnknownVoice(f"there is no voice {voice_id[:100]!r} (`koe voices` lists them all)")
    return voices[voice_id]


def _clips(
    loaded: Loaded, refs: Sequence[Path], texts: Sequence[str], transcribe: bool, language: str | None
) -> list[PreparedClip]:
    from koe.voices.making import prepare_clip

    if texts and len(texts) != len(refs):
        raise typer.BadParameter(f"there are {len(refs)} clips and {len(texts)} texts: give one --text for each --ref")
    if transcribe and not texts:
        texts = _transcripts(loaded, refs, language)
    return [prepare_clip(ref, text) for ref, text in zip(refs, texts or [""] * len(refs), strict=True)]


def _transcripts(loaded: Loaded, refs: Sequence[Path], language: str | None) -> list[str]:
    from koe.cli.voices.hear import transcript_of

    texts = [transcript_of(loaded, ref, language) for ref in refs]
    for ref, text in zip(refs, texts, strict=True):
        typer.echo(f"{ref.name}: {text}", err=True)
    return texts


def _with_texts(profile: Profile, texts: Sequence[str]) -> tuple[Any, ...]:
    if len(texts) != len(profile.references):
        raise typer.BadParameter(f"{profile.id} has {len(profile.references)} clips: give one --text for each")
    pairs = zip(profile.references, texts, strict=True)
    return tuple(dataclasses.replace(reference, transcript=" ".join(text.split())) for reference, text in pairs)


def _sampling(profile: Profile | None, given: dict[str, Any]) -> Sampling | None:
    """What `profile` has, with the given; None where nothing is."""
    from koe.core.profile import Sampling

    if not given:
        return None
    return dataclasses.replace(profile.sampling if profile else Sampling(), **given)


def _given(**options: Any) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in options.items() if value is not None
    }


def tell_new(made: Made, loaded: Loaded, as_json: bool) -> None:
    from koe.app import clone_obstacle

    id, obstacle = made.profile.id, None if made.profile.base else clone_obstacle(loaded)
    if obstacle is not None:
        tell(made, as_json, f"{id} is made, but can't speak yet: {obstacle.message}")
    else:
        tell(made, as_json, f"{id} can speak; try it with: koe voices test {id}")


def tell(made: Made, as_json: bool, words: str) -> None:
    """Warnings on stderr; the profile as JSON, or the words."""
    for warning in made.warnings:
        typer.secho(f"note: {warning}", err=True, fg=typer.colors.YELLOW)
    if as_json:
        from koe.voices.files import to_plain

        show.as_json(to_plain(made.profile))
    else:
        typer.echo(words)
