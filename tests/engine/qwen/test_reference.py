"""References are encoded as the package encodes them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koe.core.errors import MalformedInput
from koe.engine.qwen.package import import_qwen_tts

torch = pytest.importorskip("torch")
loading = pytest.importorskip("koe.engine.qwen.loading")
reference = pytest.importorskip("koe.engine.qwen.reference")

CPU = loading.Device("cpu", torch.float32, "for a test")


@pytest.fixture(scope="module")
def loaded(tiny_base: Path) -> Any:
    return loading.load(tiny_base, CPU)


@pytest.fixture(scope="module")
def encoder(loaded: Any) -> Any:
    return reference.ReferenceEncoder(loaded.model)


def clip(samples: int) -> Any:
    """A tone that rises, with some noise."""
    t = np.arange(samples) / 24_000
    noise = np.random.default_rng(samples).normal(0, 0.05, samples)
    return (0.4 * np.sin(2 * np.pi * (150 + 200 * t) * t) + noise).clip(-1, 1).astype(np.float32)


@pytest.mark.parametrize("samples", [1920, 1921, 19_200, 30_011])
def test_a_clip_gives_the_package_s_codes_and_embedding(loaded: Any, encoder: Any, samples: int) -> None:
    package = import_qwen_tts().Qwen3TTSModel(loaded.model, loaded.processor)
    (item,) = package.create_voice_clone_prompt((clip(samples), 24_000), ref_text="Hello.")

    codes, embedding = encoder.codes(clip(samples)), encoder.speaker_embedding(clip(samples))

    assert codes.dtype == torch.int64
    assert codes.shape == (-(-samples // 1920), 16)
    assert torch.equal(codes, item.ref_code)
    assert torch.equal(embedding, item.ref_spk_embedding)
    assert embedding.shape == (loaded.config.talker_config.hidden_size,)


def test_another_clip_gives_another_voice(encoder: Any) -> None:
    one, other = encoder.speaker_embedding(clip(9600)), encoder.speaker_embedding(clip(19_200))
    assert not torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "complaint"),
    [
        (np.zeros((2, 4800), np.float32), "mono"),
        (np.zeros(4800, np.float64), "float64"),
        (clip(1919), "too short"),
        (clip(4800) * 3, "beyond"),
        (np.full(4800, np.nan, np.float32), "aren't numbers"),
    ],
)
def test_what_is_no_clip_is_refused(encoder: Any, samples: Any, complaint: str) -> None:
    for encode in (encoder.codes, encoder.speaker_embedding):
        with pytest.raises(MalformedInput, match=complaint):
            encode(samples)
