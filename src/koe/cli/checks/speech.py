"""Whether Koe really speaks, here and now."""

import asyncio

from koe.cli.checks import Finding, Mark
from koe.core.errors import KoeError
from koe.settings import Loaded

_SECONDS = 20.0
_TEXT = "Koe."


async def speaking(loaded: Loaded) -> list[Finding]:
    subject = "Speaking"
    try:
        async with asyncio.timeout(_SECONDS):
            return [Finding(Mark.OK, subject, await _spoken(loaded))]
    except TimeoutError:
        found = f"no speech within {_SECONDS:g} seconds"
        return [Finding(Mark.PROBLEM, subject, found, "Start again with --debug and report what it says.")]
    except KoeError as error:
        remedy = "See what the message says; for the built-in voices: pip install 'koe[espeak]'."
        return [Finding(Mark.PROBLEM, subject, error.message, remedy)]


async def _spoken(loaded: Loaded) -> str:
    from koe.app import open_speaker
    from koe.speech import SpeechRequest

    async with open_speaker(loaded) as speaker:
        utterance = speaker.open(SpeechRequest())
        utterance.feed(_TEXT)
        utterance.finish()
        try:
            async for _pcm in utterance:
                pass
        finally:
            await utterance.aclose()
        stats = utterance.stats
        first = 1000 * (stats.first_audio or 0)
        return f"{stats.voice} of {stats.engine}, first audio after {first:.0f} ms; {len(speaker.voices())} voices"
