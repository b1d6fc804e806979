"""The qwen engine as a whole, on tiny checkpoints with random weights: real loading, real modules, its own thread."""

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from koe.core.errors import EngineError, EngineUnavailable, ShuttingDown, UnsupportedAbility
from koe.core.voice import Voice, VoiceKind
from koe.engine import MODEL_THREAD, Priority, SpeechOptions
from koe.engine.qwen.engine import QwenEngine, QwenStream
from koe.engine.qwen.manifest import Manifest, write_manifest
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


@pytest.fixture(params=["fp32", "int8", "int8 on two threads"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    """Computed by torch, by onnxruntime, or by onnxruntime with the sound beside the frames: what holds for one holds
    for the others."""
    import torch

    name, _, more = str(request.param).partition(" ")
    before = torch.get_num_threads()
    torch.set_num_threads(2 if more else 1)
    yield name
    torch.set_num_threads(before)


@pytest_asyncio.fixture
async def engine(tmp_path: Path, tiny_custom_voice: Path, precision: str) -> AsyncIterator[QwenEngine]:
    it = await started(house(tmp_path, tiny_custom_voice), precision=precision)
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
    assert_same(await heard(open_stream(engine, live_text=live), list(TEXT)), whole)
    assert len(whole) > 24000


async def test_the_seed_decides(engine: QwenEngine) -> None:
    one, again, other = [await heard(open_stream(engine, seed)) for seed in (1, 1, 2)]
    assert_same(one, again)
    assert samples(one)[:12000].tolist() != samples(other)[:12000].tolist()


async def test_a_drawn_seed_is_told_and_gives_the_same_again(engine: QwenEngine) -> None:
    stream = open_stream(engine, seed=None)  # type: ignore[arg-type]
    first = await heard(stream)
    assert_same(await heard(open_stream(engine, seed=stream.seed)), first)


async def test_many_at_once_get_each_what_they_would_get_alone(engine: QwenEngine) -> None:
    alone = [await heard(open_stream(engine, seed, live_text=seed % 2 == 0)) for seed in range(6)]
    streams = [open_stream(engine, seed, live_text=seed % 2 == 0) for seed in range(6)]
    left = open_stream(engine, 99)
    left.feed(TEXT)
    hearing = [asyncio.create_task(heard(stream)) for stream in streams]
    await anext(aiter(left))
    await left.aclose()
    for one, together in zip(alone, await asyncio.gather(*hearing), strict=True):
        assert_same(one, together)


def assert_same(one: bytes, other: bytes) -> None:
    """To one step: with more threads a sum may be taken in another order."""
    assert len(one) == len(other)
    assert np.abs(samples(one) - samples(other)).max() <= 1


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


async def test_a_text_that_pauses_behind_a_sentence_is_spoken_to_its_end(
    tmp_path: Path, tiny_endless: Path, precision: str
) -> None:
    engine = await started(house(tmp_path, tiny_endless), precision=precision, text_wait=0.1, lead_seconds=60.0)
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


async def test_a_model_that_ends_before_its_text_goes_on_with_the_rest(
    tmp_path: Path, tiny_brief: Path, precision: str
) -> None:
    engine = await started(house(tmp_path, tiny_brief), precision=precision)
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


async def test_a_slow_listener_holds_its_stream_back(tmp_path: Path, tiny_endless: Path, precision: str) -> None:
    engine = await started(house(tmp_path, tiny_endless), precision=precision, lead_seconds=0.5)
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


async def test_a_generation_that_does_not_end_is_capped_by_its_text(
    tmp_path: Path, tiny_endless: Path, precision: str
) -> None:
    engine = await started(house(tmp_path, tiny_endless), precision=precision)
    short, long = [
        await heard(open_stream(engine, max_seconds=600.0, live_text=False), [text])
        for text in ("Hi.", "Hi there, you.")
    ]
    assert 24000 * 2 < len(short) < len(long) < 24000 * 2 * 60
    assert engine.counters.capped == 2
    await engine.stop()


async def test_a_room_takes_the_place_of_a_batch_which_goes_on_later(
    tmp_path: Path, tiny_custom_voice: Path, precision: str
) -> None:
    engine = await started(house(tmp_path, tiny_custom_voice), precision=precision, slots=1)
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


async def test_rooms_that_break_into_a_batch_change_nothing_of_it(
    tmp_path: Path, tiny_endless: Path, precision: str
) -> None:
    engine = await started(house(tmp_path, tiny_endless), precision=precision)
    seeds = range(3)
    alone = [await heard(open_stream(engine, seed, max_seconds=4.0)) for seed in seeds]
    batch = [open_stream(engine, seed, max_seconds=4.0, priority=Priority.BATCH) for seed in seeds]
    hearing = [asyncio.create_task(heard(stream)) for stream in batch]
    while not all(each.done() for each in hearing):
        assert await heard(open_stream(engine, 8, max_seconds=0.2))
    for one, other in zip(alone, await asyncio.gather(*hearing), strict=True):
        assert np.abs(samples(one) - samples(other)).max() <= 1
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


async def slowed(engine: QwenEngine) -> None:
    """Make it believe that it takes two seconds for a second of speech."""
    assert await heard(open_stream(engine))
    assert engine._worker is not None
    [household] = engine._worker._households.values()
    household.batch.pace.note(0.16, times=32)


async def test_a_machine_slower_than_speech_begins_late_enough(tmp_path: Path, tiny_endless: Path) -> None:
    engine = await started(house(tmp_path, tiny_endless))
    await slowed(engine)
    stream = open_stream(engine, max_seconds=8.0, live_text=False)
    stream.feed(TEXT)
    stream.finish()
    first = await anext(aiter(stream))
    # It soon learns that it isn't slow at all: otherwise it would be three seconds.
    assert len(first) + stream.pipe.buffered > 24000 * 2 * 0.5
    await engine.stop()


async def test_or_it_leaves_rooms_to_the_fallback_voice(tmp_path: Path, tiny_custom_voice: Path) -> None:
    engine = await started(house(tmp_path, tiny_custom_voice), slow="fallback")
    await slowed(engine)
    with pytest.raises(EngineUnavailable, match=r"takes \d\.\d s for a second of speech"):
        await heard(open_stream(engine))
    assert await heard(open_stream(engine, priority=Priority.BATCH))
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
    engine = await started(tmp_path)
    assert "koe models download" in engine.lacks
    with pytest.raises(EngineUnavailable, match="koe models download"):
        engine.open(Voice("qwen-vivian", "Vivian", ("en",), "qwen", VoiceKind.NAMED), SpeechOptions())
    await engine.stop()


async def test_a_checkpoint_that_comes_later_speaks_after_a_look(tmp_path: Path, tiny_custom_voice: Path) -> None:
    engine = await started(house(tmp_path))
    (tmp_path / "models" / tiny_custom_voice.name).symlink_to(tiny_custom_voice)
    assert engine.voices() == ()
    await engine.refresh()
    assert engine.lacks == ""
    assert await heard(open_stream(engine))
    await engine.stop()


async def test_a_checkpoint_that_was_replaced_on_disk_is_loaded_anew(tmp_path: Path, tiny_custom_voice: Path) -> None:
    copy = Path(shutil.copytree(tiny_custom_voice, tmp_path / "copy"))
    engine = await started(house(tmp_path, copy))
    await heard(open_stream(engine))
    await engine.refresh()
    assert engine.held()["copy"].ready
    write_manifest(copy, Manifest(repo="someone/copy", revision="2", files={}))
    await engine.refresh()
    await eventually(lambda: not engine.held())
    assert await heard(open_stream(engine))
    await engine.stop()


async def test_stopping_ends_open_streams_with_a_reason(tmp_path: Path, tiny_endless: Path, precision: str) -> None:
    engine = await started(house(tmp_path, tiny_endless), precision=precision)
    stream = open_stream(engine, max_seconds=600.0)
    stream.feed(TEXT)
    await anext(aiter(stream))
    await engine.stop()
    with pytest.raises(ShuttingDown):
        async for _ in stream:
            pass


async def test_an_empty_text_ends_without_a_sound(engine: QwenEngine) -> None:
    assert await heard(open_stream(engine), ["", " ", "\n"]) == b""


async def test_what_is_left_frees_its_place(tmp_path: Path, tiny_endless: Path, precision: str) -> None:
    engine = await started(house(tmp_path, tiny_endless), precision=precision, slots=1)
    for _ in range(3):
        stream = open_stream(engine, max_seconds=600.0)
        stream.feed(TEXT)
        await anext(aiter(stream))
        await stream.aclose()
    assert await heard(open_stream(engine))
    await engine.stop()


class Loading:
    """`load`, counted, and held up while `go_on` is clear."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from koe.engine.qwen import household, loading

        self.calls, self.go_on, self._load = 0, threading.Event(), loading.load
        monkeypatch.setattr(household, "load", self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        assert self.go_on.wait(30)
        return self._load(*args, **kwargs)


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch, tiny_custom_voice: Path) -> Iterator[Loading]:
    it = Loading(monkeypatch)
    yield it
    it.go_on.set()


async def test_only_who_warms_it_up_loads_without_a_request(
    tmp_path: Path, tiny_custom_voice: Path, loading: Loading
) -> None:
    loading.go_on.set()
    engine = await started(house(tmp_path, tiny_custom_voice), warm_up=True)
    await asyncio.sleep(0.1)
    assert loading.calls == 0
    engine.warm_up()
    await eventually(lambda: loading.calls == 1)
    await engine.stop()
    engine.warm_up()


async def test_the_settings_may_forbid_to_warm_up(tmp_path: Path, tiny_custom_voice: Path, loading: Loading) -> None:
    engine = await started(house(tmp_path, tiny_custom_voice), warm_up=False)
    engine.warm_up()
    await asyncio.sleep(0.1)
    assert loading.calls == 0
    await engine.stop()


async def test_a_load_ends_where_it_can_when_the_engine_stops(
    tmp_path: Path,
    tiny_custom_voice: Path,
    loading: Loading,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="koe.engine.qwen")
    monkeypatch.setattr("koe.engine.qwen.worker._STOP_SECONDS", 0.05)
    engine = await started(house(tmp_path, tiny_custom_voice), warm_up=True)
    engine.warm_up()
    await eventually(lambda: loading.calls == 1)
    stream = open_stream(engine)
    await engine.stop()
    threads = [each for each in threading.enumerate() if each.name == MODEL_THREAD]
    loading.go_on.set()
    for thread in threads:
        await asyncio.to_thread(thread.join, 30)
    with pytest.raises(ShuttingDown):
        await heard(stream)
    assert not [each for each in caplog.messages if "loaded" in each]


async def test_those_who_do_not_wait_hear_it_as_soon_as_it_is_loaded(
    tmp_path: Path, tiny_custom_voice: Path, loading: Loading
) -> None:
    engine = await started(house(tmp_path, tiny_custom_voice))
    for _ in range(5):
        with pytest.raises(EngineUnavailable, match="still being loaded"):
            await heard(open_stream(engine, wait=False))
        await eventually(lambda: loading.calls == 1)
    loading.go_on.set()
    spoken = b""
    async with asyncio.timeout(30):
        while not spoken:
            try:
                spoken = await heard(open_stream(engine, wait=False))
            except EngineUnavailable:
                await asyncio.sleep(0.005)
    await engine.stop()
    assert loading.calls == 1


def variant(folder: Path, original: Path, name: str, **talker: Any) -> Path:
    """A checkpoint with other values in its talker_config."""
    copy = Path(shutil.copytree(original, folder / name))
    config = json.loads((copy / "config.json").read_text())
    config["talker_config"].update(talker)
    (copy / "config.json").write_text(json.dumps(config))
    return copy


async def test_the_speakers_of_all_checkpoints_are_voices(tmp_path: Path, tiny_custom_voice: Path) -> None:
    speakers = {"Grandma Ann": 3000, "grandma-ann": 3001, "ryan": 3002}
    tuned = variant(tmp_path, tiny_custom_voice, "tuned", spk_id=speakers, spk_is_dialect={})
    engine = await started(house(tmp_path, tiny_custom_voice, tuned))
    voices = {voice.id: voice.name for voice in engine.voices()}
    assert len(voices) == len(engine.voices()) == 10
    assert voices["qwen-grandma-ann"] == "Grandma Ann"
    assert await heard(open_stream(engine, voice="qwen-grandma-ann", language=None))
    assert await heard(open_stream(engine, voice="qwen-grandma-ann", language="zh"))
    await engine.stop()


async def test_a_language_it_does_not_know_is_spoken_and_warned_of_once(
    engine: QwenEngine, caplog: pytest.LogCaptureFixture
) -> None:
    spoken = [await heard(open_stream(engine, language=language)) for language in (None, "sv", "sv-SE")]
    assert spoken[0] == spoken[1] == spoken[2]
    [warning] = [each for each in caplog.messages if "doesn't know" in each]
    assert "doesn't know sv" in warning
    assert "de, en, es, fr" in warning


DAMAGES = {
    "the talker": ("model.safetensors", "talker.model.norm.weight"),
    "a layer": ("model.safetensors", "talker.model.layers.1.self_attn.v_proj.weight"),
    "the code predictor": ("model.safetensors", "talker.code_predictor.model.norm.weight"),
    "one of its heads": ("model.safetensors", "talker.code_predictor.lm_head.3.weight"),
    "the codec": ("speech_tokenizer/model.safetensors", "decoder.decoder.6.conv.weight"),
}


def damaged(folder: Path, original: Path, damage: str, value: float) -> Path:
    """A checkpoint in whose weights is a number that is none."""
    from safetensors.torch import load_file, save_file

    copy = variant(folder, original, "damaged")
    file, name = DAMAGES[damage]
    weights = load_file(copy / file)
    weights[name].view(-1)[:1] = value
    save_file(weights, copy / file, metadata={"format": "pt"})
    return copy


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_weights_that_are_no_numbers_make_no_noise(
    tmp_path: Path, tiny_custom_voice: Path, damage: str, value: float, precision: str
) -> None:
    engine = await started(house(tmp_path, damaged(tmp_path, tiny_custom_voice, damage, value)), precision=precision)
    for _ in range(2):
        with pytest.raises(EngineError, match=r"computed no numbers.*engine\.qwen\.dtype|holds what is no number"):
            await heard(open_stream(engine))
    await engine.stop()


async def test_warming_up_finds_weights_that_are_no_numbers(tmp_path: Path, tiny_custom_voice: Path) -> None:
    data_dir = house(tmp_path, damaged(tmp_path, tiny_custom_voice, "the code predictor", float("nan")))
    engine = await started(data_dir, warm_up=True)
    with pytest.raises(EngineError, match="computed no numbers"):
        await heard(open_stream(engine))
    with pytest.raises(EngineError, match="computed no numbers"):
        await heard(open_stream(engine, wait=False))
    await engine.stop()
