"""Qwen in the house: over Wyoming, with the fallback beside it."""

from pathlib import Path

import pytest
from wyoming.info import Describe, Info
from wyoming.tts import SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from koe.engine import SpeechOptions
from koe.engine.espeak import EspeakEngine
from koe.engine.qwen.engine import QwenEngine
from koe.settings import QwenSettings, SpeechSettings
from tests.support.house import hear, house

WORDS = ["The", "house", "speaks", "after", "the", "first", "words", "and", "the", "others", "come", "later", "still."]
VIVIAN = SynthesizeVoice("qwen-vivian")


def qwen(tmp_path: Path, *checkpoints: Path, warm_up: bool = True) -> QwenEngine:
    (tmp_path / "models").mkdir()
    for checkpoint in checkpoints:
        (tmp_path / "models" / checkpoint.name).symlink_to(checkpoint)
    return QwenEngine(QwenSettings(device="cpu", dtype="float32", lead_seconds=1.0, warm_up=warm_up), tmp_path)


async def loaded(engine: QwenEngine) -> None:
    """Until the checkpoint speaks by itself."""
    stream = engine.open(engine.voices()[0], SpeechOptions(language="en-US", wait=True, max_seconds=0.2))
    stream.feed("Hello there.")
    stream.finish()
    async for _ in stream:
        pass


async def test_words_that_come_one_by_one_are_heard_before_the_last(
    tmp_path: Path, tiny_custom_voice: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="koe")
    engine = qwen(tmp_path, tiny_custom_voice)
    limits = SpeechSettings(max_seconds=60)
    async with house(engine, EspeakEngine(), fallback="espeak", speech=limits) as it:
        await loaded(engine)
        async with it.client() as client:
            await client.write_event(SynthesizeStart(SynthesizeVoice("qwen-vivian")).event())
            for word in WORDS[:-1]:
                await client.write_event(SynthesizeChunk(f"{word} ").event())
            first = await hear(client, last="audio-chunk")
            # None of the voice's ten languages is named: it was detected on the way.
            assert first.types == ["audio-start", "audio-chunk"]
            for word in WORDS[-1:]:
                await client.write_event(SynthesizeChunk(f"{word} ").event())
            await client.write_event(SynthesizeStop().event())
            rest = await hear(client, last="synthesize-stopped")
        assert rest.types[-1] == "synthesize-stopped"
        assert first.pcm + rest.pcm == await alone(engine, seed_in(caplog))


def seed_in(caplog: pytest.LogCaptureFixture) -> int:
    """Of the last request."""
    spoken = [record for record in caplog.records if hasattr(record, "fields")]
    return int(spoken[-1].fields["seed"])


async def alone(engine: QwenEngine, seed: int) -> bytes:
    """The same text from the engine itself."""
    voice = next(voice for voice in engine.voices() if voice.id == "qwen-vivian")
    stream = engine.open(voice, SpeechOptions(language="en-US", seed=seed, live_text=True))
    stream.feed(" ".join(WORDS))
    stream.finish()
    return b"".join([pcm async for pcm in stream])


async def test_until_the_checkpoint_is_loaded_the_fallback_speaks(tmp_path: Path, tiny_custom_voice: Path) -> None:
    engine = qwen(tmp_path, tiny_custom_voice, warm_up=False)
    async with house(engine, EspeakEngine(), fallback="espeak") as it:
        heard = await it.say("Hello there.", voice=VIVIAN)
        assert heard.error is None
        assert heard.rate == 22050


async def test_without_a_checkpoint_its_voices_are_spoken_by_others(tmp_path: Path) -> None:
    async with house(qwen(tmp_path), EspeakEngine(), fallback="espeak") as it:
        heard = await it.say("Hello there.", voice=VIVIAN)
        assert heard.error is None
        assert "koe models download" in it.speaker.health["qwen"].reason


async def test_the_info_lists_nine_speakers_each_under_its_ten_languages(
    tmp_path: Path, tiny_custom_voice: Path
) -> None:
    async with house(qwen(tmp_path, tiny_custom_voice)) as it, it.client() as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
        assert event is not None
        [program] = Info.from_event(event).tts
    assert len(program.voices) == 9
    assert {len(voice.languages) for voice in program.voices} == {10}
