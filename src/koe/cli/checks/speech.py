"""Whether Koe really speaks, here and now."""

import asyncio
from collections.abc import Awaitable

from koe.cli.checks import Finding, Mark
from koe.core.errors import EngineError, KoeError
from koe.core.installation import install
from koe.settings import Loaded

_SECONDS = 20.0
_LOADING_SECONDS = 300.0
"""With a checkpoint to load, from a slow disk."""

_TEXT = "Koe."


async def speaking(loaded: Loaded) -> list[Finding]:
    """In the house's voice, by whatever engine has it now."""
    return await _tried("Speaking", _spoken(loaded, engine=None), _SECONDS)


async def qwen_speaking(loaded: Loaded) -> list[Finding]:
    """In a voice of Qwen3-TTS, after it was loaded; nothing where it has no voices."""
    return await _tried("Qwen3-TTS speaks", _spoken(loaded, engine="qwen"), _LOADING_SECONDS)


async def remote_speaking(loaded: Loaded) -> list[Finding]:
    """In a voice of a server elsewhere; nothing where there are none."""
    if not loaded.settings.engine.remote.servers:
        return []
    return await _tried("A server elsewhere speaks", _spoken(loaded, engine="remote"), _SECONDS)


async def _tried(subject: str, speech: Awaitable[str], seconds: float) -> list[Finding]:
    try:
        async with asyncio.timeout(seconds):
            found = await speech
        return [Finding(Mark.OK, subject, found)] if found else []
    except TimeoutError:
        found = f"no speech within {seconds:g} seconds"
        return [Finding(Mark.PROBLEM, subject, found, "Start again with --debug and report what it says.")]
    except KoeError as error:
        remedy = f"See what the message says; for the built-in voices: {install('espeak')}"
        return [Finding(Mark.PROBLEM, subject, error.message, remedy)]


async def _spoken(loaded: Loaded, *, engine: str | None) -> str:
    """What was heard; empty where the engine has no voice. Raises KoeError where another one stood in for it."""
    from koe.app import open_speaker
    from koe.speech import SpeechRequest

    async with open_speaker(loaded) as speaker:
        voices = [voice.id for voice in speaker.voices() if voice.engine == engine]
        if engine is not None and not voices:
            return ""
        utterance = speaker.open(SpeechRequest(voice=voices[0], wait=True, seed=1) if voices else SpeechRequest())
        utterance.feed(_TEXT)
        utterance.finish()
        try:
            async for _pcm in utterance:
                pass
        finally:
            await utterance.aclose()
        stats = utterance.stats
        if engine is not None and stats.fallback is not None:
            raise EngineError(stats.fallback)
        first = 1000 * (stats.first_audio or 0)
        return f"{stats.voice} of {stats.engine}, first audio after {first:.0f} ms; {len(speaker.voices())} voices"
