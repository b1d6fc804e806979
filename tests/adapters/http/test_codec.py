"""The codec over HTTP: what is computed is the package's own, whoever speaks meanwhile."""

import asyncio
import base64
import io
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from koe.adapters.http import codec
from koe.audio.decode import read_audio
from koe.core.errors import Busy
from koe.core.pcm import to_int16
from koe.engine import SpeechOptions
from koe.engine.fake import FakeEngine
from koe.engine.qwen.codec_work import _MOST
from koe.engine.qwen.coding import MAX_DECODE_FRAMES, MAX_ENCODE_SECONDS, DecodedSound
from koe.engine.qwen.engine import QwenEngine
from koe.settings import QwenSettings
from tests.support import tiny
from tests.support.house import PATIENCE
from tests.support.http_house import HttpHouse, fuzz, http_house

torch = pytest.importorskip("torch")

tiny_base, tiny_custom_voice, tiny_endless = tiny.tiny_base, tiny.tiny_custom_voice, tiny.tiny_endless

FORMATS = ("wav", "flac", "pcm", "mp3", "opus")


@asynccontextmanager
async def house(data_dir: Path, *checkpoints: Path, **settings: Any) -> AsyncIterator[tuple[HttpHouse, QwenEngine]]:
    (data_dir / "models").mkdir(exist_ok=True)
    for checkpoint in checkpoints:
        (data_dir / "models" / checkpoint.name).symlink_to(checkpoint)
    given = {"device": "cpu", "dtype": "float32", "warm_up": False, **settings}
    engine = QwenEngine(QwenSettings(**given), data_dir)
    async with http_house(data_dir, codec.ENDPOINTS, engine, FakeEngine()) as it:
        yield it, engine


@pytest.fixture(scope="module")
def package(tiny_base: Path) -> Any:
    """The package's tokenizer."""
    import importlib

    from koe.engine.qwen.package import import_qwen_tts

    module = import_qwen_tts()
    extractor = importlib.import_module("transformers").EncodecFeatureExtractor
    tokenizer = module.Qwen3TTSTokenizer()
    tokenizer.feature_extractor = extractor.from_pretrained(tiny_base / "speech_tokenizer")
    tokenizer.model = module.core.Qwen3TTSTokenizerV2Model.from_pretrained(tiny_base / "speech_tokenizer").eval()
    tokenizer.config, tokenizer.device = tokenizer.model.config, torch.device("cpu")
    return tokenizer


def sound(seconds: float, rate: int = 24_000, channels: int = 1) -> NDArray[np.float32]:
    """[n, channels]: a tone that rises, with some noise."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(channels).normal(0, 0.05, (len(t), channels))
    return (0.4 * np.sin(2 * np.pi * (150 + 200 * t) * t)[:, None] + noise).clip(-0.9, 0.9).astype(np.float32)


def as_wav(samples: NDArray[np.float32], rate: int = 24_000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype="FLOAT")
    return out.getvalue()


def some_codes(frames: int) -> list[list[int]]:
    made: list[list[int]] = np.random.default_rng(frames).integers(0, 2048, (frames, 16)).tolist()
    return made


async def encoded(it: HttpHouse, wav: bytes, status: int = 200) -> Any:
    data, headers = io.BytesIO(wav), {"Content-Type": "audio/wav"}
    async with it.client.post("/api/audio/encode", data=data, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def decoded(it: HttpHouse, codes: Any, status: int = 200, **more: Any) -> bytes:
    data = io.BytesIO(json.dumps({"codes": codes, **more}).encode())
    headers = {"Content-Type": "application/json"}
    async with it.client.post("/api/audio/decode", data=data, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return await answer.read()


def error_of(answer: bytes | dict[str, Any]) -> dict[str, Any]:
    found = json.loads(answer) if isinstance(answer, bytes) else answer
    return dict(found["error"])


def int16(pcm: bytes) -> NDArray[np.int32]:
    return np.frombuffer(pcm, "<i2").astype(np.int32)


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (24_000, 2), (48_000, 1), (44_100, 2), (16_000, 1)])
async def test_encoding_gives_the_tokens_of_the_package(
    tmp_path: Path, tiny_base: Path, package: Any, rate: int, channels: int
) -> None:
    samples = sound(1.23, rate, channels)
    expected = package.encode(samples[:, 0] if channels == 1 else samples, sr=rate).audio_codes[0]
    async with house(tmp_path, tiny_base) as (it, _):
        answer = await encoded(it, as_wav(samples, rate))
    assert (answer["sample_rate"], answer["frame_rate"], answer["duration"]) == (24_000, 12.5, 1.23)
    assert answer["codes"] == expected.tolist()
    assert len(answer["codes"]) == math.ceil(1.23 * 12.5)


@pytest.mark.parametrize("frames", [1, 40])
async def test_decoding_gives_the_sound_of_the_package(
    tmp_path: Path, tiny_base: Path, package: Any, frames: int
) -> None:
    codes = some_codes(frames)
    waves, rate = package.decode({"audio_codes": torch.tensor(codes)})
    async with house(tmp_path, tiny_base) as (it, _):
        heard = int16(await decoded(it, codes, response_format="pcm"))
    assert (rate, len(heard)) == (24_000, frames * 1920)
    assert np.abs(heard - int16(to_int16(waves[0]))).max() <= 1


async def test_a_checkpoint_that_does_not_clone_encodes_as_well(
    tmp_path: Path, tiny_custom_voice: Path, package: Any
) -> None:
    samples = sound(1.0)
    async with house(tmp_path, tiny_custom_voice) as (it, engine):
        answer = await encoded(it, as_wav(samples))
        assert answer["codes"] == package.encode(samples[:, 0], sr=24_000).audio_codes[0].tolist()
        assert engine.held() == {}


async def test_the_codec_alone_is_enough_though_nobody_can_speak(tmp_path: Path, tiny_base: Path, package: Any) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "Qwen3-TTS-Tokenizer-12Hz").symlink_to(tiny_base / "speech_tokenizer")
    samples = sound(0.5)
    async with house(tmp_path) as (it, engine):
        assert engine.lacks
        codes = (await encoded(it, as_wav(samples)))["codes"]
        assert codes == package.encode(samples[:, 0], sr=24_000).audio_codes[0].tolist()
        assert len(await decoded(it, codes, response_format="pcm")) == 2 * 1920 * len(codes)


async def test_a_sound_comes_as_it_is_in_base64_or_in_a_form(tmp_path: Path, tiny_base: Path) -> None:
    wav = as_wav(sound(0.3))
    async with house(tmp_path, tiny_base) as (it, _):
        expected = await encoded(it, wav)
        async with it.client.post("/api/audio/encode", json={"audio": base64.b64encode(wav).decode()}) as answer:
            assert await answer.json() == expected
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("file", wav, filename="a.wav")
        async with it.client.post("/api/audio/encode", data=form) as answer:
            assert await answer.json() == expected


@pytest.mark.parametrize("format", FORMATS)
async def test_every_format_holds_the_whole_sound(tmp_path: Path, tiny_base: Path, format: str) -> None:
    async with house(tmp_path, tiny_base) as (it, _):
        data = await decoded(it, some_codes(30), response_format=format)
    seconds = (
        len(data) / 48_000
        if format == "pcm"
        else len((read := read_audio(data, most_seconds=60)).samples) / read.sample_rate
    )
    assert seconds == pytest.approx(2.4, abs=0.15)


@pytest.mark.parametrize(
    ("codes", "complaint"),
    [
        ([], "codes"),
        ([[0] * 15], "codes.0"),
        ([[0] * 17], "codes.0"),
        ([[0] * 15 + [2048]], "codes.0.15"),
        ([[0] * 16, [-1] + [0] * 15], "codes.1.0"),
        ([[0.5] * 16], "codes.0.0"),
        ("0", "codes"),
        ([[0] * 16] * (MAX_DECODE_FRAMES + 1), "codes"),
    ],
)
async def test_what_are_no_codes_is_refused_by_name(
    tmp_path: Path, tiny_base: Path, codes: Any, complaint: str
) -> None:
    async with house(tmp_path, tiny_base) as (it, _):
        error = error_of(await decoded(it, codes, 400))
    assert error["param"] == complaint


async def test_what_is_no_sound_for_it_is_refused(tmp_path: Path, tiny_base: Path) -> None:
    async with house(tmp_path, tiny_base) as (it, _):
        for wav, words in (
            (b"nothing", "no audio file"),
            (as_wav(sound(0.01)), "too few"),
            (as_wav(sound(MAX_ENCODE_SECONDS + 1, 8000), 8000), "longer than 30 seconds"),
        ):
            assert words in error_of(await encoded(it, wav, 400))["message"]
        async with it.client.post("/api/audio/encode", data="hello", headers={"Content-Type": "text/plain"}) as answer:
            assert answer.status == 415
        async with it.client.post("/api/audio/encode", json={"audio": "!"}) as answer:
            assert error_of(await answer.read())["param"] == "audio"


async def test_without_a_checkpoint_it_says_which_to_get(tmp_path: Path) -> None:
    async with house(tmp_path) as (it, _):
        error = error_of(await decoded(it, some_codes(1), 503))
        assert "models download Qwen3-TTS-Tokenizer-12Hz" in error["message"]
        assert error_of(await encoded(it, as_wav(sound(0.3)), 503))["code"] == "engine-unavailable"


async def test_without_the_engine_it_says_how_to_get_it(tmp_path: Path) -> None:
    async with http_house(tmp_path, codec.ENDPOINTS) as it:
        assert "isn't in use" in error_of(await decoded(it, some_codes(1), 503))["message"]


async def test_a_room_speaks_on_while_much_is_decoded_and_one_encodes(tmp_path: Path, tiny_endless: Path) -> None:
    """Long before the codec is done with it all, the room has its speech, and it is the same as ever."""
    async with house(tmp_path, tiny_endless) as (it, engine):
        alone = await spoken(engine)
        decoding = [asyncio.create_task(decoded(it, some_codes(600), response_format="pcm")) for _ in range(2)]
        encoding = asyncio.create_task(encoded(it, as_wav(sound(1.0))))
        beside = await spoken(engine)
        assert not any(each.done() for each in decoding)
        assert np.abs(int16(alone) - int16(beside)).max() <= 1
        assert {len(each) for each in await asyncio.gather(*decoding)} == {2 * 1920 * 600}
        assert len((await encoding)["codes"]) == 13


async def spoken(engine: QwenEngine) -> bytes:
    options = SpeechOptions(language="en", seed=1, wait=True, max_seconds=1.0)
    stream = engine.open(engine.voices()[0], options)
    stream.feed("Hello there.")
    stream.finish()
    return b"".join([pcm async for pcm in stream])


async def test_many_are_told_to_come_again_and_who_leaves_makes_room(tmp_path: Path, tiny_base: Path) -> None:
    async with house(tmp_path, tiny_base) as (it, engine):
        # Nobody takes their sound, so they stay where they are.
        waiting = [await engine.decode(np.array(some_codes(400))) for _ in range(_MOST)]
        assert error_of(await decoded(it, some_codes(1), 429))["code"] == "busy"
        for each in waiting:
            await each.aclose()
        async with asyncio.timeout(PATIENCE):
            while (sound := await if_not_busy(engine)) is None:  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.005)
        assert len(b"".join([pcm async for pcm in sound])) == 2 * 1920


async def if_not_busy(engine: QwenEngine) -> DecodedSound | None:
    try:
        return await engine.decode(np.array(some_codes(1)))
    except Busy:
        return None


async def test_the_document_says_what_it_does(tmp_path: Path, tiny_base: Path) -> None:
    async with house(tmp_path, tiny_base) as (it, _):
        await fuzz(it, examples=10)
