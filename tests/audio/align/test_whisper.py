"""faster-whisper as it is, with a model whose weights are random: what it hears is nonsense, and every word still has a
time. How near these times are with a published model isn't tested here."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koe.audio.align.passage import Passage
from koe.audio.align.process import Aligner
from koe.core.errors import EngineUnavailable
from tests.support.whisper import tiny_whisper

NEEDED = ("faster_whisper", "pocketsphinx", "qwen_tts")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="not all extras are installed"),
]

DEADLINE = 100.0


async def test_words_of_any_language_have_times_with_a_model_that_is_there(tmp_path: Path) -> None:
    model = tiny_whisper(tmp_path / "model")
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    soundfile.write(tmp_path / "noise.wav", noise, 24_000)
    texts = {"de": "Die 3 Fenster sind zu.", "ja": "窓は閉まっています。", "en": "The windows are closed."}
    passages = [Passage(file=str(tmp_path / "noise.wav"), text=text, language=tag) for tag, text in texts.items()]
    german, japanese, english = await Aligner(str(model), deadline=DEADLINE).align(passages)
    assert [each.aligner for each in (german, japanese, english)] == [
        "faster-whisper",
        "faster-whisper",
        "pocketsphinx",
    ]
    assert [word.word for word in german.words] == ["Die", "3", "Fenster", "sind", "zu."]
    assert "".join(word.word for word in japanese.words) == texts["ja"]
    for found in (german, japanese):
        edges = [edge for word in found.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert 0 <= edges[0] < edges[-1] <= 2.0
    (model / "tokenizer.json").unlink()
    with pytest.raises(EngineUnavailable, match=r"tokenizer\.json"):
        await Aligner(str(model), deadline=DEADLINE).align(passages)
    (model / "model.bin").write_bytes(b"nonsense")
    (model / "tokenizer.json").write_text("{}")
    with pytest.raises(EngineUnavailable, match="can't be loaded"):
        await Aligner(str(model), deadline=DEADLINE).align(passages)
