"""A dialogue that becomes a run: one sound, and a manifest that tells when each turn is heard, and with which seed."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from koe.pipelines.conversation import Conversation
from koe.pipelines.kept_sound import KeptSound
from koe.pipelines.threads import to_its_end
from koe.storage.meta import Description


async def kept_pieces(
    conversation: Conversation, kept: KeptSound, language: str | None, began: float
) -> AsyncGenerator[bytes]:
    """Its PCM. `language`: of the whole, if one was named; `began`: when it was asked for, by the loop's clock. The run
    is there before they end; whoever calls discards it if they don't. Raises what the conversation raises, and KoeError
    where the disk fails."""
    async with aclosing(conversation.pieces()) as pieces:
        async for pcm in pieces:
            await to_its_end(kept.write, pcm)
            yield pcm
    elapsed = asyncio.get_running_loop().time() - began
    manifest = {"items": [*_items(conversation, kept.file)]}
    await to_its_end(kept.finish, _described(conversation, language, elapsed), None, manifest)


def _items(conversation: Conversation, file: str) -> Iterator[dict[str, object]]:
    told = zip(conversation.turns, conversation.starts, conversation.stats, strict=True)
    for number, (turn, start, stats) in enumerate(told, start=1):
        item = {
            "number": number,
            "file": file,
            "start": start,
            "seconds": stats.audio_seconds,
            "group": turn.speaker,
            "text": turn.text,
            "voice": stats.voice,
            "engine": stats.engine,
            "checkpoint": stats.checkpoint,
            "seed": stats.seed,
            "how": {"language": turn.language} if turn.language else None,
            "is_ssml": turn.is_ssml or None,
        }
        yield {name: value for name, value in item.items() if value is not None}


def _described(conversation: Conversation, language: str | None, elapsed: float) -> Description:
    stats = conversation.stats
    seeds = {each.seed for each in stats}
    return Description(
        text="\n".join(turn.text for turn in conversation.turns),
        voice=", ".join(sorted({each.voice for each in stats})),
        engine=", ".join(sorted({each.engine for each in stats})),
        checkpoint=", ".join(sorted({each.checkpoint for each in stats if each.checkpoint})) or None,
        seed=seeds.pop() if len(seeds) == 1 else None,
        language=language,
        fallback="; ".join(sorted({each.fallback for each in stats if each.fallback})) or None,
        first_audio=stats[0].first_audio,
        elapsed=elapsed,
        duration=conversation.seconds,
        sample_rate=conversation.sample_rate,
    )
