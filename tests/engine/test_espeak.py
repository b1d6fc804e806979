"""espeak-ng for real: the wheel's library, its voices, its thread."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest
import pytest_asyncio

from koe.core.errors import EngineError, EngineUnavailable
from koe.core.pcm import duration, to_float
from koe.core.voice import Voice
from koe.engine import Priority, SpeechOptions, SpeechStream
from koe.engine.espeak import EspeakEngine
from koe.engine.espeak.library import EspeakLibrary
from koe.engine.espeak.voices import tag
from tests.support.espeak import as_long_as


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[EspeakEngine]:
    espeak = EspeakEngine()
    await espeak.start()
    yield espeak
    await espeak.stop()


def voice_of(engine: EspeakEngine, voice_id: str) -> Voice:
    return next(voice for voice in engine.voices() if voice.id == voice_id)


async def speak(
    engine: EspeakEngine, text: str, voice_id: str = "espeak-en-us", options: SpeechOptions | None = None
) -> bytes:
    stream = engine.open(voice_of(engine, voice_id), options or SpeechOptions())
    stream.feed(text)
    stream.finish()
    return await heard(stream)


async def heard(stream: SpeechStream) -> bytes:
    async with aclosing(stream):
        return b"".join([chunk async for chunk in stream])


async def test_it_speaks_audibly_and_without_clipping(engine: EspeakEngine) -> None:
    samples = to_float(await speak(engine, "The washing machine is finished."))
    assert 1.0 < len(samples) / engine.sample_rate < 4.0
    assert 0.02 < np.sqrt(np.mean(samples**2)) < 0.5
    assert np.abs(samples).max() < 1.0


async def test_every_voice_has_an_id_a_tag_and_a_sound(engine: EspeakEngine) -> None:
    voices = engine.voices()
    assert len(voices) > 100
    assert len({voice.id for voice in voices}) == len(voices)
    for voice in voices:
        assert re.fullmatch(r"espeak-[a-z0-9_-]+", voice.id)
        assert re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?", voice.languages[0]), voice
        assert await speak(engine, "1 2 3", voice.id), voice


async def test_the_languages_of_the_house_have_voices(engine: EspeakEngine) -> None:
    tags = {voice.languages[0] for voice in engine.voices()}
    assert {"de-DE", "en-GB", "en-US", "es-ES", "fr-FR", "it-IT", "ja-JP", "ko-KR", "pt-BR", "ru-RU", "zh-CN"} <= tags


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("de", "de-DE"),
        ("en-us-nyc", "en-US"),
        ("en-gb-x-rp", "en-GB"),
        ("en-gb-scotland", "en-GB"),
        ("en-029", "en-029"),
        ("es-419", "es-419"),
        ("cmn", "zh-CN"),
        ("cmn-latn-pinyin", "zh-Latn-CN"),
        ("chr-US-Qaaa-x-west", "chr-Qaaa-US"),
        ("vi-vn-x-central", "vi-VN"),
        ("ru-cl", "ru-RU"),
        ("fr-be", "fr-BE"),
        ("yue", "yue-HK"),
        ("eo", "eo"),
    ],
)
def test_tags_are_what_home_assistant_can_match(code: str, expected: str) -> None:
    assert tag(code) == expected


async def test_rate_and_pitch_are_heard() -> None:
    lengths = []
    for rate in (120, 300):
        engine = EspeakEngine(rate=rate)
        await engine.start()
        lengths.append(len(await speak(engine, "One two three four five six seven.")))
        await engine.stop()
    assert lengths[0] > 1.5 * lengths[1]


async def test_a_foreign_passage_gets_a_voice_of_its_language(engine: EspeakEngine) -> None:
    text = "Zwei Äpfel und zwei Birnen."
    german = await speak(engine, text, "espeak-de")
    switched = await speak(engine, text, "espeak-en-us", SpeechOptions(language="de"))
    english = await speak(engine, text, "espeak-en-us")
    assert abs(len(switched) - len(german)) < abs(len(switched) - len(english))


async def test_what_nobody_listens_to_is_not_spoken(engine: EspeakEngine) -> None:
    left = [engine.open(voice_of(engine, "espeak-en-us"), SpeechOptions()) for _ in range(20)]
    for stream in left:
        stream.feed("A very long story that nobody wants to hear. " * 2000)
        stream.finish()
    first = await anext(aiter(left[0]))
    for stream in left:
        await stream.aclose()
    assert first
    # The thread is free again: were the stories (18 hours of speech) still spoken, this would time out.
    assert await speak(engine, "Now me.")


async def test_the_audio_of_a_stream_is_bounded(engine: EspeakEngine) -> None:
    pcm = await speak(engine, "word " * 1000, options=SpeechOptions(max_seconds=1.5))
    assert duration(len(pcm), engine.sample_rate) == pytest.approx(1.5, abs=0.001)


async def test_many_at_once_get_each_their_own(engine: EspeakEngine) -> None:
    texts = {f"{'word ' * count}end." for count in range(1, 21)}
    alone = {text: await speak(engine, text) for text in texts}
    together = dict(zip(texts, await asyncio.gather(*(speak(engine, text) for text in texts)), strict=True))
    assert [len(together[text]) for text in texts] == [as_long_as(alone[text]) for text in texts]


@pytest.mark.parametrize("text", ["", " ", "\0\0", "😀", "\ud800", "<b>&amp;", "a\0b", "́" * 500, "שלום", "x" * 100_000])
async def test_odd_texts_do_no_harm(engine: EspeakEngine, text: str) -> None:
    await speak(engine, text, options=SpeechOptions(max_seconds=5))
    assert await speak(engine, "still here")


async def test_a_second_engine_in_one_process_is_refused_until_the_first_stops(engine: EspeakEngine) -> None:
    other = EspeakEngine()
    with pytest.raises(EngineUnavailable, match="another engine"):
        await other.start()
    await engine.stop()
    await other.start()
    assert await speak(other, "my turn")
    await other.stop()


async def test_a_stopped_engine_says_so(engine: EspeakEngine) -> None:
    voice = voice_of(engine, "espeak-en-us")
    await engine.stop()
    stream = engine.open(voice, SpeechOptions())
    stream.feed("hello")
    stream.finish()
    with pytest.raises(EngineUnavailable, match="not running"):
        await anext(aiter(stream))


async def test_an_unexpected_failure_is_told_and_the_next_is_spoken(
    engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(EspeakLibrary, "select", fail)
    with pytest.raises(EngineError, match="ValueError"):
        await speak(engine, "Hello.")
    monkeypatch.undo()
    assert await speak(engine, "Hello.")


async def test_voices_that_can_not_be_read_are_told_and_the_library_is_free_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise PermissionError("lang/gmw/en")

    monkeypatch.setattr(EspeakLibrary, "voices", fail)
    engine = EspeakEngine()
    with pytest.raises(EngineUnavailable, match="lang/gmw/en"):
        await engine.start()
    monkeypatch.undo()
    await engine.start()
    await engine.stop()


async def test_a_room_does_not_wait_for_batches(engine: EspeakEngine) -> None:
    voice = voice_of(engine, "espeak-en-us")
    batch = engine.open(voice, SpeechOptions(priority=Priority.BATCH))
    batch.feed("A very long story that nobody waits for. " * 2000)
    batch.finish()
    behind = asyncio.create_task(heard(batch))
    for _ in range(3):
        # Hours of speech would come before it.
        assert await speak(engine, "The kettle boils.")
    assert not behind.done()
    await batch.aclose()
    behind.cancel()


async def test_what_a_room_has_interrupted_is_spoken_whole(engine: EspeakEngine) -> None:
    text = "The lights in the kitchen are on, and nobody is there. " * 20
    alone = await speak(engine, text)
    batch = engine.open(voice_of(engine, "espeak-en-us"), SpeechOptions(priority=Priority.BATCH))
    batch.feed(text)
    batch.finish()
    behind = asyncio.create_task(heard(batch))
    for _ in range(5):
        await speak(engine, "Now.")
    assert len(await behind) == as_long_as(alone, sentences=20)
