"""Cloned and designed voices through the engine, on tiny checkpoints: they speak as the package would, and no clip is
heard twice."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from koe.core.errors import EngineError, EngineUnavailable, MalformedInput, RequestError, UnsupportedAbility  # noqa: E402
from koe.core.profile import Clip, Sampling  # noqa: E402
from koe.core.voice import Voice, VoiceKind  # noqa: E402
from koe.engine import SpeechOptions  # noqa: E402
from koe.engine.qwen.engine import QwenEngine, QwenStream  # noqa: E402
from koe.engine.qwen.package import import_qwen_tts  # noqa: E402
from koe.settings import QwenSettings  # noqa: E402

TEXT = "The front door is locked. It is seven thirty."
TRANSCRIPT = "Good night, see you tomorrow."
DESCRIPTION = "A young woman with a calm, warm voice."
ANNA = Voice("anna", "Anna", ("en-US",), "qwen", VoiceKind.CLONED)
VIVIAN = Voice("qwen-vivian", "Vivian", ("zh-CN",), "qwen")
SECONDS, FRAMES = 1.0, 13


def tone(hertz: float = 150.0, seconds: float = 1.3) -> NDArray[np.float32]:
    """Rises, with some noise."""
    time = np.arange(round(24_000 * seconds)) / 24_000
    noise = np.random.default_rng(round(hertz)).normal(0, 0.05, len(time))
    return (0.4 * np.sin(2 * np.pi * (hertz + 200 * time) * time) + noise).clip(-1, 1).astype(np.float32)


def clip(transcript: str = TRANSCRIPT, samples: NDArray[np.float32] | None = None) -> Clip:
    heard = tone() if samples is None else samples
    return Clip(hashlib.sha256(heard.tobytes() + transcript.encode()).hexdigest(), transcript, lambda: heard)


def unreadable(error: Exception) -> Clip:
    def samples() -> NDArray[np.float32]:
        raise error

    return Clip("0" * 64, TRANSCRIPT, samples)


def house(tmp_path: Path, *checkpoints: Path) -> Path:
    """A data folder with these checkpoints."""
    (tmp_path / "models").mkdir()
    for checkpoint in checkpoints:
        (tmp_path / "models" / checkpoint.name).symlink_to(checkpoint)
    return tmp_path


class Running:
    """An engine from here to the end of the block."""

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        values = {"device": "cpu", "dtype": "float32", "warm_up": False, **settings}
        self.engine = QwenEngine(QwenSettings(**values), data_dir)

    async def __aenter__(self) -> QwenEngine:
        await self.engine.start()
        return self.engine

    async def __aexit__(self, *_: object) -> None:
        await self.engine.stop()


def open_stream(engine: QwenEngine, clip: Clip | None = None, voice: Voice = ANNA, **options: Any) -> QwenStream:
    given = {"language": "en", "wait": True, "max_seconds": SECONDS, "seed": 1, "clip": clip, **options}
    return engine.open(voice, SpeechOptions(**given))


async def heard(stream: QwenStream, *pieces: str) -> bytes:
    for piece in pieces or (TEXT,):
        stream.feed(piece)
    stream.finish()
    return b"".join([pcm async for pcm in stream])


async def said(engine: QwenEngine, clip: Clip | None = None, voice: Voice = ANNA, **options: Any) -> bytes:
    return await heard(open_stream(engine, clip, voice, **options))


def prompts(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "voices" / "prompts").glob("*.safetensors"))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """A tiny model is slower with two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


Speech = Callable[..., NDArray[np.float32]]


@pytest.fixture(scope="module")
def cloned_by_package(tiny_base: Path) -> Speech:
    package = import_qwen_tts().Qwen3TTSModel.from_pretrained(str(tiny_base), dtype=torch.float32)

    def speech(clip: Clip, **sampling: Any) -> NDArray[np.float32]:
        reference: dict[str, Any] = {"ref_text": clip.transcript or None, "x_vector_only_mode": not clip.transcript}
        prompt = package.create_voice_clone_prompt((clip.samples(), 24_000), **reference)
        torch.manual_seed(1)
        (wave,), _ = package.generate_voice_clone(
            TEXT, "english", voice_clone_prompt=prompt, max_new_tokens=FRAMES + 1, **sampling
        )
        return np.asarray(wave)

    return speech


def assert_same_sound(pcm: bytes, wave: NDArray[np.float32]) -> None:
    """To one step of int16; the package cuts a reference off up to a sample early."""
    ours = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    assert len(ours) > 1920
    assert len(wave) - len(ours) in (0, 1)
    theirs = np.round(wave[len(wave) - len(ours) :] * 32767).astype(np.int32)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("transcript", [TRANSCRIPT, ""], ids=["in context", "embedding alone"])
@pytest.mark.parametrize("live", [True, False])
async def test_a_clone_speaks_as_the_package_does(
    tmp_path: Path, tiny_base: Path, cloned_by_package: Speech, transcript: str, live: bool
) -> None:
    async with Running(house(tmp_path, tiny_base)) as engine:
        pcm = await said(engine, clip(transcript), live_text=live)
    assert_same_sound(pcm, cloned_by_package(clip(transcript)))


@pytest.mark.parametrize(
    ("wishes", "theirs"),
    [
        (Sampling(top_k=1), {"do_sample": False, "subtalker_dosample": False}),
        (
            Sampling(temperature=0.5, top_k=7, top_p=0.8, repetition_penalty=1.3),
            {
                **{"temperature": 0.5, "top_k": 7, "top_p": 0.8, "repetition_penalty": 1.3},
                **{"subtalker_temperature": 0.5, "subtalker_top_k": 7, "subtalker_top_p": 0.8},
            },
        ),
    ],
    ids=["greedy", "all of it"],
)
async def test_sampling_is_as_it_is_wished(
    tmp_path: Path, tiny_base: Path, cloned_by_package: Speech, wishes: Sampling, theirs: dict[str, Any]
) -> None:
    async with Running(house(tmp_path, tiny_base)) as engine:
        assert_same_sound(await said(engine, clip(), sampling=wishes), cloned_by_package(clip(), **theirs))


async def test_a_description_speaks_as_the_package_does(tmp_path: Path, tiny_voice_design: Path) -> None:
    package = import_qwen_tts().Qwen3TTSModel.from_pretrained(str(tiny_voice_design), dtype=torch.float32)
    torch.manual_seed(1)
    (wave,), _ = package.generate_voice_design(TEXT, DESCRIPTION, "english", max_new_tokens=FRAMES + 1)
    async with Running(house(tmp_path, tiny_voice_design)) as engine:
        assert_same_sound(await said(engine, description=DESCRIPTION, live_text=False), wave)
        assert engine.counters.designs == 1
        assert await said(engine, description="An old man.", live_text=False)
        assert engine.counters.designs == 2


async def test_a_clip_is_heard_once_also_over_restarts(tmp_path: Path, tiny_base: Path) -> None:
    data_dir = house(tmp_path, tiny_base)
    async with Running(data_dir) as engine:
        first = await said(engine, clip())
        assert await said(engine, clip()) == first
        assert (engine.counters.prompts, engine.counters.primed, engine.counters.generations) == (1, 1, 2)
    async with Running(data_dir) as engine:
        assert await said(engine, clip()) == first
        assert (engine.counters.prompts, engine.counters.primed) == (0, 1)
    assert len(prompts(data_dir)) == 1


async def test_an_edited_transcript_and_another_sound_are_heard(tmp_path: Path, tiny_base: Path) -> None:
    data_dir = house(tmp_path, tiny_base)
    async with Running(data_dir) as engine:
        clips = [clip(), clip("Good night."), clip(samples=tone(220)), clip("")]
        spoken = {await said(engine, each) for each in [*clips, *clips]}
        assert engine.counters.prompts == len(spoken) == 4
        assert engine.counters.primed == 3
    assert len(prompts(data_dir)) == 4


async def test_another_checkpoint_of_the_same_name_hears_for_itself(tmp_path: Path, tiny_base: Path) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    data_dir = house(tmp_path, base)
    for changed in (None, base / "model.safetensors", base / "speech_tokenizer" / "model.safetensors"):
        if changed is not None:
            os.utime(changed)
        async with Running(data_dir) as engine:
            await said(engine, clip())
            assert engine.counters.prompts == 1


async def test_a_damaged_prompt_is_made_anew(tmp_path: Path, tiny_base: Path) -> None:
    data_dir = house(tmp_path, tiny_base)
    async with Running(data_dir) as engine:
        expected = await said(engine, clip())
    [file] = prompts(data_dir)
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    for heard_anew in (1, 0):
        async with Running(data_dir) as engine:
            assert await said(engine, clip()) == expected
            assert engine.counters.prompts == heard_anew
    assert len(file.read_bytes()) == len(whole)
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("trouble", "expected", "words"),
    [
        (MalformedInput("the reference a.wav is no sound"), MalformedInput, "no sound"),
        (OSError(5, "Input/output error"), EngineError, "can't be read"),
        (MemoryError(), EngineError, "out of memory for this request"),
    ],
)
async def test_a_clip_that_fails_ends_its_own_request_alone(
    tmp_path: Path, tiny_base: Path, trouble: Exception, expected: type[Exception], words: str
) -> None:
    async with Running(house(tmp_path, tiny_base)) as engine:
        alone = await said(engine, clip())
        other = asyncio.create_task(said(engine, clip()))
        with pytest.raises(expected, match=words):
            await said(engine, unreadable(trouble))
        assert await other == alone
        assert engine.counters.prompts == 1


async def test_a_clip_too_short_is_refused(tmp_path: Path, tiny_base: Path) -> None:
    async with Running(house(tmp_path, tiny_base)) as engine:
        with pytest.raises(MalformedInput, match="too short"):
            await said(engine, clip(samples=tone()[:1000]))


async def test_whoever_has_left_is_not_listened_for(tmp_path: Path, tiny_base: Path) -> None:
    async with Running(house(tmp_path, tiny_base)) as engine:
        stream = open_stream(engine, clip())
        await stream.aclose()
        await said(engine, clip(""))
        assert engine.counters.prompts == 1


async def test_two_clones_and_a_named_voice_at_once(tmp_path: Path, tiny_base: Path, tiny_custom_voice: Path) -> None:
    people: list[tuple[Clip | None, Voice]] = [(clip(), ANNA), (clip("", tone(220)), ANNA), (None, VIVIAN)]
    async with Running(house(tmp_path, tiny_base, tiny_custom_voice), loaded=2) as engine:
        alone = [await said(engine, *each) for each in people]
        together = await asyncio.gather(*(said(engine, *each) for each in people))
    for one, other in zip(alone, together, strict=True):
        assert np.abs(np.frombuffer(one, "<i2").astype(int) - np.frombuffer(other, "<i2")).max() <= 1


async def test_a_clone_takes_the_place_of_an_idle_named_voice(
    tmp_path: Path, tiny_base: Path, tiny_custom_voice: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="koe.engine.qwen")
    async with Running(house(tmp_path, tiny_base, tiny_custom_voice), loaded=1) as engine:
        named = await said(engine, voice=VIVIAN)
        with pytest.raises(EngineUnavailable, match="tiny-base is still being loaded"):
            await said(engine, clip(), wait=False)
        cloned = await said(engine, clip())
        assert await said(engine, clip(), wait=False) == cloned
        assert await said(engine, voice=VIVIAN) == named
        assert await said(engine, clip()) == cloned
        # Their codec's state belongs to the weights that were let go, what was heard does not.
        assert (engine.counters.prompts, engine.counters.primed) == (1, 2)
    loaded = [each.split()[0] for each in caplog.messages if " loaded in " in each]
    assert loaded == ["tiny-custom_voice", "tiny-base"] * 2


async def test_those_who_ask_while_it_loads_do_not_have_it_loaded_again(
    tmp_path: Path, tiny_base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="koe.engine.qwen")
    async with Running(house(tmp_path, tiny_base), warm_up=True) as engine:
        refused = 0
        while True:
            try:
                await said(engine, clip(""), wait=False)
            except EngineUnavailable:
                refused += 1
                await asyncio.sleep(0.005)
            else:
                break
        await said(engine, clip(""))
    assert refused
    assert sum(" loaded in " in each for each in caplog.messages) == 1


async def test_beside_a_long_reference_a_text_that_pauses_is_spoken_to_its_end(tmp_path: Path, tiny_base: Path) -> None:
    async with Running(house(tmp_path, tiny_base), text_wait=0.1) as engine:
        stream = open_stream(engine, clip(samples=tone(seconds=5)))
        stream.feed("This is complete. ")
        assert await anext(aiter(stream))
        await stream.aclose()


@pytest.mark.parametrize("warm_up", [True, False])
async def test_a_house_with_only_clones_starts(tmp_path: Path, tiny_base: Path, warm_up: bool) -> None:
    data_dir = house(tmp_path, tiny_base)
    async with Running(data_dir, warm_up=warm_up) as engine:
        assert (engine.can_clone, engine.can_design, engine.voices()) == (True, False, ())
        assert await said(engine, clip(""))
        with pytest.raises(EngineUnavailable, match=r"named voices is here; .*koe models download .*Custom"):
            open_stream(engine, voice=VIVIAN)


async def test_a_house_with_only_designs_starts(tmp_path: Path, tiny_voice_design: Path) -> None:
    data_dir = house(tmp_path, tiny_voice_design)
    async with Running(data_dir) as engine:
        assert (engine.can_clone, engine.can_design, engine.voices()) == (False, True, ())


async def test_what_no_checkpoint_here_can_do_says_which_one_to_get(tmp_path: Path, tiny_custom_voice: Path) -> None:
    async with Running(house(tmp_path, tiny_custom_voice)) as engine:
        assert (engine.can_clone, engine.can_design) == (False, False)
        with pytest.raises(EngineUnavailable, match=r"koe models download Qwen3-TTS-12Hz-0\.6B-Base"):
            open_stream(engine, clip())
        with pytest.raises(EngineUnavailable, match=r"koe models download Qwen3-TTS-12Hz-1\.7B-Base"):
            open_stream(engine, clip(), size="1.7B")
        with pytest.raises(EngineUnavailable, match=r"koe models download Qwen3-TTS-12Hz-1\.7B-VoiceDesign"):
            open_stream(engine, description=DESCRIPTION)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"clip": clip(), "instruct": "Whisper."}, UnsupportedAbility, "reference clip take no instruct"),
        ({"clip": clip(), "style": "whisper"}, UnsupportedAbility, "reference clip take no instruct"),
        ({"description": DESCRIPTION, "instruct": "Whisper."}, UnsupportedAbility, "description take no instruct"),
        ({"description": " "}, RequestError, "needs a description"),
        ({"clip": clip(), "size": "3B"}, RequestError, r"size '3B', only of 0\.6B and 1\.7B"),
        ({"clip": clip(), "sampling": Sampling(temperature=0.0)}, RequestError, "temperature > 0"),
        ({"clip": clip(), "sampling": Sampling(repetition_penalty=-1.0)}, RequestError, "repetition_penalty"),
    ],
)
async def test_what_it_cannot_honour_is_refused(
    tmp_path: Path,
    tiny_base: Path,
    tiny_voice_design: Path,
    options: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    async with Running(house(tmp_path, tiny_base, tiny_voice_design)) as engine:
        with pytest.raises(error, match=words):
            open_stream(engine, **options)


async def test_a_size_of_its_own_goes_before_the_houses(tmp_path: Path, tiny_base: Path) -> None:
    large = Path(shutil.copytree(tiny_base, tmp_path / "large"))
    config = (large / "config.json").read_text()
    (large / "config.json").write_text(config.replace('"0b6"', '"1b7"'))
    data_dir = house(tmp_path, tiny_base, large)
    async with Running(data_dir, checkpoint="tiny-base") as engine:
        for size, name in (("1.7B", "large"), (None, "tiny-base"), ("0.6B", "tiny-base")):
            with pytest.raises(EngineUnavailable, match=f"{name} is still being loaded"):
                await said(engine, clip(), size=size, wait=False)
