"""The qwen engine as a whole, on tiny checkpoints with random weights: real loading, real modules, its own thread."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from koe.core.errors import EngineUnavailable, ShuttingDown, UnsupportedAbility
from koe.engine import Priority, SpeechOptions
from koe.engine.qwen.engine import QwenEngine, QwenStream
from koe.settings import QwenSettings
from tests.support.waiting import eventually

TEXT = "The front door is locked. It is seven thirty in the morning."


def house(tmp_path: Path, *checkpoints: Path) -> Path:
    """A data folder with these checkpoints."""
    models = tmp_path / "models"
    models.mkdir()
    for checkpoint in checkpoints:
        (models / checkpoint.name).symlink_to(checkpoint)
    return tmp_path


async def started(data_dir: Path, **settings: Any) -> QwenEngine:
    engine = QwenEngine(QwenSettings(**{"device": "cpu", "dtype": "float32", "warm_up": False, **settings}), data_dir)
    await engine.start()
    return engine


@pytest_asyncio.fixture
async def engine(tmp_path: Path, tiny_custom_voice: Path) -> AsyncIterator[QwenEngine]:
    it = await started(house(tmp_path, tiny_custom_voice))
    yield it
    await it.stop()


def open_stream(engine: QwenEngine, seed: int = 1, voice: str = "qwen-vivian", **options: Any) -> QwenStream:
    chosen = next(each for each in engine.voices() if each.id == voice)
    given = {"language": "en", "wait": True, "max_seconds": 2.0, "seed": seed, **options}
    return engine.open(chosen, SpeechOptions(**given))


async def heard(stream: QwenStream, pieces: Iterable[str] = (TEXT,)) -> bytes:
    for piece in pieces:
        stream.feed(piece)
    stream.finish()
    return b"".join([pcm async for pcm in stream])


async def test_the_speakers_are_voices_each_with_its_own_language_first(engine: QwenEngine) -> None:
    voices = {voice.id: voice for voice in engine.voices()}
    assert len(voices) == 9
    assert voices["qwen-ono_anna"].languages[0] == "ja-JP"
    assert voices["qwen-vivian"].name == "Vivian (zh-CN)"
    assert all(len(voice.languages) == 10 for voice in voices.values())
    assert voices["qwen-vivian"].styles == ()


@pytest.mark.parametrize("live", [True, False])
async def test_a_text_fed_by_the_character_gives_the_sound_of_the_text_fed_whole(
    engine: QwenEngine, live: bool
) -> None:
    whole = await heard(open_stream(engine, live_text=live))
    assert await heard(open_stream(engine, live_text=live), list(TEXT)) == whole
    assert len(whole) > 24000


async def test_the_seed_decides(engine: QwenEngine) -> None:
    one, again, other = [await heard(open_stream(engine, seed)) for seed in (1, 1, 2)]
    assert one == again
    assert one != other


async def test_a_drawn_seed_is_told_and_gives_the_same_again(engine: QwenEngine) -> None:
    stream = open_stream(engine, seed=None)  # type: ignore[arg-type]
    first = await heard(stream)
    assert await heard(open_stream(engine, seed=stream.seed)) == first


async def test_many_at_once_get_each_what_they_would_get_alone(engine: QwenEngine) -> None:
    alone = [await heard(open_stream(engine, seed, live_text=seed % 2 == 0)) for seed in range(6)]
    streams = [open_stream(engine, seed, live_text=seed % 2 == 0) for seed in range(6)]
    left = open_stream(engine, 99)
    left.feed(TEXT)
    hearing = [asyncio.create_task(heard(stream)) for stream in streams]
    await anext(aiter(left))
    await left.aclose()
    for one, together in zip(alone, await asyncio.gather(*hearing), strict=True):
        difference = np.abs(samples(one) - samples(together))
        assert difference.max() <= 1


def samples(pcm: bytes) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.frombuffer(pcm, dtype="<i2").astype(np.int32)


async def test_live_text_sounds_before_it_is_complete(engine: QwenEngine) -> None:
    stream = open_stream(engine)
    stream.feed("The house speaks after the ")
    chunks = aiter(stream)
    assert await anext(chunks)
    stream.feed("first words.")
    stream.finish()
    async for _ in chunks:
        pass


async def test_a_text_that_pauses_behind_a_sentence_is_spoken_to_its_end(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless), text_wait=0.1, lead_seconds=60.0)
    stream = open_stream(engine, max_seconds=60.0)
    stream.feed("This is complete. ")
    hearing = asyncio.ensure_future(anext(aiter(stream)))
    # It is capped by the length of its text, so its text must have been taken as complete.
    await eventually(lambda: engine.counters.capped == 1)
    await hearing
    stream.feed("And so is this one.")
    assert await heard(stream, [])
    assert engine.counters.generations == 2
    await engine.stop()


async def test_a_model_that_ends_before_its_text_goes_on_with_the_rest(tmp_path: Path, tiny_brief: Path) -> None:
    engine = await started(house(tmp_path, tiny_brief))
    stream = open_stream(engine, max_seconds=60.0)
    stream.feed("One two three four five six seven ")
    chunks = aiter(stream)
    assert await anext(chunks)
    await eventually(lambda: engine.counters.frames > 2)
    stream.feed("eight nine ten.")
    stream.finish()
    async for _ in chunks:
        pass
    assert engine.counters.generations >= 2
    await engine.stop()


async def test_a_slow_listener_holds_its_stream_back(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless), lead_seconds=0.5)
    stream = open_stream(engine, max_seconds=30.0)
    stream.feed(TEXT)
    stream.finish()
    chunks = aiter(stream)
    received = 0
    while received < 24000 * 2 * 5:
        received += len(await anext(chunks))
        assert stream.pipe.buffered <= 2 * 24000 * (0.5 + 0.64)
    await stream.aclose()
    await engine.stop()


async def test_a_generation_that_does_not_end_is_capped_by_its_text(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless))
    short, long = [
        await heard(open_stream(engine, max_seconds=600.0, live_text=False), [text])
        for text in ("Hi.", "Hi there, you.")
    ]
    assert 24000 * 2 < len(short) < len(long) < 24000 * 2 * 60
    assert engine.counters.capped == 2
    await engine.stop()


async def test_a_room_takes_the_place_of_a_batch_which_goes_on_later(tmp_path: Path, tiny_custom_voice: Path) -> None:
    engine = await started(house(tmp_path, tiny_custom_voice), slots=1)
    alone = await heard(open_stream(engine, 7, max_seconds=6.0))
    batch = open_stream(engine, 7, max_seconds=6.0, priority=Priority.BATCH)
    batch.feed(TEXT)
    batch.finish()
    chunks = aiter(batch)
    received = await anext(chunks)
    assert await heard(open_stream(engine, 8))
    async for pcm in chunks:
        received += pcm
    assert np.abs(samples(received) - samples(alone)).max() <= 1
    await engine.stop()


async def test_long_texts_become_several_generations(tmp_path: Path, tiny_brief: Path) -> None:
    engine = await started(house(tmp_path, tiny_brief))
    await heard(open_stream(engine, max_seconds=60.0), ["A sentence of a certain length for the house. " * 12])
    assert engine.counters.generations >= 4
    assert engine.counters.capped == 0
    await engine.stop()


async def test_a_stream_never_grows_longer_than_it_may(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless))
    pcm = await heard(open_stream(engine, max_seconds=2.0), ["A sentence of a certain length for the house. " * 12])
    assert len(pcm) == 25 * 1920 * 2
    await engine.stop()


async def test_an_instruct_for_a_model_that_takes_none_names_the_one_that_does(engine: QwenEngine) -> None:
    with pytest.raises(UnsupportedAbility, match=r"1\.7B-CustomVoice"):
        open_stream(engine, instruct="Whisper.")


async def test_while_a_checkpoint_loads_a_room_is_told_so(engine: QwenEngine) -> None:
    stream = open_stream(engine, wait=False)
    with pytest.raises(EngineUnavailable, match="still being loaded"):
        await heard(stream)
    assert await heard(open_stream(engine))
    assert await heard(open_stream(engine, wait=False))


async def test_a_house_without_a_checkpoint_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="koe models download"):
        await started(tmp_path)


async def test_stopping_ends_open_streams_with_a_reason(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless))
    stream = open_stream(engine, max_seconds=600.0)
    stream.feed(TEXT)
    await anext(aiter(stream))
    await engine.stop()
    with pytest.raises(ShuttingDown):
        async for _ in stream:
            pass


async def test_an_empty_text_ends_without_a_sound(engine: QwenEngine) -> None:
    assert await heard(open_stream(engine), ["", " ", "\n"]) == b""


async def test_what_is_left_frees_its_place(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless), slots=1)
    for _ in range(3):
        stream = open_stream(engine, max_seconds=600.0)
        stream.feed(TEXT)
        await anext(aiter(stream))
        await stream.aclose()
    assert await heard(open_stream(engine))
    await engine.stop()
