"""What is kept of clips: in memory, in files, and of the codec's state behind them."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from koe.core.profile import Clip  # noqa: E402
from koe.engine.qwen.clone_prompts import ClonePrompts, Listener  # noqa: E402
from koe.engine.qwen.codec import StreamingDecoder  # noqa: E402
from koe.engine.qwen.codec_modules import TorchCodec  # noqa: E402
from koe.engine.qwen.device import Device  # noqa: E402
from koe.engine.qwen.guards import Counters  # noqa: E402
from koe.engine.qwen.loading import LoadedCheckpoint, load  # noqa: E402
from koe.engine.qwen.lru import Lru  # noqa: E402
from koe.engine.qwen.package import import_qwen_tts  # noqa: E402
from koe.engine.qwen.priming import Priming  # noqa: E402
from koe.engine.qwen.prompt_files import key, metadata, path  # noqa: E402
from koe.engine.qwen.prompt_voices import Cloned  # noqa: E402
from koe.engine.qwen.reference import ReferenceEncoder  # noqa: E402
from tests.support.package_speech import a_clone  # noqa: E402

SAMPLES = (0.3 * np.sin(np.arange(20_000) / 30)).astype(np.float32)


@pytest.fixture(scope="module")
def loaded(tiny_base: Path) -> LoadedCheckpoint:
    return load(tiny_base, Device("cpu", torch.float32, "for a test"))


@pytest.fixture(scope="module")
def listener(loaded: LoadedCheckpoint) -> Listener:
    return Listener("base", "weights of now", ReferenceEncoder(loaded.model))


def clip(transcript: str = "Hello.") -> Clip:
    return Clip(hashlib.sha256(transcript.encode()).hexdigest(), transcript, lambda: SAMPLES)


def file_of(folder: Path, clip: Clip, listener: Listener) -> Path:
    return path(folder, key(clip.digest, listener.fingerprint))


def same(one: Cloned, other: Cloned) -> bool:
    if one.reference is None or other.reference is None:
        return one.reference is other.reference and torch.equal(one.embedding, other.embedding)
    codes = torch.equal(one.reference.codes, other.reference.codes)
    return (
        codes and one.reference.transcript == other.reference.transcript and torch.equal(one.embedding, other.embedding)
    )


@pytest.mark.parametrize("transcript", ["Hello.", ""])
def test_a_prompt_is_the_package_s_own_also_from_its_file(
    tmp_path: Path, loaded: LoadedCheckpoint, listener: Listener, transcript: str
) -> None:
    package = import_qwen_tts().Qwen3TTSModel(loaded.model, loaded.processor)
    (item,) = package.create_voice_clone_prompt((SAMPLES, 24_000), transcript or None, not transcript)
    built = ClonePrompts(tmp_path, Counters()).get(clip(transcript), listener)
    again = ClonePrompts(tmp_path, counters := Counters()).get(clip(transcript), listener)
    assert counters.prompts == 0
    for voice in (built, again):
        assert torch.equal(voice.embedding, item.ref_spk_embedding)
        assert (voice.reference is None) == item.x_vector_only_mode
        if voice.reference is not None:
            assert torch.equal(voice.reference.codes, item.ref_code)
            assert voice.reference.transcript == item.ref_text


def test_numbers_of_another_kind_are_made_anew_and_found_again(
    tmp_path: Path, tiny_base: Path, listener: Listener
) -> None:
    narrow = load(tiny_base, Device("cpu", torch.bfloat16, "for a test"))
    other = replace(listener, encoder=ReferenceEncoder(narrow.model))
    built = []
    for each in (listener, other, other):
        ClonePrompts(tmp_path, counters := Counters()).get(clip(), each)
        built.append(counters.prompts)
    assert built == [1, 1, 0]


def contents(voice: Cloned, **changes: Any) -> dict[str, Any]:
    assert voice.reference is not None
    tensors = {"embedding": voice.embedding, "codes": voice.reference.codes} | changes
    return {name: tensor.contiguous() for name, tensor in tensors.items() if tensor is not None}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"codes": None}, {}),
        ({"embedding": None}, {}),
        ({"codes": torch.full((9, 16), 2048)}, {}),
        ({"codes": torch.full((9, 16), -1)}, {}),
        ({"codes": torch.zeros(9, 15, dtype=torch.int64)}, {}),
        ({"codes": torch.zeros(16, dtype=torch.int64)}, {}),
        ({"codes": torch.zeros(0, 16, dtype=torch.int64)}, {}),
        ({"codes": torch.zeros(9, 16)}, {}),
        ({"codes": torch.tensor(3)}, {}),
        ({"embedding": torch.zeros(65)}, {}),
        ({"embedding": torch.zeros(64, dtype=torch.bfloat16)}, {}),
        ({"embedding": torch.full((64,), float("nan"))}, {}),
        ({}, {"clip": "another"}),
        ({}, {"format": "koe clone prompt 0"}),
    ],
)
def test_a_file_that_does_not_fit_is_told_of_and_made_anew(
    tmp_path: Path,
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    said: dict[str, str],
) -> None:
    from safetensors.torch import save_file

    whole = ClonePrompts(tmp_path, Counters()).get(clip(), listener)
    file = file_of(tmp_path, clip(), listener)
    save_file(contents(whole, **changes), file, metadata(clip().digest, "base") | said)
    again = ClonePrompts(tmp_path, counters := Counters()).get(clip(), listener)
    assert counters.prompts == 1
    assert same(again, whole)
    assert file.name in caplog.text
    assert same(ClonePrompts(tmp_path, counters).get(clip(), listener), whole)
    assert counters.prompts == 1


@pytest.mark.parametrize("content", [b"", b"x" * 7, b"\x80\x04K\x01.", b"\xff" * 99])
def test_a_file_of_rubbish_too(tmp_path: Path, listener: Listener, content: bytes) -> None:
    file = file_of(tmp_path, clip(), listener)
    file.write_bytes(content)
    ClonePrompts(tmp_path, counters := Counters()).get(clip(), listener)
    assert counters.prompts == 1
    assert len(file.read_bytes()) > 1000


def test_where_no_file_can_be_written_memory_serves(
    tmp_path: Path, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "voices").write_text("in the way")
    prompts = ClonePrompts(tmp_path / "voices" / "prompts", counters := Counters())
    assert prompts.get(clip(), listener) is prompts.get(clip(), listener)
    assert counters.prompts == 1
    assert "can't be kept" in caplog.text


def test_memory_keeps_those_used_last(tmp_path: Path, listener: Listener) -> None:
    prompts = ClonePrompts(tmp_path, Counters(), kept=2)
    one, two = prompts.get(clip("One."), listener), prompts.get(clip("Two."), listener)
    assert prompts.get(clip("One."), listener) is one
    prompts.get(clip("Three."), listener)
    assert prompts.get(clip("One."), listener) is one
    assert prompts.get(clip("Two."), listener) is not two


def test_each_checkpoint_hears_for_itself(tmp_path: Path, listener: Listener) -> None:
    prompts = ClonePrompts(tmp_path, counters := Counters())
    prompts.get(clip(), listener)
    prompts.get(clip(), replace(listener, fingerprint="other weights"))
    assert counters.prompts == 2


def test_what_fails_is_not_kept() -> None:
    kept: Lru[str, int] = Lru(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 1) == kept.get("a", lambda: 2) == 1


def test_a_stream_behind_a_reference_sounds_as_if_it_had_been_decoded(loaded: LoadedCheckpoint) -> None:
    decoder = StreamingDecoder(TorchCodec(loaded.codec.decoder))
    priming = Priming(decoder, counters := Counters(), kept=2)
    voice = a_clone(frames=30)
    assert voice.reference is not None
    later = torch.randint(0, 2048, (1, 5, 16))
    state = decoder.open()
    decoder.skip([state], voice.reference.codes[None])
    expected = decoder.decode([state], later)
    with torch.inference_mode():
        whole = loaded.codec.decoder(torch.cat((voice.reference.codes[None], later), 1).transpose(1, 2))
    torch.testing.assert_close(expected, whole[:, 0, 30 * 1920 :], rtol=0, atol=1e-5)
    for _ in range(3):
        assert torch.equal(decoder.decode([priming.open(voice)], later), expected)
    assert counters.primed == 1
    for frames in (1, 2):
        priming.open(a_clone(frames=frames))
    priming.open(voice)
    assert counters.primed == 4
    assert torch.equal(decoder.decode([priming.open(a_clone())], later), decoder.decode([decoder.open()], later))
    assert counters.primed == 4
